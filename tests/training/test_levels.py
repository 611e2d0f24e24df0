"""Which noise levels a denoiser learns, and how much an error counts."""

import math

import pytest
import torch
from torch import Generator

from invprob.networks.denoiser import SIGMA_RANGE
from invprob.training.levels import draw_levels, expected_error, roughness


def test_levels_cover_the_range():
    levels = draw_levels(4000, Generator().manual_seed(0))
    assert levels.min() >= SIGMA_RANGE[0] and levels.max() <= SIGMA_RANGE[1]
    assert 0.75 < ((levels > 0.01) & (levels < 1)).float().mean() < 0.95
    assert (levels > 3).any() and (levels < 0.005).any()


def test_most_levels_are_about_the_centre():
    levels = draw_levels(4000, Generator().manual_seed(0), centre=1.5, spread=0.2)
    near = (levels.log() - math.log(1.5)).abs() < 0.4  # two spreads: 95 % of 85 %, and a few more
    assert 0.80 < near.float().mean() < 0.92
    assert (levels > 5).any() and (levels < 0.005).any()


def test_expected_error_grows_and_stays_below_the_noise():
    sigma = torch.logspace(-3, 1, 50)
    error = expected_error(sigma)
    assert (error.diff() > 0).all() and (error < sigma).all()


def test_rough_patches_count_less_and_weights_have_no_gradient():
    x = 0.3 * torch.rand(1, 3, 16, 16, generator=Generator().manual_seed(0))
    patches = torch.cat([x, 0.1 * x, torch.zeros_like(x)]).requires_grad_()
    rough, smooth, flat = roughness(patches)
    assert float(rough / smooth) == pytest.approx(10**0.4, rel=1e-4)
    assert 0 < flat < smooth < 1 < rough and not rough.requires_grad
