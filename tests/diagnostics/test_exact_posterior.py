"""Mode weights, spread and squared error against posteriors that are known."""

import math

import pytest
import torch

import invprob as ip
from invprob.diagnostics.exact_posterior import error_ratio, mode_distance, spread_ratio

F64 = torch.float64
MIXTURE = ip.GaussianMixturePrior(
    torch.tensor([0.2, 0.3, 0.5], dtype=F64),
    torch.tensor([[-3.0, 0.0], [0.0, 3.0], [3.0, 0.0]], dtype=F64),
    0.04 * torch.eye(2, dtype=F64),
)


def test_responsibilities_are_the_posterior_of_the_component():
    x = torch.tensor([[-2.9, 0.1], [1.5, 1.5], [0.0, 0.0]], dtype=F64)
    densities = torch.stack(
        [
            w * torch.exp(-(x - m).square().sum(1) / 0.08)
            for w, m in zip(MIXTURE.weights, MIXTURE.means, strict=True)
        ],
        1,
    )
    expected = densities / densities.sum(1, keepdim=True)
    torch.testing.assert_close(MIXTURE.responsibilities(x), expected)


def test_exact_samples_have_the_exact_weights_but_for_their_number():
    size, w = 500, MIXTURE.weights
    found = [
        mode_distance(MIXTURE.sample((size, 2), ip.generator(0, i)), MIXTURE) for i in range(200)
    ]
    floor = float((w * (1 - w) / (2 * math.pi * size)).sqrt().sum())
    assert sum(found) / len(found) == pytest.approx(floor, rel=0.1)


def test_a_missing_mode_costs_its_weight():
    x = MIXTURE.sample((4000, 2), ip.generator(0))
    assert mode_distance(x[x[:, 0] > -1.5], MIXTURE) == pytest.approx(0.2, abs=0.02)


def test_overlapping_modes_are_weighed_softly():
    near = ip.GaussianMixturePrior(MIXTURE.weights, 0.05 * MIXTURE.means, torch.eye(2).double())
    assert mode_distance(near.sample((20_000, 2), ip.generator(0)), near) < 0.005


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.3])
def test_the_spread_ratio_is_the_factor_of_the_spread(factor):
    x = MIXTURE.mean + factor * (MIXTURE.sample((20_000, 2), ip.generator(1)) - MIXTURE.mean)
    assert spread_ratio(x, MIXTURE.covariance()) == pytest.approx(factor, rel=0.01)
    assert spread_ratio(x, MIXTURE.covariance().diagonal()) == pytest.approx(factor, rel=0.01)


def solved(sigma, told):
    """The ratio for a correlated Gaussian, denoised as if the noise were `told`."""
    covariance = torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=F64)
    prior = ip.GaussianPrior.from_covariance(torch.zeros(2, dtype=F64), covariance)
    draw = ip.generator(3)
    x = prior.sample((4000, 2), draw)
    y = x + sigma * torch.randn(x.shape, generator=draw, dtype=F64)
    noise = ip.Gaussian(sigma=told)
    posterior = prior.posterior(noise, y[:1])
    wiener = [prior.denoise(y, torch.tensor(level, dtype=F64)) for level in (told, sigma)]
    centred = posterior.sample((4000, 2), draw) - posterior.mean
    return error_ratio((wiener[0] + centred)[None], x, wiener[1])


def test_the_error_of_an_exact_sample_is_twice_that_of_the_mean():
    assert solved(0.5, 0.5) == pytest.approx(2.0, abs=0.08)
    assert solved(0.5, 0.25) < 1.8
    assert solved(0.5, 1.0) > 2.3


def test_what_does_not_fit_is_refused():
    x = torch.zeros(4, 2)
    with pytest.raises(ip.InputError, match=r"at least 1 are needed"):
        mode_distance(x[:0], MIXTURE)
    with pytest.raises(ip.InputError, match=r"at least 2 are needed"):
        spread_ratio(x[:1], torch.eye(2))
    with pytest.raises(ip.InputError, match=r"need \(2, 2\) or \(2,\)"):
        spread_ratio(x, torch.eye(3))
    with pytest.raises(ip.InputError, match=r"give \(N, B, \*image\)"):
        error_ratio(x, x, x)
    with pytest.raises(ip.InputError, match="nothing is left"):
        error_ratio(x[None], x, x)
