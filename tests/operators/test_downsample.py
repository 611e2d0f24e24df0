"""Block averages, and decimation of a blurred image."""

import pytest
import torch
from operator_examples import random

import invprob as ip
from invprob.operators import kernels


@pytest.mark.parametrize("factor", [1, 2, 3, 6])
def test_block_average(factor):
    x = random(2, 3, 6, 12)
    wanted = torch.nn.functional.avg_pool2d(x, factor)
    assert torch.allclose(ip.Downsample(factor).forward(x), wanted, atol=1e-15)


def test_the_singular_value_is_one_over_the_factor():
    """Not 1: noise on a mean of 16 pixels counts fourfold on their common coefficient."""
    s = ip.Downsample(4).svd((1, 8, 8)).s
    assert sorted(s.unique().tolist()) == [0, 0.25]
    assert int((s > 0).sum()) == 4


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_decimate_is_blur_then_every_rth_pixel(factor):
    kernel, x = random(3, 4), random(2, 2, 6, 12, seed=1)
    wanted = ip.CircularBlur(kernel).forward(x)[..., ::factor, ::factor]
    assert torch.allclose(ip.BlurDecimate(kernel, factor).forward(x), wanted, atol=1e-15)


def test_decimating_a_mean_of_two_is_a_block_average():
    """The mean of 2x2 pixels, centred at (1, 1), reaches one pixel down and to the right."""
    decimate, average = ip.BlurDecimate(kernels.uniform(2), 2), ip.Downsample(2)
    x = random(1, 1, 8, 6)
    assert torch.allclose(decimate.forward(x), average.forward(x), atol=1e-15)
    s, wanted = (operator.svd((1, 8, 6)).s.flatten() for operator in (decimate, average))
    assert torch.allclose(s.sort().values, wanted.sort().values, atol=1e-15)


def test_factor_one_has_the_singular_values_of_the_blur():
    kernel = random(3, 3)
    assert torch.allclose(
        ip.BlurDecimate(kernel, 1).svd((2, 5, 6)).s, ip.CircularBlur(kernel).svd((2, 5, 6)).s
    )


@pytest.mark.parametrize("make", [ip.Downsample, lambda r: ip.BlurDecimate(torch.ones(1, 1), r)])
def test_refusals(make):
    for bad in (0, -1, 1.5):
        with pytest.raises(ip.InputError, match="factor="):
            make(bad)
    with pytest.raises(ip.InputError, match="crop it to 6x9"):
        make(3).out_shape((1, 7, 11))
    for shape in ((8,), (1, 4, 5), (1, 5, 4), (1, 0, 4)):
        with pytest.raises(ip.InputError):
            make(2).out_shape(shape)
    with pytest.raises(ip.InputError, match="divisible by 2"):
        make(2).forward(torch.ones(1, 1, 4, 5))
    with pytest.raises(ip.InputError, match="the last two axes"):
        make(2).adjoint(torch.ones(2, 4))


def test_a_kernel_larger_than_the_image():
    shrink = ip.BlurDecimate(torch.ones(5, 5), 2)
    with pytest.raises(ip.InputError, match="larger"):
        shrink.out_shape((1, 4, 4))
    with pytest.raises(ip.InputError, match="larger"):
        shrink.image_shape((1, 2, 2))
    assert shrink.image_shape((1, 3, 3)) == (1, 6, 6)


@pytest.mark.parametrize("factor", [(2, 1), "x", None, 2.5, 0, float("nan"), float("inf")])
def test_one_whole_number_for_both_sides(factor):
    for make in (ip.Downsample, lambda n: ip.BlurDecimate(kernels.uniform(3), n)):
        with pytest.raises(ip.InputError, match="one whole number of pixels >= 1, for both"):
            make(factor)
