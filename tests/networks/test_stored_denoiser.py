"""The network in a file: what is read, in which positions it sees an image, and how often."""

from functools import partial

import pytest
import torch
from attrs import evolve

import invprob as ip
from invprob.cli.specs import make
from invprob.errors import InputError
from invprob.networks import stored_denoiser
from invprob.networks.counted import listening
from invprob.networks.positions import in_position, positions, view
from invprob.networks.stored_denoiser import COLOUR, GRAY, StoredDenoiser
from invprob.priors.denoiser import DenoiserPrior


def clean(channels, height, width):
    return ip.sample_photo()[:, :channels, 60 : 60 + height, 80 : 80 + width]


def noisy(channels, height, width, sigma=0.1):
    x = clean(channels, height, width)
    return x + sigma * torch.randn(x.shape, generator=ip.generator(0))


def test_the_network_in_a_file():
    prior = make("prior", f"denoiser:file={GRAY.path},tile=none")
    assert prior.denoiser.weights == (GRAY,) and prior.denoiser.tile is None
    assert repr(prior) == f"DenoiserPrior.load({str(GRAY.path)!r}, tile=None)"
    assert prior.domain() == evolve(DenoiserPrior.pretrained().domain(), channels=(1,))
    y = noisy(1, 24, 24)
    plain, pretrained = StoredDenoiser(turns=False), DenoiserPrior.pretrained()
    assert torch.equal(prior.denoise(y, 0.1), plain(y, torch.tensor(0.1)))
    turns = DenoiserPrior.load(GRAY.path, turns=True)
    assert torch.equal(turns.denoise(y, 0.1), pretrained.denoise(y, 0.1))
    assert repr(turns) == f"DenoiserPrior.load({str(GRAY.path)!r}, turns=True)"
    assert make("prior", "denoiser:tile=512").denoiser.tile == 512


def test_colour_and_gray_have_networks_of_their_own():
    denoiser = StoredDenoiser()
    assert denoiser.weights_for(torch.zeros(1, 1, 8, 8)) == GRAY
    assert denoiser.weights_for(torch.zeros(1, 3, 8, 8)) == COLOUR
    for shape in [(1, 2, 8, 8), (3, 8, 8)]:
        with pytest.raises(InputError, match=r"C in \[1, 3\], got"):
            denoiser(torch.zeros(shape), torch.tensor(0.1))


def test_each_noise_level_has_a_position():
    """Photographs are shown turned and flipped, wholly as if one had done it oneself."""
    y = noisy(3, 40, 29)
    plain = StoredDenoiser(turns=False, multiscale=False, luminance=False)
    prior = DenoiserPrior.pretrained(multiscale=False, luminance=False)
    levels = torch.tensor([0.01 * 1.3**n for n in range(16)])
    found = set()
    for level in levels:
        position = int(positions(level))
        expected = in_position(partial(plain, sigma=level), y, position)
        assert torch.equal(prior.denoise(y, level), expected)
        found.add(position)
    assert len(found) > 12
    assert len({turn % 8 for turn in found}) > 6
    together = prior.denoise(y.expand(16, -1, -1, -1), levels)
    alone = torch.cat([prior.denoise(y, level) for level in levels])
    torch.testing.assert_close(together, alone, atol=2e-3, rtol=0)
    assert positions(torch.tensor(0.1)) == positions(torch.tensor(0.1000001))


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.3])
def test_double_precision_has_the_answer_of_single(sigma, monkeypatch):
    """Where numbers are rounded to 8 bits in between, the last of 53 could decide."""
    monkeypatch.setattr(stored_denoiser, "bfloat16_is_fast", lambda device: True)
    prior = DenoiserPrior.pretrained()
    for seed in range(20):
        y = torch.rand(1, 1, 8, 8, generator=ip.generator(seed)).double()
        single, double = prior.denoise(y.float(), sigma), prior.denoise(y, sigma)
        assert single.dtype == torch.float32 and double.dtype == torch.float64
        torch.testing.assert_close(double.float(), single, atol=3e-6, rtol=0)


def test_bfloat16_is_for_noise_that_leaves_it_a_choice(monkeypatch):
    levels = torch.tensor([0.0199, 0.02])
    for fast in (True, False):
        monkeypatch.setattr(stored_denoiser, "bfloat16_is_fast", lambda device, fast=fast: fast)
        assert StoredDenoiser()._fast(levels).tolist() == [False, fast]


