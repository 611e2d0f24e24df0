"""The blur of a photograph: nothing wraps, the image is larger, and noise that knows no SVD."""

import numpy as np
import pytest
import scipy.signal
import torch
from operator_examples import random

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import LocallyGaussian, Proximal
from invprob.operators import kernels
from invprob.operators.structure import crop
from invprob.solvers.balance import deviations

SIZES = [(1, 1), (3, 3), (2, 2), (4, 3), (5, 2), (1, 4), (6, 7)]


@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_valid_part_of_the_convolution(size):
    kernel, x = random(*size), random(1, 1, 8, 9, seed=1)
    wanted = scipy.signal.convolve2d(x[0, 0].numpy(), kernel.numpy(), mode="valid")
    assert np.allclose(ip.Blur(kernel).forward(x)[0, 0], wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", SIZES)
def test_the_crop_is_where_the_measurement_is(size):
    """A kernel that is 1 in its centre, and 0 elsewhere, blurs nothing."""
    kernel, x = torch.zeros(size), torch.rand(2, 3, 8, 9, generator=ip.generator(0))
    kernel[size[0] // 2, size[1] // 2] = 1
    blur = ip.Blur(kernel)
    torch.testing.assert_close(blur.forward(x), blur.crop(x))
    assert blur.image_shape(tuple(blur.crop(x).shape[1:])) == (3, 8, 9)


def test_names_and_files(tmp_path):
    np.save(tmp_path / "k.npy", np.outer([1, 2, 1], [1, 5, 3]))
    assert repr(ip.Blur.from_file(tmp_path / "k.npy")) == "Blur(kernel=3x3)"
    assert torch.equal(ip.Blur.named("gaussian1").kernel, kernels.gaussian(1.0))
    with pytest.raises(ip.InputError, match="kernel of 5x5 pixels is larger than an image of 4x9"):
        ip.Blur.named("uniform5").forward(torch.rand(1, 1, 4, 9))


def test_the_crop_of_compositions():
    x, blur = torch.rand(1, 3, 9, 10), ip.Blur.named("uniform3")
    assert torch.equal(crop(ip.Compose(ip.Mask(torch.ones(7, 8)), blur), x), blur.crop(x))
    assert torch.equal(crop(ip.Compose(ip.Grayscale(), blur), x), blur.crop(x))
    assert torch.equal(crop(ip.Compose(blur, ip.Mask(torch.ones(9, 10))), x), blur.crop(x))
    assert crop(ip.Compose(blur, blur), x).shape == (1, 3, 5, 6)
    coarse = ip.Compose(blur, ip.Downsample(2))
    assert crop(coarse, x := torch.rand(1, 3, 10, 10)) is x
    assert crop(ip.Identity(), x) is x


@pytest.mark.parametrize(
    "noise", [ip.Poisson(peak=30), ip.Gamma(alpha=9)], ids=["poisson", "gamma"]
)
@pytest.mark.parametrize("size", [(3, 3), (2, 5), (2, 2, 3)])
def test_splitting_finds_the_prox_without_a_basis_of_its_own(noise, size):
    kernel = random(*size).abs()
    blur = ip.Blur(kernel / kernel.sum((-2, -1), keepdim=True))
    behind, step = ip.Observed(noise, blur), torch.tensor(0.02, dtype=torch.float64)
    x = torch.rand(2, 2, 9, 8, generator=ip.generator(2), dtype=torch.float64) * 0.6 + 0.2
    y = behind.sample(x, ip.generator(3))
    found, settled = behind._behind(y, (2, 9, 8)).prox(x, step.expand(2))
    assert bool(settled.all())
    stationary = found - x - step * behind.grad_x(y, found)
    assert float(stationary.abs().max()) < 1e-7
    torch.testing.assert_close(behind.prox(y, x, step), found)


def test_what_it_can_do_behind_noise():
    behind = ip.Observed(ip.Poisson(peak=30), ip.Blur.named("uniform3"))
    assert lacks(behind, Proximal) is None
    assert "a crop after a convolution" in str(lacks(behind, LocallyGaussian))
    gaussian = ip.Gaussian(sigma=0.1, operator=ip.Blur.named("uniform3"))
    prior = ip.GaussianPrior(mean=torch.full((1, 10, 10), 0.5), sd=0.2)
    sd = deviations(ip.Problem(prior, gaussian, torch.full((1, 1, 8, 8), 0.5)))
    whole = ip.Gaussian(sigma=0.1, operator=ip.CircularBlur.named("uniform3"))
    assert torch.equal(sd, whole.spectrum((1, 10, 10)).sd)


def test_a_photograph_does_not_ring():
    """The same photograph behind a blur that wraps around and behind this one, 8 calls each."""
    scene = ip.sample_photo()[..., 60:192, 60:192]
    kernel = kernels.uniform(5)
    blur = ip.Blur(kernel)
    y = ip.Gaussian(sigma=0.01, operator=blur).sample(scene, ip.generator(0))
    prior = ip.DenoiserPrior(lambda x, sigma: x)  # least squares alone
    truth = blur.crop(scene)

    def error(operator, shown):
        problem = ip.Problem(prior, ip.Gaussian(sigma=0.01, operator=operator), y)
        x = problem.likelihood.prox(y, problem.zeros() + y.mean(), torch.tensor(0.02))
        return float((shown(x) - truth).square().mean().sqrt())

    with pytest.warns(UserWarning, match="borders of y do not fit"):
        wrapped = error(ip.CircularBlur(kernel), lambda x: x)
    assert error(blur, blur.crop) < 0.7 * wrapped
