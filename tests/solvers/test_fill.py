"""The first image: what the data fix stays, and where they are silent it is smooth."""

import pytest
import torch

import invprob as ip
from invprob.solvers.fill import fill

PHOTO = ip.sample_photo()[..., 80:176, 80:176].double()
PRIOR = ip.GaussianPrior(mean=torch.full((3, 96, 96), 0.5).double(), sd=0.2)
STEP = 0.04


def filled(noise: ip.Gaussian) -> torch.Tensor:
    return fill(ip.Problem(PRIOR, noise, noise.sample(PHOTO, ip.generator(0))), STEP)


def blocks(x: torch.Tensor, factor: int) -> torch.Tensor:
    small = ip.Downsample(factor).forward(x)
    return small.repeat_interleave(factor, -1).repeat_interleave(factor, -2)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_means_of_blocks_are_interpolated_and_not_repeated(factor):
    noise = ip.Gaussian(sigma=1e-3, operator=ip.Downsample(factor))
    start, repeated = filled(noise), blocks(PHOTO, factor)
    agreeing = noise.prox(noise.sample(PHOTO, ip.generator(0)), start, torch.tensor(STEP))
    near, far = (float(ip.psnr(x.clamp(0, 1), PHOTO)) for x in (agreeing, repeated))
    assert near > far + 0.5


def test_measured_pixels_stay_and_others_lie_between_their_neighbours():
    mask = torch.ones(96, 96)
    mask[1::4, 1::4] = 0
    noise = ip.Gaussian(sigma=1e-4, operator=ip.Mask(mask))
    start, seen = filled(noise), mask.bool()
    torch.testing.assert_close(start[..., seen], PHOTO[..., seen], atol=1e-3, rtol=0)
    assert float(ip.psnr(start.clamp(0, 1), PHOTO)) > 30


def test_one_pixel_fills_an_image_of_any_shape():
    mask = torch.zeros(3, 5)
    mask[1, 2] = 1
    noise = ip.Gaussian(sigma=1e-4, operator=ip.Mask(mask))
    prior = ip.GaussianPrior(mean=torch.full((1, 3, 5), 0.5), sd=0.2)
    start = fill(ip.Problem(prior, noise, torch.full((2, 1, 3, 5), 0.7) * mask), STEP)
    torch.testing.assert_close(start, torch.full((2, 1, 3, 5), 0.7), atol=1e-3, rtol=0)


@pytest.mark.parametrize("kernel", ["uniform5", "gaussian2"])
def test_beyond_the_borders_of_a_photograph_it_goes_on(kernel):
    """A start that is black there would be an edge, which the first calls see."""
    blur = ip.Blur.named(kernel)
    noise = ip.Gaussian(sigma=0.01, operator=blur)
    start = fill(ip.Problem(PRIOR, noise, blur.forward(torch.full_like(PHOTO, 0.7))), STEP)
    assert 0.4 < float(start.min()) and float(start.max()) < 1


def test_what_a_measurement_is_scaled_by_does_not_matter():
    kernel, y = torch.ones(3, 3).double() / 9, PHOTO[..., 1:-1, 1:-1]
    one, other = (
        fill(ip.Problem(PRIOR, ip.Gaussian(0.01, operator=ip.Blur(gain * kernel)), gain * y), STEP)
        for gain in (1.0, 2.5)
    )
    torch.testing.assert_close(one, other)
    torch.testing.assert_close(one[..., 1:-1, 1:-1], y)


def test_holes_of_any_size_in_a_flat_image_are_filled_with_its_brightness():
    """Means of what is known alone: what is missing pulls none of them towards black."""
    mask = torch.ones(96, 96)
    mask[10:50, 20:75] = 0
    mask[60::3] = 0
    noise = ip.Gaussian(sigma=1e-5, operator=ip.Mask(mask))
    start = fill(ip.Problem(PRIOR, noise, torch.full_like(PHOTO, 0.8) * mask), STEP)
    torch.testing.assert_close(start, torch.full_like(PHOTO, 0.8), atol=1e-2, rtol=0)
