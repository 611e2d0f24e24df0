"""A sweep in the singular basis, for all rows at once, is that of draws one by one."""

import pytest
import torch

import invprob as ip
from invprob.solvers.split_moves import sweep, weights


class OneByOne:
    """A noise of which nothing is known but what it takes to draw from it."""

    def __init__(self, noise):
        self.noise, self.draws = noise, 0

    def sample(self, x, generator, /):
        return self.noise.sample(x, generator)

    def sample_given(self, y, v, rho, generator, /):
        self.draws += 1
        return self.noise.sample_given(y, v, rho, generator)


OPERATORS = [
    ip.Mask.random((8, 8), keep=0.4, seed=0),
    ip.CircularBlur.named("uniform5"),
    ip.Downsample(2),
]


@pytest.mark.parametrize("operator", OPERATORS, ids=repr)
@pytest.mark.parametrize(("kappa", "fall"), [(0.0, 1.0), (0.7, 0.8)])
def test_all_rows_at_once(operator, kappa, fall):
    x = torch.rand(3, 2, 8, 8, generator=ip.generator(0), dtype=torch.float64)
    z = x + 0.1 * torch.randn(x.shape, generator=ip.generator(1), dtype=torch.float64)
    noise = ip.Gaussian(sigma=0.05, operator=operator)
    y = noise.sample(x, ip.generator(2))
    prior = ip.GaussianPrior(mean=torch.full((2, 8, 8), 0.5, dtype=torch.float64), sd=0.2)
    seeds = torch.tensor([5, 6, 7]), torch.tensor([8, 9, 10])
    slow = OneByOne(noise)
    found, expected = (
        sweep(
            ip.Problem(prior, likelihood, y, image_shape=(2, 8, 8)),
            z,
            x,
            seeds,
            (0.1, 0.05),
            weights(kappa, fall),
        )
        for likelihood in (noise, slow)
    )
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)
    assert slow.draws == 6


@pytest.mark.parametrize("fall", [1.0, 0.8, 0.3, 0.1, 0.01])
@pytest.mark.parametrize("kappa", [0.0, 0.3, 0.7, 0.9, 0.97])
def test_draws_of_any_fall_have_their_mean_and_the_noise_of_the_level(kappa, fall):
    """Also where what is kept would be too noisy, and nothing of z is: a whole sweep."""
    how = weights(kappa, fall)
    whole = how.keep == 0
    assert whole or how.keep == pytest.approx(kappa**2 * fall)
    assert min(how.widths) > 0.1
    pairs = list(zip(how.draws, how.widths, strict=True))
    assert how.keep + how.rest + 2 * sum(how.draws) == pytest.approx(1)
    assert sum(b * t for b, t in pairs) == pytest.approx((1 - how.keep) / 2)
    noise = 0.5 if whole else (1 - kappa**2) / 2
    assert sum(b**2 * t for b, t in pairs) == pytest.approx(noise)
