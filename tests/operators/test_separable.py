"""Separable blur against scipy's convolution, border by border."""

import numpy as np
import pytest
import scipy.ndimage
import torch
from operator_examples import matrix, random

import invprob as ip

MODES = {"zero": "constant", "replicate": "nearest", "reflect": "mirror", "circular": "wrap"}


@pytest.mark.parametrize("boundary", MODES)
@pytest.mark.parametrize("taps", [(3, 3), (2, 5), (4, 1), (6, 7)])
def test_convolution(boundary, taps):
    rows, columns = random(taps[0]), random(taps[1], seed=1)
    x = random(2, 3, 6, 7, seed=2)
    y = ip.SeparableBlur(rows, columns, boundary).forward(x)
    wanted = x.numpy()
    for axis, profile in ((-2, rows), (-1, columns)):
        wanted = scipy.ndimage.convolve1d(wanted, profile.numpy(), axis, mode=MODES[boundary])
    assert np.allclose(y, wanted, rtol=0, atol=1e-13)


def test_circular_is_the_circular_blur():
    rows, columns, x = random(4), random(3, seed=1), random(1, 2, 6, 5, seed=2)
    separable = ip.SeparableBlur(rows, columns, "circular")
    circular = ip.CircularBlur(torch.outer(rows, columns))
    assert torch.allclose(separable.forward(x), circular.forward(x), atol=1e-13)
    assert torch.allclose(
        separable.svd((2, 6, 5)).s.flatten().sort().values,
        circular.svd((2, 6, 5)).s.flatten().sort().values,
        atol=1e-13,
    )


def test_channels_are_not_interleaved():
    """A decomposition that mixes the order of channels and pixels is not that of the blur."""
    blur = ip.SeparableBlur.named("gaussian1")
    x = random(1, 3, 8, 9)
    svd = blur.svd((3, 8, 9))
    for c in range(3):
        alone = x[:, c : c + 1]
        assert torch.allclose(svd.vt(x)[:, c : c + 1], blur.svd((1, 8, 9)).vt(alone))


def test_blind_directions_have_exact_zeros():
    blur = ip.SeparableBlur([0.5, 0.5], [1.0], "circular")
    svd = blur.svd((1, 4, 3))
    assert int((svd.s == 0).sum()) == 3
    assert int(torch.linalg.matrix_rank(matrix(blur.forward, (1, 4, 3)))) == 9
    for use in (blur.inverse, blur.inverse_adjoint):
        with pytest.raises(ip.InputError, match="singular values of it are zero"):
            use(random(1, 1, 4, 3))


def test_named():
    blur = ip.SeparableBlur.named("uniform3", boundary="zero")
    x = random(1, 1, 5, 5)
    wanted = scipy.ndimage.uniform_filter(x.numpy(), (0, 0, 3, 3), mode="constant")
    assert np.allclose(blur.forward(x), wanted)
    ip.SeparableBlur.named("motion5@90")
    with pytest.raises(ip.InputError, match="Blur.named"):
        ip.SeparableBlur.named("motion5@30")


def test_refusals():
    with pytest.raises(ip.InputError, match="boundary='mirror'; give one of zero, replicate"):
        ip.SeparableBlur([1.0], [1.0], "mirror")
    for bad in (torch.ones(2, 2), [], [0.0, 0.0], [float("nan")]):
        with pytest.raises(ip.InputError):
            ip.SeparableBlur(bad, [1.0])
    blur = ip.SeparableBlur(torch.ones(5), torch.ones(2))
    for shape in ((1, 4, 8), (1, 8, 1), (8,)):
        with pytest.raises(ip.InputError):
            blur.out_shape(shape)
    with pytest.raises(ip.InputError, match="larger than an image"):
        blur.forward(torch.ones(1, 1, 4, 4))


def test_an_image_of_one_row_is_its_own_reflection():
    rows = ip.SeparableBlur([0.5], [1.0, 2.0, 1.0], "reflect")
    x = random(1, 1, 1, 4)
    wanted = scipy.ndimage.convolve1d(x.numpy(), [0.5, 1.0, 0.5], mode="mirror")
    assert np.allclose(rows.forward(x), wanted)
