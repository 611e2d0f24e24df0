"""Two views of a patch: the same image in two positions, and what is asked of a network there."""

import pytest
import torch
from attrs import evolve
from made_up_photos import PHOTOS
from torch import Generator, nn

from invprob.errors import InputError
from invprob.networks.denoiser import Architecture
from invprob.training.denoising import Denoising, Recipe
from invprob.training.patches import store_photos
from invprob.training.run import Run
from invprob.training.views import MORE, brought_back, draw_views, seen

RECIPE = Recipe(steps=6, batch=4, patch=16, agree=3.0)
ARCHITECTURE = Architecture(widths=(8, 8, 8), before=(1, 1, 1), after=(1, 1))


@pytest.fixture(scope="module")
def pool():
    return store_photos(PHOTOS, 32)


def test_views_are_brought_back():
    x = torch.rand(64, 3, 10, 10, generator=Generator().manual_seed(0))
    views = draw_views(64, True, Generator().manual_seed(1))
    wide = seen(x, views)
    assert wide.shape == (64, 3, 10 + MORE, 10 + MORE)
    assert (brought_back(wide, views) == x).all()
    assert {tuple(view) for view in views[:, :2].tolist()} == {
        (top, left) for top in range(3) for left in range(3)
    }
    assert views[:, 2].unique().tolist() == list(range(8))


def test_without_turns_patches_are_only_moved():
    views = draw_views(32, False, Generator().manual_seed(0))
    assert views[:, 2].unique().tolist() == [0]
    assert len(views[:, :2].unique(dim=0)) > 4


def test_eight_positions_differ():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    views = [torch.tensor([[1, 1, position]]) for position in range(8)]
    assert len({tuple(seen(x, view).flatten().tolist()) for view in views}) == 8


class Flat(nn.Module):
    """Answers with the mean of what it sees: the same from everywhere, but for reflected rows."""

    def forward(self, x, sigma):
        return x.mean(dim=(1, 2, 3), keepdim=True).expand_as(x)


class Tilted(nn.Module):
    """Adds a ramp from left to right, which views do not agree on."""

    def forward(self, x, sigma):
        return x + torch.linspace(-0.1, 0.1, x.shape[-1])


def losses(pool, network, **changes):
    task = Denoising(evolve(RECIPE, **changes), ARCHITECTURE, pool)
    return [
        float(task.loss(network, step, Generator().manual_seed(step))) for step in range(0, 40, 2)
    ]


def test_only_what_differs_counts_more(pool):
    """The weight multiplies the difference of two views and nothing else."""
    tilted = [sum(losses(pool, Tilted(), agree=weight)) for weight in (1.0, 2.0, 3.0)]
    assert tilted[1] > 1.02 * tilted[0]
    assert tilted[2] - tilted[1] == pytest.approx(tilted[1] - tilted[0], rel=1e-4)


def test_what_moves_with_the_patch_costs_nothing(pool):
    """The identity agrees with itself, so the weight changes nothing."""

    class Same(nn.Module):
        def forward(self, x, sigma):
            return x

    assert losses(pool, Same(), agree=1.0) == losses(pool, Same(), agree=9.0)


def test_strong_and_weak_noise_have_their_shares(pool):
    """As without views, a wide patch stands for four levels of sixteen."""
    seen_levels = []

    class Watched(Flat):
        def forward(self, x, sigma):
            seen_levels.append((len(sigma), x.shape[-1], sigma))
            return super().forward(x, sigma)

    losses_of = losses(pool, Watched(), batch=16)
    assert len(losses_of) == 20
    assert {(count, side) for count, side, _ in seen_levels} == {(12, 16), (2, 32)}
    for _, _, sigma in seen_levels:
        first, second = sigma.chunk(2)
        assert torch.equal(first, second)
    weak, strong = (
        torch.cat([sigma for count, _, sigma in seen_levels if count == wanted])
        for wanted in (12, 2)
    )
    assert strong.median() > 3 * weak.median()


def test_it_learns_and_repeats(pool):
    runs = [Run(Denoising(RECIPE, ARCHITECTURE, pool)) for _ in range(2)]
    curves = [[run.advance() for _ in range(3)] for run in runs]
    assert curves[0] == curves[1]


@pytest.mark.parametrize(
    "wrong", [{"agree": -1.0}, {"agree": float("nan")}, {"agree": 1.0, "batch": 5}]
)
def test_weights_that_can_not_be(wrong):
    with pytest.raises(InputError, match="agree="):
        Recipe(**wrong)
