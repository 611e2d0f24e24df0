"""Isolated pixels that stand out, and what does not."""

import pytest
import torch

import invprob as ip
from invprob.diagnostics.hot_pixels import are_many, hot_pixels

PHOTO = ip.sample_photo()
WHITE = torch.rand(1, 1, 256, 256, generator=ip.generator(7)) < 0.002


def seen(x, noise, white=None):
    y = noise.sample(x, ip.generator(0))
    return hot_pixels(y if white is None else torch.where(white, 1.0, y))


def test_white_pixels_are_found_and_no_others():
    found = seen(PHOTO, ip.Gaussian(sigma=0.03), WHITE)
    assert int((found & WHITE).sum()) > 0.8 * int(WHITE.sum()) and are_many(found)
    assert int((found & ~WHITE).sum()) <= 2


def test_one_channel_is_enough():
    y = ip.Gaussian(sigma=0.02).sample(PHOTO[..., :64, :64], ip.generator(0))
    y[0, 1, 20, 30] = 1
    assert hot_pixels(y).nonzero().tolist() == [[0, 0, 20, 30]]


@pytest.mark.parametrize(
    "noise",
    [
        ip.Gaussian(sigma=0.002),
        ip.Gaussian(sigma=0.1),
        ip.Poisson(peak=30),
        ip.Poisson(peak=3),
        ip.Gamma(4.0),
        ip.Gamma(1.0),
    ],
    ids=str,
)
def test_noise_is_not_hot(noise):
    assert not are_many(seen(PHOTO, noise))


def test_stars_and_letters_are_several_pixels():
    place = torch.arange(128.0)
    x = torch.full((1, 1, 128, 128), 0.02)
    for row, column, peak in torch.rand(60, 3, generator=ip.generator(1)).tolist():
        down, right = place - 5 - 118 * row, place - 5 - 118 * column
        x += peak * torch.exp(-(down[:, None] ** 2 + right**2))  # 1.7 pixels wide
    assert not are_many(seen(x, ip.Gaussian(sigma=0.01)))
    strokes = torch.zeros(1, 1, 128, 128)
    strokes[..., 8::16, 10:110], strokes[..., 10:110, 9::16] = 1, 1
    strokes[..., 4::16, 4::16] = strokes[..., 4::16, 5::16] = 1  # dots of two pixels
    assert not are_many(seen(strokes, ip.Gaussian(sigma=0.02)))


def test_pixels_that_are_not_known_and_small_images():
    y = ip.Gaussian(sigma=0.02).sample(PHOTO[..., :64, :64], ip.generator(0))
    y[..., 20, 30], y[..., 20, 31] = 1, torch.nan
    assert not bool(hot_pixels(y).any())
    assert hot_pixels(torch.rand(2, 3, 4, 9)).shape == (2, 1, 4, 9)
    assert not bool(hot_pixels(torch.zeros(1, 1, 64, 64)).any())
