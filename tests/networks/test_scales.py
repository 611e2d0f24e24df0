"""The image at half its size: what is made of it, and that it helps."""

import pytest
import torch

import invprob as ip
from invprob.cli.specs import make
from invprob.networks.counted import listening
from invprob.networks.scales import (
    EVEN,
    FROM,
    LEAST,
    TEXTURED,
    believed,
    evenness,
    halved,
    has_half,
    with_half,
)
from invprob.networks.stored_denoiser import COLOUR, StoredDenoiser

PHOTO = ip.sample_photo()[..., 32:160, 64:192]
BOTH, ALONE = (
    ip.DenoiserPrior.pretrained(multiscale=told, luminance=False) for told in (True, False)
)


def noisy(x, sigma):
    return x + sigma * torch.randn(x.shape, generator=ip.generator(0))


def test_the_half_has_half_the_noise():
    noise = torch.randn(1, 1, 301, 500, generator=ip.generator(1))
    half = halved(noise)
    assert half.shape == (1, 1, 151, 250)
    assert abs(float(half.std()) - 0.5) < 0.01
    beside = (half[..., 1:] * half[..., :-1]).mean() / half.var()
    assert abs(float(beside)) < 0.02
    even = noise[..., :300, :]
    torch.testing.assert_close(halved(even).mean(), even.mean())


def test_an_answer_that_knows_its_means_is_left_alone():
    x = PHOTO[..., :41, :50]
    torch.testing.assert_close(with_half(x, halved(x), torch.tensor([0.3])), x)


def test_what_is_even_and_what_is_not():
    stripes = torch.zeros(2, 1, 40, 40)
    stripes[..., ::2] = 0.3
    stripes[..., :20] = 0.7
    even = evenness(stripes, torch.tensor([0.2, 20.0]))
    assert bool((even[..., :14] == 1).all()) and bool((even[0, ..., 26:] == 0).all())
    assert bool((even[1] > 0.9).all())


def test_of_an_even_answer_much_is_believed():
    """Of coarse structure and of fine; of a texture little, and of its details next to nothing."""
    x, half = torch.full((2, 1, 40, 40), 0.5), torch.full((2, 1, 20, 20), 0.75)
    out = with_half(x, half, torch.tensor([0.1, 0.045])) - x
    torch.testing.assert_close(out[0, 0], torch.full((40, 40), 0.25 * EVEN[1]))
    share = believed(torch.tensor([0.045]))
    assert 0.2 < float(share) < 0.8
    torch.testing.assert_close(out[1], out[0] * share)
    grid = 0.25 * (-1.0) ** (torch.arange(20)[:, None] + torch.arange(20))
    rough = x + (torch.arange(40) % 2 - 0.5)
    for image, (finest, coarser) in ((x, EVEN), (rough, TEXTURED)):
        sigma = torch.tensor([0.1, 0.1])
        fine, coarse = (
            with_half(image, halved(image) + e, sigma) - image for e in (grid, half - 0.5)
        )
        torch.testing.assert_close(coarse[..., 9:-9, 9:-9].mean(), torch.tensor(0.25 * coarser))
        expected = torch.full((22, 22), 0.25 * 0.5**2 * finest)  # half is left along each axis
        torch.testing.assert_close(fine[0, 0, 9:-9, 9:-9].abs(), expected)


def test_what_the_prior_answers():
    """The image's own answer, and that to the half, which is made in the same way."""
    y, sigma = noisy(PHOTO[:, :1], 0.4), torch.tensor(0.4)
    half = BOTH.denoise(halved(y), sigma / 2)
    expected = with_half(ALONE.denoise(y, sigma), half, sigma[None])
    torch.testing.assert_close(BOTH.denoise(y, sigma), expected)
    assert not torch.equal(half, ALONE.denoise(halved(y), sigma / 2))


