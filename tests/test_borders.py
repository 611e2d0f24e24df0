"""Borders that fit one another, and those of photographs, behind a blur that wraps around."""

import warnings

import pytest
import torch

import invprob as ip

PHOTO = ip.sample_photo()
KERNELS = ["gaussian1.6", "uniform5", "motion9@30"]


def warned(operator, y, noise=None):
    prior = ip.GaussianPrior(mean=torch.full(y.shape[1:], 0.5), sd=0.2)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        likelihood = ip.Gaussian(0.01, operator) if noise is None else ip.Observed(noise, operator)
        ip.Problem(prior, likelihood, y)
    return ["-A blur:" in str(one.message) for one in found]


@pytest.mark.parametrize("sigma", [0.001, 0.03])
@pytest.mark.parametrize("kernel", KERNELS)
def test_only_borders_that_were_cut_out_are_warned_of(kernel, sigma):
    circular = ip.CircularBlur.named(kernel)
    white = sigma * torch.randn(PHOTO.shape, generator=ip.generator(0))
    assert warned(circular, circular.forward(PHOTO) + white) == []
    cut = ip.Blur(circular.kernel).forward(PHOTO)
    assert warned(circular, cut + white[..., : cut.shape[-2], : cut.shape[-1]]) == [True]


def test_counts():
    circular = ip.CircularBlur.named("uniform5")
    cut = ip.Poisson(peak=200).sample(ip.Blur(circular.kernel).forward(PHOTO), ip.generator(0))
    assert warned(circular, cut, ip.Poisson(peak=200)) == [True]


def test_what_says_nothing_of_borders():
    cut = ip.Blur.named("uniform5").forward(PHOTO)
    assert warned(ip.CircularBlur(torch.ones(1, 1)), cut) == []  # no blur at all
    assert warned(ip.CircularBlur.named("uniform5"), cut[..., :40, :40]) == []  # too small
    assert warned(ip.Identity(), cut) == []
    assert warned(ip.SeparableBlur.named("uniform5"), cut) == []
    assert warned(ip.CircularBlur.named("uniform5"), torch.zeros_like(cut)) == []
