"""Noise of images whose colours are stored more coarsely than their brightness."""

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import invprob as ip

PHOTO = ip.sample_photo()[..., 64:192, 64:192]
Y = ip.Gaussian(sigma=0.1).sample(PHOTO, ip.generator(0))


def coarse(y):
    """The luma, and colour differences of half the resolution, as JPEG has them."""
    luma = (y * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    halves = F.avg_pool2d(y - luma, 2)
    return luma + F.interpolate(halves, scale_factor=2, mode="bilinear", align_corners=False)


def test_the_luma_tells_what_each_channel_had():
    found = ip.estimate_noise(coarse(Y))
    assert found.coarse_colours and found.is_usable
    assert found.sigma == pytest.approx(0.1, rel=0.06)
    assert found.best.name == "gaussian"
    assert float(found.best.text.partition("=")[2]) == pytest.approx(0.1, rel=0.06)
    assert "JPEG" in str(found) and "not white" not in str(found)


def test_a_file_of_jpeg(tmp_path):
    pixels = (255 * Y[0].permute(1, 2, 0)).round().clamp(0, 255).byte().numpy()
    Image.fromarray(pixels).save(tmp_path / "noisy.jpg", quality=90, subsampling=2)
    found = ip.estimate_noise(ip.read_image(tmp_path / "noisy.jpg"))
    assert found.coarse_colours and found.is_usable
    assert found.sigma == pytest.approx(0.1, rel=0.12)


def test_noise_that_was_filtered_in_all_channels_is_not_of_coarse_colours():
    draw = torch.randn(PHOTO.shape, generator=ip.generator(0))
    smooth = 3 * F.avg_pool2d(F.pad(draw, (1, 1, 1, 1), mode="circular"), 3, 1)
    found = ip.estimate_noise(PHOTO + 0.1 * smooth)
    assert not found.coarse_colours and not found.is_usable


@pytest.mark.parametrize("image", [coarse(PHOTO), PHOTO.mean(1, keepdim=True)])
def test_weak_noise_of_all_channels_is_not_of_coarse_colours(image):
    y = ip.Gaussian(sigma=0.02).sample(image.expand(-1, 3, -1, -1), ip.generator(0))
    found = ip.estimate_noise(y)
    assert not found.coarse_colours
    assert found.sigma == pytest.approx(0.02, rel=0.06)


def test_a_gray_image_in_three_channels_has_no_coarse_colours():
    gray = Y[..., :48, :48].mean(1, keepdim=True)
    found = ip.estimate_noise(gray.expand(-1, 3, -1, -1))
    assert not found.coarse_colours
    assert found.sigma == pytest.approx(0.1 / 3**0.5, rel=0.1)
