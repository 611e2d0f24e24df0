"""The luminance of an image in colour, by the network for gray: what it is, and that it helps."""

import pytest
import torch

import invprob as ip
from invprob.cli.specs import make
from invprob.errors import InputError
from invprob.networks.counted import listening
from invprob.networks.luminance import QUIETER, SHARE, luminance, with_luminance
from invprob.networks.stored_denoiser import COLOUR, GRAY, StoredDenoiser

PHOTO = ip.sample_photo()[..., 32:160, 64:192]
BOTH, ALONE = ip.DenoiserPrior.pretrained(), ip.DenoiserPrior.pretrained(luminance=False)


def noisy(x, sigma):
    return x + sigma * torch.randn(x.shape, generator=ip.generator(0))


def test_the_luminance_has_less_noise():
    noise = torch.randn(1, 3, 200, 200, generator=ip.generator(1))
    assert luminance(noise).shape == (1, 1, 200, 200)
    assert abs(float(luminance(noise).std()) - QUIETER) < 0.01


def test_colours_stay_as_they_are():
    gray = luminance(PHOTO).square()
    out = with_luminance(PHOTO, gray)
    torch.testing.assert_close(out - luminance(out), PHOTO - luminance(PHOTO))
    expected = SHARE * gray + (1 - SHARE) * luminance(PHOTO)
    torch.testing.assert_close(luminance(out), expected)


def test_what_the_prior_answers():
    """Each network at all scales, and at the noise that there is in what it sees."""
    y, sigma = noisy(PHOTO, 0.2), torch.tensor(0.2)
    gray = BOTH.denoise(luminance(y), sigma * QUIETER)
    expected = with_luminance(ALONE.denoise(y, sigma), gray)
    torch.testing.assert_close(BOTH.denoise(y, sigma), expected)


@pytest.mark.parametrize("sigma", [0.02, 15 / 255, 50 / 255])
def test_it_gains(sigma):
    """By more than the 0.08 dB of luminance that the network for colour gave up for colours."""
    x = ip.sample_photo()
    y = noisy(x.expand(4, -1, -1, -1), sigma)
    both, alone = (ip.psnr(prior.denoise(y, sigma).clamp(0, 1), x) for prior in (BOTH, ALONE))
    assert float((both - alone).mean()) > 0.1


def test_gray_images_have_one_network():
    y = noisy(PHOTO[:, :1], 0.1)
    assert torch.equal(BOTH.denoise(y, 0.1), ALONE.denoise(y, 0.1))


def test_a_network_for_colour_that_is_alone_has_no_other():
    y, sigma = noisy(PHOTO, 0.1), torch.tensor(0.1)
    alone = StoredDenoiser(weights=(COLOUR,))
    assert torch.equal(alone(y, sigma), ALONE.denoise(y, sigma))
    assert torch.equal(StoredDenoiser(weights=(GRAY, COLOUR))(y, sigma), BOTH.denoise(y, sigma))


def test_an_image_is_counted_once():
    heard = []
    with listening(heard.append):
        BOTH.denoise(noisy(PHOTO, 0.1), 0.1)
    assert sum(heard) == PHOTO[0, 0].numel() and len(heard) == 2


def test_luminance_by_name():
    assert make("prior", "denoiser:luminance=no").denoiser.luminance is False
    shown = "DenoiserPrior.pretrained(luminance=False)"
    assert repr(make("prior", "denoiser:luminance=no")) == shown
    with pytest.raises(InputError, match="luminance=... is of the embedded networks"):
        make("prior", f"denoiser:file={GRAY.path},luminance=yes")
