"""The 3x3 filter of Xie et al. against scipy's convolution, and its fast transforms."""

import math

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
import torch
from operator_examples import matrix, random

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import HasSVD, Spectral
from invprob.operators.cosines import dct1, dct2, dct3, dst1

MODES = {"zero": "constant", "replicate": "nearest", "reflect": "mirror", "circular": "wrap"}
KERNEL = np.array([[0.05, 0.1, 0.05], [0.1, 0.4, 0.1], [0.05, 0.1, 0.05]])


@pytest.mark.parametrize("boundary", MODES)
def test_convolution(boundary):
    x = random(2, 3, 5, 8)
    wanted = scipy.ndimage.convolve(x.numpy(), KERNEL[None, None], mode=MODES[boundary])
    assert np.allclose(ip.CorrelationFilter(boundary).forward(x), wanted, rtol=0, atol=1e-15)


@pytest.mark.parametrize("boundary", MODES)
@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 33, 20)])
def test_the_inverse_is_exact(boundary, shape):
    a, x = ip.CorrelationFilter(boundary), random(2, *shape)
    assert torch.allclose(a.inverse(a.forward(x)), x, rtol=0, atol=1e-12)
    assert torch.allclose(a.adjoint(a.inverse_adjoint(x)), x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("boundary", MODES)
def test_condition(boundary):
    a = matrix(ip.CorrelationFilter(boundary).forward, (1, 12, 12))
    symmetric = bool(torch.allclose(a, a.T))
    assert symmetric == (boundary != "reflect")
    assert 4 < float(torch.linalg.cond(a)) < 5.3


def test_reflect_has_no_decomposition():
    a = ip.CorrelationFilter("reflect")
    assert "not symmetric" in (lacks(a, HasSVD) or "")
    assert "not symmetric" in (lacks(ip.Gaussian(sigma=0.1, operator=a), Spectral) or "")
    with pytest.raises(ip.InputError, match="has no SVD"):
        a.svd((1, 8, 8))


@pytest.mark.parametrize("boundary", ["circular", "zero", "replicate"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 5), (2, 2, 2)])
def test_tiny_images(boundary, shape):
    a, x = ip.CorrelationFilter(boundary), random(1, *shape)
    assert torch.allclose(a.inverse(a.forward(x)), x, atol=1e-14)
    assert torch.allclose(a.svd(shape).v(a.svd(shape).vt(x)), x, atol=1e-14)


def test_refusals():
    with pytest.raises(ip.InputError, match="boundary='wrap'"):
        ip.CorrelationFilter("wrap")
    with pytest.raises(ip.InputError, match="one pixel"):
        ip.CorrelationFilter("reflect").forward(torch.ones(1, 1, 1, 4))


@pytest.mark.parametrize("n", [2, 3, 4, 7, 16, 33, 256, 257])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (dct1, lambda x: scipy.fft.dct(x, 1, norm="ortho")),
        (dct2, lambda x: scipy.fft.dct(x, 2, norm="ortho")),
        (dct3, lambda x: scipy.fft.dct(x, 3, norm="ortho")),
        (dst1, lambda x: scipy.fft.dst(x, 1, norm="ortho")),
    ],
)
def test_transforms(n, ours, theirs):
    x = random(2, 3, n)
    assert np.allclose(ours(x), theirs(x.numpy()), rtol=0, atol=1e-13)
    assert ours(x.float()).dtype == torch.float32


def test_variance_of_filtered_noise():
    """White noise of level 1 has level sqrt(0.21) = 0.458 after the filter: sum of squares."""
    y = ip.CorrelationFilter().forward(random(1, 1, 400, 400))
    assert math.isclose(float(y.std()), math.sqrt((KERNEL**2).sum()), rel_tol=0.01)


@pytest.mark.parametrize("transform", [dct1, dst1])
def test_gradients_pass_a_transform_whose_first_use_was_in_inference_mode(transform):
    with torch.inference_mode():
        transform(torch.ones(2, 41))
    x = torch.ones(2, 41, requires_grad=True)
    transform(x).square().sum().backward()
    torch.testing.assert_close(x.grad, 2 * torch.ones(2, 41))
