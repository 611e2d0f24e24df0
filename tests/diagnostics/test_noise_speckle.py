"""Speckle, found from the logarithm of an image."""

import pytest
import torch
from scipy.stats import loggamma

import invprob as ip
from invprob.diagnostics.noise_speckle import alpha_of


def scene(decibels):
    """Fields of 8 x 8 pixels, each of its own brightness, over such a range."""
    share = torch.rand(1, 1, 8, 8, generator=ip.generator(0))
    share = (share - share.min()) / (share.max() - share.min())
    levels = 10 ** (-decibels / 10 * (1 - share))
    return levels.repeat_interleave(8, 2).repeat_interleave(8, 3)


@pytest.mark.parametrize("alpha", [0.5, 4.0, 100.0])
def test_alpha_from_the_spread_of_the_logarithm(alpha):
    assert alpha_of(loggamma(alpha).std()) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize("alpha", [4.0])
def test_strong_speckle_of_a_large_range(alpha):
    x = scene(20)
    y = ip.Gamma(alpha).sample(x, ip.generator(1))
    found = ip.estimate_noise(y)
    assert found.best.name == "gamma" and found.is_usable
    assert float(found.best.text.partition("=")[2]) == pytest.approx(alpha, rel=0.15)
    true = float((y - x).square().mean().sqrt())
    assert found.sigma == pytest.approx(true, rel=0.1)


def test_a_few_very_bright_points_hide_no_speckle():
    x = scene(13)
    x[..., 5::40, 7::40] = 256.0
    found = ip.estimate_noise(ip.Gamma(4.0).sample(x, ip.generator(1)))
    assert float(found.best.text.partition("=")[2]) == pytest.approx(4, rel=0.2)


def test_levels_of_no_image_are_not_for_use():
    x = scene(13)
    y = ip.Gaussian(sigma=0.05).sample(x - 0.5, ip.generator(0))
    found = ip.estimate_noise(y)
    assert not found.is_usable and "--black" in str(found)