def test_weak_noise_and_small_images_have_no_half():
    y = noisy(PHOTO, FROM)
    assert torch.equal(BOTH.denoise(y, FROM), ALONE.denoise(y, FROM))
    small = noisy(PHOTO[..., : LEAST - 1, :], 0.4)
    assert not has_half(small)
    assert torch.equal(BOTH.denoise(small, 0.4), ALONE.denoise(small, 0.4))


@pytest.mark.parametrize(
    ("channels", "sigma", "gain"),
    [(1, 0.1, 0.005), (1, 0.4, 0.01), (1, 0.7, 0), (3, 0.1, 0.03), (3, 0.4, 0.15), (3, 1.0, 0.2)],
)
def test_it_gains(channels, sigma, gain):
    x = ip.sample_photo()[:, :channels]
    y = noisy(x.expand(4, -1, -1, -1), sigma)
    both, alone = (ip.psnr(prior.denoise(y, sigma).clamp(0, 1), x) for prior in (BOTH, ALONE))
    assert float((both - alone).mean()) > gain


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [0.06, 0.1, 0.4, 1.0])
def test_an_even_image_is_calm(channels, sigma):
    """Of the noise that is left in a clear sky a fifth goes, and half where it was strong."""
    x = torch.full((1, channels, 192, 192), 0.5)
    y = noisy(x, sigma)
    both, alone = (float((prior.denoise(y, sigma) - x).std()) for prior in (BOTH, ALONE))
    assert both < (0.85 if sigma < 0.1 else 0.7) * alone


def test_rows_of_other_levels_decide_nothing():
    y = noisy(PHOTO.expand(3, -1, -1, -1), 0.1)
    levels = torch.tensor([0.02, 0.1, 0.7])
    prior = ip.DenoiserPrior.pretrained()
    together = prior.denoise(y, levels)
    alone = [prior.denoise(row[None], level) for row, level in zip(y, levels, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), atol=2e-3, rtol=0)


def test_tiles_change_nothing():
    y = noisy(torch.cat([PHOTO.repeat(1, 1, 4, 2), PHOTO.repeat(1, 1, 4, 2).flip(-1)], -1), 0.3)
    whole, cut = (
        ip.DenoiserPrior.pretrained(precision="float32", tile=tile) for tile in (None, 448)
    )
    y = y[..., :461, :]
    torch.testing.assert_close(cut.denoise(y, 0.3), whole.denoise(y, 0.3), atol=1e-4, rtol=0)


def test_gradients_pass_through_every_scale_and_network():
    prior = ip.DenoiserPrior.pretrained(precision="float32")
    y = noisy(PHOTO[..., :40, :40], 0.3).requires_grad_(True)
    along = torch.randn(y.shape, generator=ip.generator(1))
    (prior.denoise(y, 0.3) * PHOTO[..., 40:80, 40:80]).sum().backward()
    ends = [prior.denoise(y.detach() + h * along, 0.3) for h in (0.002, -0.002)]
    slope = float(((ends[0] - ends[1]) * PHOTO[..., 40:80, 40:80]).sum() / 0.004)
    assert abs(float((y.grad * along).sum()) - slope) < 0.02 * abs(slope)


def test_an_image_is_counted_once():
    heard = []
    with listening(heard.append):
        BOTH.denoise(noisy(PHOTO, 0.4), 0.4)
    assert heard == [PHOTO.shape[-2] * PHOTO.shape[-1]]


def test_who_has_it():
    """Photographs; of images in other files somebody has to say that they are like that."""
    assert repr(ALONE) == "DenoiserPrior.pretrained(multiscale=False, luminance=False)"
    loaded = ip.DenoiserPrior.load(COLOUR.path, multiscale=True)
    assert repr(loaded) == f"DenoiserPrior.load({str(COLOUR.path)!r}, multiscale=True)"
    assert not ip.DenoiserPrior.load(COLOUR.path).denoiser.multiscale
    assert not make("prior", "denoiser:multiscale=false").denoiser.multiscale
    assert make("prior", "denoiser").denoiser == StoredDenoiser()
