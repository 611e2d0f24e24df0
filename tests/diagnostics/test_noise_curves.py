"""Where noise levels come back to themselves, with a denoiser of which everything is known."""

import math

import pytest
import torch

import invprob as ip
from invprob.diagnostics.noise_curves import Looks

SD, SHAPE = 0.2, (1, 128, 128)
PRIOR = ip.GaussianPrior(mean=torch.full(SHAPE, 0.5, dtype=torch.float64), sd=SD)
CLEAN = PRIOR.sample((1, *SHAPE), ip.generator(0))
UNIT = torch.randn(1, *SHAPE, generator=ip.generator(1), dtype=torch.float64)
LEFT = (torch.arange(128) < 64).expand(1, *SHAPE)


@pytest.mark.parametrize("sigma", [0.2, 0.6])
def test_the_level_is_that_of_the_noise_and_the_error_that_of_the_estimate(sigma):
    looks = Looks(CLEAN + sigma * UNIT, PRIOR, 0)
    assert looks.sigma((1e-4, 10.0)) == pytest.approx(sigma, rel=0.03)
    looks.around(sigma)
    exact = SD * sigma / math.hypot(SD, sigma)  # the deviation of the posterior
    assert looks.error(sigma) == pytest.approx(exact, rel=1e-6)


def test_pixels_of_two_levels_are_told_apart():
    sigma = torch.where(LEFT, 0.2, 0.5)
    looks = Looks(CLEAN + sigma * UNIT, PRIOR, 0)
    looks.sigma((1e-4, 10.0))
    assert looks.solve([LEFT, ~LEFT], (1e-4, 10.0)) == pytest.approx([0.2, 0.5], rel=0.04)


def test_levels_that_the_denoiser_does_not_take_are_zero_or_infinite():
    looks = Looks(CLEAN + 0.4 * UNIT, PRIOR, 0)
    assert looks.sigma((1e-4, 0.2)) == math.inf
    looks = Looks(CLEAN + 0.2 * UNIT, PRIOR, 0)
    assert looks.sigma((0.6, 10.0)) == 0
