"""Second looks at noisy patches, and patches out of focus."""

import pytest
import torch
from attrs import evolve
from made_up_photos import PHOTOS
from torch import Generator

from invprob.networks.denoiser import Architecture, Denoiser
from invprob.training import denoising
from invprob.training.denoising import Denoising, Recipe
from invprob.training.patches import squared_steps, store_photos
from invprob.training.second_looks import EVERY, again, less_noisy


def test_each_patch_has_its_turn():
    seen = [torch.arange(20)[again(step)] for step in range(EVERY)]
    assert sorted(torch.cat(seen).tolist()) == list(range(20))
    assert {len(rows) for rows in seen} == {2, 3}


def test_less_of_the_same_noise():
    """Its share u of sigma is uniform within [0, 1], and so is its correlation with the first."""
    generator = Generator().manual_seed(0)
    x = torch.rand(400, 1, 24, 24, generator=generator)
    noise = torch.randn(x.shape, generator=generator)
    sigma = torch.linspace(0.1, 2, 400)
    n = (less_noisy(x, noise, sigma, generator) - x) / sigma.view(-1, 1, 1, 1)
    share = n.flatten(1).std(1)
    assert share.max() < 1.1
    assert share.mean() == pytest.approx(0.5, abs=0.05)
    assert (share < 0.1).float().mean() == pytest.approx(0.1, abs=0.05)
    common = (n * noise).flatten(1).mean(1) / share
    torch.testing.assert_close(common, share, atol=0.15, rtol=0)


class Told(Denoiser):
    """Answers with one of three numbers: for each first look, each second look, told sigma."""

    def forward(self, x, sigma):
        count = int(len(x) * EVERY / (EVERY + 1))
        answers = torch.cat([self.first.expand(count), self.second.expand(len(x) - count)])
        return answers.view(-1, 1, 1, 1).expand_as(x)


def test_the_second_answer_goes_to_the_first():
    """The first stays where the clean patches are, the second follows it, and not them."""
    pool = store_photos(PHOTOS, 32)
    architecture = Architecture(channels=(3,), widths=(8, 8, 8))
    task = Denoising(evolve(Recipe(steps=1), batch=EVERY, patch=16), architecture, pool)
    network = Told(architecture)
    network.first = torch.tensor(0.9, requires_grad=True)
    network.second = torch.tensor(0.7, requires_grad=True)
    loss = task.loss(network, 0, Generator().manual_seed(0))
    first, second = torch.autograd.grad(loss, [network.first, network.second])
    network.second = torch.tensor(0.9, requires_grad=True)
    alone = task.loss(network, 0, Generator().manual_seed(0))
    assert second < 0 and loss > alone
    assert torch.equal(first, *torch.autograd.grad(alone, [network.first]))
    with torch.no_grad():
        network.second = torch.tensor(1.1)
        assert task.loss(network, 0, Generator().manual_seed(0)) == pytest.approx(float(loss))


def test_gray_and_colour_take_turns_of_their_own(monkeypatch):
    """Each patch of a batch of either kind is shown twice as often as another."""
    seen = {1: set(), 3: set()}

    def less(x, noise, sigma, generator):
        seen[x.shape[1]].add(turn)
        return x

    def watched(step, every=EVERY):
        nonlocal turn
        turn = step % every
        return again(step, every)

    turn = None
    monkeypatch.setattr(denoising, "again", watched)
    monkeypatch.setattr(denoising, "less_noisy", less)
    architecture = Architecture(channels=(1, 3), widths=(8, 8, 8))
    pixels = torch.randint(256, (3, 24, 24), generator=Generator().manual_seed(1))
    recipe = Recipe(steps=1, batch=EVERY, patch=16)
    task = Denoising(recipe, architecture, store_photos([pixels.to(torch.uint8)], 16))
    network = Denoiser(architecture)
    for step in range(4 * EVERY):
        task.loss(network, step, Generator().manual_seed(0))
    assert seen == {1: set(range(EVERY)), 3: set(range(EVERY))}


def test_one_patch_in_eight_is_out_of_focus(monkeypatch):
    monkeypatch.setattr(denoising, "draw_levels", lambda count, *_: torch.full((count,), 0.002))
    seen = []

    class Watched(Denoiser):
        def forward(self, x, sigma):
            seen.append(squared_steps(x[: 2 * EVERY]))
            return super().forward(x, sigma)

    architecture = Architecture(channels=(3,), widths=(8, 8, 8))
    recipe = Recipe(steps=1, batch=2 * EVERY, patch=16)
    pixels = torch.randint(256, (3, 24, 24), generator=Generator().manual_seed(1))
    pool = store_photos([pixels.to(torch.uint8)], 16)
    task = Denoising(recipe, architecture, pool)
    for step in range(EVERY):
        task.loss(Watched(architecture), step, Generator().manual_seed(0))
    rough = [(steps > 0.05).nonzero().flatten().tolist() for steps in seen]
    expected = [[row for row in range(16) if row % 8 != (step + 4) % 8] for step in range(8)]
    assert rough == expected
