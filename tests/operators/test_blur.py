"""Circular blur against scipy's convolution and against the definition."""

import numpy as np
import pytest
import scipy.ndimage
import torch
from operator_examples import random

import invprob as ip
from invprob.operators import kernels
from invprob.operators.fourier import reflect, transfer

SIZES = [(1, 1), (3, 3), (2, 2), (4, 3), (5, 2), (1, 4), (6, 7)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("image", [(6, 7), (8, 8), (7, 9)])
def test_convolution(size, image):
    kernel, x = random(*size), random(2, 3, *image, seed=1)
    y = ip.CircularBlur(kernel).forward(x)
    wanted = scipy.ndimage.convolve(x.numpy(), kernel.numpy()[None, None], mode="wrap")
    assert np.allclose(y, wanted, rtol=0, atol=1e-13)


def test_the_definition():
    """y[i] = sum over j of kernel[j] x[i - (j - c)], with the centre c = (h // 2, w // 2)."""
    kernel, x = random(4, 3), random(1, 1, 5, 6, seed=1)
    wanted = sum(
        kernel[j, k] * x.roll((j - 2, k - 1), (-2, -1)) for j in range(4) for k in range(3)
    )
    assert torch.allclose(ip.CircularBlur(kernel).forward(x), wanted, atol=1e-14)


def test_each_channel_has_its_kernel():
    kernel, x = random(3, 3, 2), random(2, 3, 5, 5, seed=1)
    y = ip.CircularBlur(kernel).forward(x)
    for c in range(3):
        alone = ip.CircularBlur(kernel[c]).forward(x[:, c : c + 1])
        assert torch.allclose(y[:, c : c + 1], alone, atol=1e-14)


def test_brightness_is_kept():
    x = torch.full((1, 1, 9, 9), 0.25)
    assert torch.allclose(ip.CircularBlur.named("motion5@30").forward(x), x)


def test_zeros_of_the_transfer_function_are_exact():
    """A 4x4 mean on 8x8 pixels is blind to every frequency with a coordinate 2, 4 or 6."""
    s = ip.CircularBlur.named("uniform4").svd((1, 8, 8)).s
    assert int((s == 0).sum()) == 64 - 5 * 5
    assert float(s[s > 0].min()) > 0.01


@pytest.mark.parametrize("side", [15, 35, 50])
def test_rounding_is_not_a_singular_value(side):
    """A 5x5 mean is blind to every fifth of the sampling frequency, along either axis."""
    blur = ip.CircularBlur.named("uniform5")
    s = blur.svd((1, side, side)).s
    assert int((s == 0).sum()) == side**2 - (side - 4) ** 2
    with pytest.raises(ip.InputError, match="can't be inverted"):
        blur.inverse(torch.ones(1, 1, side, side))


def test_small_singular_values_are_kept():
    s = ip.CircularBlur.named("gaussian1.5").svd((1, 64, 64)).s
    assert bool((s > 0).all())


def test_ill_conditioned_but_invertible():
    blur, x = ip.CircularBlur.named("gaussian0.8"), random(1, 1, 16, 16)
    assert torch.allclose(blur.inverse(blur.forward(x)), x, atol=1e-9)


@pytest.mark.parametrize(
    ("kernel", "complaint"),
    [
        (torch.ones(3), "one a channel"),
        (torch.zeros(3, 3), "0 everywhere"),
        (torch.full((3, 3), float("inf")), "not finite"),
        (torch.ones(0, 3), "empty"),
        (None, "no array"),
    ],
)
def test_no_kernel(kernel, complaint):
    with pytest.raises(ip.InputError, match=complaint):
        ip.CircularBlur(kernel)


@pytest.mark.parametrize("shape", [(1, 4, 8), (1, 8, 4), (8,)])
def test_too_small_an_image(shape):
    blur = ip.CircularBlur(torch.ones(5, 5))
    for use in (blur.out_shape, blur.image_shape, blur.svd, blur.log_abs_det):
        with pytest.raises(ip.InputError):
            use(shape)
    with pytest.raises(ip.InputError, match="image"):
        blur.forward(torch.ones(1, *shape))


def test_channels_that_do_not_match():
    with pytest.raises(ip.InputError, match="one kernel for each channel"):
        ip.CircularBlur(torch.ones(2, 3, 3)).out_shape((3, 8, 8))


def test_one_operator_for_many_sizes():
    blur = ip.CircularBlur(kernels.gaussian(1.0))
    for side in range(7, 20):
        x = random(1, 1, side, side, seed=side)
        wanted = scipy.ndimage.convolve(x.numpy(), blur.kernel.numpy()[None, None], mode="wrap")
        assert np.allclose(blur.forward(x), wanted, atol=1e-13)


@pytest.mark.parametrize("size", [(7, 9), (64, 64), (100, 37)])
def test_the_transfer_function_is_that_of_a_real_filter_to_the_last_bit(size):
    g = transfer(random(2, 5, 4), size)
    assert torch.equal(g, reflect(g).conj())


def test_a_difference_is_blind_to_a_flat_image_exactly():
    s = ip.CircularBlur([[0.1, 0.2, -0.3]]).svd((1, 4, 8)).s
    assert int((s == 0).sum()) == 4


def test_one_kernel_in_three_axes_acts_on_each_channel_alone():
    assert ip.CircularBlur(torch.ones(1, 3, 3)).acts_on() == "plane"
    assert ip.CircularBlur(torch.ones(2, 3, 3)).acts_on() is None