def test_in_one_position_the_answer_is_smooth_in_the_level():
    y = noisy(3, 40, 29)
    levels = torch.tensor([0.09 + 0.001 * n for n in range(20)])
    jumps = []
    for turns in (True, False):
        denoised = DenoiserPrior.pretrained("float32", turns=turns).denoise(
            y.expand(20, -1, -1, -1), levels
        )
        jumps.append(float(denoised.diff(dim=0).abs().amax((1, 2, 3)).max()))
    assert jumps[1] < 0.4 * jumps[0]


def test_several_views_are_averaged():
    """Each is in another position, and the answer is their mean."""
    y, level = noisy(3, 40, 29), torch.tensor(0.1)
    plain = StoredDenoiser(turns=False, multiscale=False, luminance=False)
    places = [int(view(positions(level), number)) for number in range(3)]
    expected = torch.stack([in_position(partial(plain, sigma=level), y, at) for at in places])
    assert len({place % 8 for place in places}) == 3
    prior = DenoiserPrior.pretrained(views=3, multiscale=False, luminance=False)
    found = prior.denoise(y, level)
    torch.testing.assert_close(found, expected.mean(0), atol=1e-6, rtol=0)
    levels = torch.tensor([0.1, 0.1, 0.01])  # other positions, other precision
    together = DenoiserPrior.pretrained(views=2).denoise(y.expand(3, -1, -1, -1), levels)
    for row, sigma in zip(together, levels, strict=True):
        alone = DenoiserPrior.pretrained(views=2).denoise(y, sigma)
        torch.testing.assert_close(row[None], alone, atol=2e-3, rtol=0)


@pytest.mark.parametrize("sigma", [15 / 255, 50 / 255])
def test_more_views_denoise_better(sigma):
    x, y = clean(3, 96, 96), noisy(3, 96, 96, sigma)
    one, two, eight = (
        float((DenoiserPrior.pretrained(views=views).denoise(y, sigma) - x).square().mean())
        for views in (1, 2, 8)
    )
    assert eight < 0.99 * one and eight < two < one


def test_views_by_name():
    assert make("prior", "denoiser:views=8").denoiser.views == 8
    assert repr(make("prior", "denoiser:turns=no")) == "DenoiserPrior.pretrained(turns=False)"
    assert repr(make("prior", "denoiser:views=8")) == "DenoiserPrior.pretrained(views=8)"
    own = make("prior", f"denoiser:file={GRAY.path},turns=true,views=2")
    assert repr(own) == f"DenoiserPrior.load({str(GRAY.path)!r}, turns=True, views=2)"


@pytest.mark.parametrize("views", [0, -1, 2.5, True])
def test_impossible_views(views):
    with pytest.raises(InputError, match="views="):
        DenoiserPrior.pretrained(views=views)


def test_views_of_images_that_are_not_turned():
    with pytest.raises(InputError, match="views=8.*turns=True, or views=1"):
        DenoiserPrior.load(GRAY.path, views=8)


def test_all_views_count_as_one_call():
    """Whoever shows how far a run is hears of each pixel once."""
    heard = []
    with listening(heard.append):
        DenoiserPrior.pretrained(views=4).denoise(noisy(1, 16, 24), 0.1)
    assert len(heard) == 4 and sum(heard) == 16 * 24


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_first_use_in_inference_mode_leaves_gradients_to_others(precision):
    stored_denoiser._network.cache_clear()
    prior, y = DenoiserPrior.pretrained(precision), noisy(1, 16, 16).requires_grad_()
    with torch.inference_mode():
        prior.denoise(y, 0.1)
    prior.denoise(y, 0.1).sum().backward()
    assert bool(y.grad.isfinite().all())


def test_the_first_convolution_keeps_the_digits_of_its_weights():
    (stored, *_), device = GRAY.load().heads.values(), torch.device("cpu")
    (used, *_) = stored_denoiser._network(GRAY, device, torch.bfloat16).heads.values()
    assert torch.equal(used.weight, stored.weight)
    assert not torch.equal(stored.weight, stored.weight.bfloat16().float())
