"""Filtered noise that grows with the image, where it is strong: several minima, damped sweeps."""

import pytest
import torch
from noise_examples import BLUR, A, image

import invprob as ip


def measured(noise, x):
    """Noise of either sign, up to where the score equation has another root."""
    n = torch.randn(x.shape, generator=ip.generator(1), dtype=x.dtype)
    level = noise.a * x + noise.b
    return x + noise.A.adjoint(level * n.clamp(-0.45 / noise.a, 3))


@pytest.mark.parametrize("filtered", [A, BLUR], ids=repr)
def test_every_row_is_solved_for_the_easy_ones_too(filtered):
    noise, x = ip.ColouredSignalDependent(a=0.4, b=0.05, A=filtered), image(rows=6, darkest=0.2)
    y = measured(noise, x)
    x[0] = y[0]  # its score is 0
    s = noise.score_y(y, x)
    torch.testing.assert_close(noise.match_score(y, s, y), x, rtol=0, atol=1e-9)
    alone = torch.cat(
        [noise.match_score(y[k : k + 1], s[k : k + 1], y[k : k + 1]) for k in (1, 3)]
    )
    torch.testing.assert_close(alone, x[[1, 3]], rtol=0, atol=1e-9)


@pytest.mark.parametrize("filtered", [A, BLUR], ids=repr)
def test_a_prox_is_no_worse_than_the_measurement_and_than_its_point(filtered):
    noise, x = ip.ColouredSignalDependent(a=0.6, b=0.02, A=filtered), image(rows=16)
    y, v = measured(noise, x), 3 * image(5, rows=16) - 1
    step = torch.logspace(-4, 1, 16, dtype=torch.float64)

    def objective(at):
        return (at - v).square().flatten(1).sum(1) / 2 - step * noise.log_prob(y, at)

    found = objective(noise.prox(y, v, step))
    assert (found <= objective(y) + 1e-9).all() and (found <= objective(v) + 1e-9).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda A: ip.ColouredGaussian(0.1, A),
        lambda A: ip.ColouredSignalDependent(0.1, 0.05, A),
        lambda A: ip.Correlated(ip.Gamma(26), A),
    ],
)
def test_a_sum_with_white_noise_asks_the_same_of_its_filter(make):
    y = torch.full((1, 1, 32, 32), 0.5)
    for noise in (
        make(ip.CircularBlur.named("gaussian2")),
        make(ip.CircularBlur.named("gaussian9")),
    ):
        with pytest.raises(ip.InputError):
            ip.Mixture(noise, 0.1).check_measurement(y)
    ip.Mixture(make(A), 0.1).check_measurement(y)
