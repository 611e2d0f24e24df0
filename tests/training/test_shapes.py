"""Shapes painted over patches."""

import pytest
import torch
from made_up_photos import PHOTOS
from torch import Generator

from invprob.networks.denoiser import Architecture, Denoiser
from invprob.training import denoising
from invprob.training.denoising import Denoising, Recipe
from invprob.training.patches import store_photos
from invprob.training.second_looks import EVERY
from invprob.training.shapes import LAYERS, painted

FLAT = torch.full((400, 1, 32, 32), 0.5)


def drawn(patches=FLAT, seed=0):
    return painted(patches, Generator().manual_seed(seed))[0]


def test_a_share_of_the_patches_stays_as_it_was():
    """Each of four shapes is left out half of the time, and few cover a whole patch."""
    changed = (drawn() != FLAT).flatten(1)
    untouched = (~changed.any(1)).float().mean()
    assert untouched == pytest.approx(0.5**LAYERS, abs=0.05)
    assert 0.3 < changed.float().mean() < 0.7


def test_shapes_are_shades_with_edges_and_stripes():
    out = drawn()
    assert out.min() >= 0 and out.max() <= 1
    across = out.diff(dim=-1).abs().flatten(1)
    assert (across > 0.1).any(1).float().mean() > 0.5  # edges
    assert (across < 0.02).float().mean() > 0.6  # shades
    second = out.diff(dim=-1, n=2).abs().flatten(1)
    assert (second.median(1).values > 0.02).float().mean() > 0.05  # stripes all over


def test_errors_in_even_shapes_count_four_times():
    """Even is what one shade covers: there the image is straight, and the patch is hidden."""
    noisy = torch.rand(FLAT.shape, generator=Generator().manual_seed(1))
    out, counts = painted(noisy, Generator().manual_seed(0))
    assert counts.min() == 1 and counts.max() == 4
    assert 0.15 < (counts == 4).float().mean() < 0.5
    bend = (out[..., 2:] - 2 * out[..., 1:-1] + out[..., :-2]).abs()
    inside = (counts == 4).unfold(3, 3, 1).all(-1)
    assert bend[inside].quantile(0.8) < 1e-3 < bend[~inside].quantile(0.2)


def test_half_of_the_stripes_are_added_to_what_is_beneath():
    """Another shade beneath makes a difference there, and of what is hidden it makes none."""
    dark, light = FLAT - 0.1, FLAT + 0.1
    over, difference = drawn(dark) != dark, drawn(light) - drawn(dark)
    added = over & ((difference - 0.2).abs() < 1e-6)
    hidden = over & (difference.abs() < 1e-6)
    assert 0.05 < added.float().mean() < 0.2 < hidden.float().mean()


def test_each_patch_has_its_own_and_the_seed_decides():
    assert torch.equal(drawn(), drawn())
    assert not torch.equal(drawn(seed=0), drawn(seed=1))
    assert len(drawn()[:50].unique(dim=0)) > 40


def test_colours_have_shades_of_their_own():
    out = drawn(FLAT[:40].expand(-1, 3, -1, -1))
    assert not torch.equal(out[:, 0], out[:, 1])


@pytest.mark.parametrize("shapes", [True, False])
def test_one_patch_in_four_has_shapes(monkeypatch, shapes):
    seen = []

    def watched(x, generator):
        seen.append(len(x))
        return x + torch.nan, torch.ones_like(x[:, :1])

    monkeypatch.setattr(denoising, "painted", watched)
    network = Architecture(channels=(3,), widths=(8, 8, 8))
    recipe = Recipe(steps=1, batch=2 * EVERY, patch=16, shapes=shapes)
    task = Denoising(recipe, network, store_photos(PHOTOS, 16))
    loss = task.loss(Denoiser(network), 0, Generator().manual_seed(0))
    assert bool(loss.isnan()) == shapes and seen == ([4] if shapes else [])


def test_these_are_not_shown_twice_and_not_out_of_focus(monkeypatch):
    seen = []

    def watched(x, generator):
        seen.append(x.clone())
        return torch.full_like(x, 2.0), torch.ones_like(x[:, :1])

    def less(x, noise, sigma, generator):
        seen.append(x.clone())
        return x

    monkeypatch.setattr(denoising, "painted", watched)
    monkeypatch.setattr(denoising, "less_noisy", less)
    monkeypatch.setattr(denoising, "out_of_focus", lambda x, number: torch.full_like(x, 3.0))
    network = Architecture(channels=(3,), widths=(8, 8, 8))
    recipe = Recipe(steps=1, batch=2 * EVERY, patch=16, shapes=True)
    task = Denoising(recipe, network, store_photos(PHOTOS, 16))
    for step in range(EVERY):
        task.loss(Denoiser(network), step, Generator().manual_seed(0))
    assert len(seen) == 2 * EVERY and all(float(x.max()) <= 1 for x in seen)
