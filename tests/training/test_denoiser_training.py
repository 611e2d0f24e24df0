"""Training a denoiser, on a few small made-up photos and a small network."""

import math

import pytest
import torch
from attrs import evolve
from made_up_photos import PHOTOS, photo
from torch import Generator

from invprob.errors import CheckpointError, DivergenceError, InputError
from invprob.networks.denoiser import Architecture, Denoiser
from invprob.networks.stored_denoiser import load_denoiser
from invprob.training import denoising
from invprob.training.denoising import Denoising, Recipe
from invprob.training.patches import store_photos
from invprob.training.run import Run, begin, schedule, share_used, train
from invprob.training.validation import report, validate

SMALL = Recipe(steps=6, batch=4, patch=16)
ARCHITECTURE = Architecture(widths=(8, 8, 8), before=(1, 1, 1), after=(1, 1))
COLOUR_AT_HALF = (3, 50 / 255)


HELD_OUT = [photo(3, 64, 64, 3)]


@pytest.fixture(scope="module")
def pool():
    return store_photos(PHOTOS, 32)


@pytest.fixture
def task(pool):
    return Denoising(SMALL, ARCHITECTURE, pool)


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_any_channel_count(channels):
    pool = store_photos([photo(channels, 40, 40, 5)], 32)
    architecture = evolve(ARCHITECTURE, channels=(channels,))
    run = Run(Denoising(SMALL, architecture, pool))
    assert math.isfinite(run.advance())
    assert set(validate(run.averaged, [photo(channels, 40, 40, 6)])) > {(channels, 0.4)}


def test_a_network_for_channels_that_the_photos_lack(pool):
    with pytest.raises(InputError, match="photos have 3 channels"):
        Denoising(SMALL, evolve(ARCHITECTURE, channels=(4,)), pool)


def test_a_recipe_decides_about_the_levels(task):
    """A new network keeps the image's share of y: little is left to do at weak noise."""
    weak, strong = (
        Run(evolve(task, recipe=evolve(SMALL, centre=centre, spread=0.1))).advance()
        for centre in (0.01, 0.5)
    )
    assert strong > 1.5 * weak


def test_errors_of_colour_count_as_often_as_one_says(task, monkeypatch):
    """A third of white noise is the same in three channels."""
    monkeypatch.setattr(
        denoising, "less_noisy", lambda x, noise, sigma, _: x + sigma.view(-1, 1, 1, 1) * noise
    )
    plain, eightfold = (
        float(
            evolve(task, recipe=evolve(SMALL, batch=64, chroma=chroma)).loss(
                lambda y, sigma: y, 0, Generator().manual_seed(0)
            )
        )
        for chroma in (1.0, 8.0)
    )
    assert eightfold / plain == pytest.approx((1 + 8 * 2) / 3, rel=0.02)


@pytest.mark.parametrize(
    ("batch", "patch", "seen"),
    [
        (16, 16, [(12 + 1, 16), (1, 32)]),
        (35, 16, [(27 + 3, 16), (2, 32)]),
        (16, 32, [(16 + 2, 32)]),
        (15, 16, [(15 + 1, 16)]),
    ],
)
def test_strong_noise_is_learned_on_wide_patches(pool, batch, patch, seen):
    """One in place of four, where batches and the smallest photo have room for it.

    In this step, the seventh in colour, one patch of eight is shown twice, and none of the wide.
    """
    levels, shapes = [], []

    class Watched(Denoiser):
        def forward(self, x, sigma):
            levels.append(sigma)
            shapes.append((len(x), x.shape[-1]))
            return super().forward(x, sigma)

    task = Denoising(evolve(SMALL, batch=batch, patch=patch), ARCHITECTURE, pool)
    loss = task.loss(Watched(ARCHITECTURE), 9, Generator().manual_seed(0))
    assert loss.isfinite()
    assert sorted(shapes, reverse=True) == seen
    assert len(levels) == 1 or levels[0].min() >= levels[1].max()  # wide patches come first


@pytest.mark.parametrize("wrong", [{"centre": 0.0}, {"centre": 25.0}, {"spread": -1.0}])
def test_levels_that_cannot_be(wrong):
    with pytest.raises(InputError, match="centre=.*spread="):
        Recipe(**wrong)


def test_a_deeper_network_begins_as_the_shallower_one(task):
    """And learns: the blocks that were appended change from the first step on."""
    start = Denoiser(ARCHITECTURE)
    with torch.no_grad():
        for parameter in start.parameters():
            parameter.normal_(0, 0.2, generator=Generator().manual_seed(0))
    deeper = evolve(ARCHITECTURE, before=(2, 1, 3), after=(1, 2))
    run = Run(Denoising(SMALL, deeper, task.photos, start))
    y, sigma = torch.rand(2, 3, 24, 16, generator=Generator().manual_seed(1)), torch.tensor(0.1)
    assert torch.equal(run.network(y, sigma), start(y, sigma))
    run.advance()
    assert not torch.allclose(run.network(y, sigma), start(y, sigma), atol=1e-4)
    assert run.network.down_fine[1].second.weight.any()


def test_a_network_for_gray_begins_as_one_for_gray_and_colour():
    start = Denoiser(ARCHITECTURE)
    with torch.no_grad():
        for parameter in start.parameters():
            parameter.normal_(0, 0.2, generator=Generator().manual_seed(0))
    gray = evolve(ARCHITECTURE, channels=(1,))
    run = Run(Denoising(SMALL, gray, store_photos([photo(1, 40, 40, 1)], 32), start))
    y, sigma = torch.rand(2, 1, 24, 16, generator=Generator().manual_seed(1)), torch.tensor(0.1)
    assert torch.equal(run.network(y, sigma), start(y, sigma))
    assert list(run.network.heads) == list(run.network.tails) == ["1"]
    run.advance()
    assert not torch.allclose(run.network(y, sigma), start(y, sigma), atol=1e-4)


@pytest.mark.parametrize(
    "other",
    [
        {"before": (1, 0, 1)},
        {"widths": (8, 8, 16), "before": (2, 1, 1)},
        {"channels": (1, 3, 4)},
    ],
)
def test_weights_of_a_network_that_is_no_shallower_one(task, other):
    with pytest.raises(InputError, match="more blocks can be appended"):
        evolve(task, start=Denoiser(ARCHITECTURE), architecture=evolve(ARCHITECTURE, **other))


def test_schedule():
    assert schedule(0.0, 0) < 0.02
    assert schedule(0.0, 1000) == 1
    assert schedule(1.0, 1000) == pytest.approx(0)
    assert share_used(Recipe(steps=10), 5, 1e9) == 0.5
    assert share_used(Recipe(hours=1), 5, 900) == 0.25


def test_the_same_seed_gives_the_same_losses(task):
    first, second = Run(task), Run(task)
    losses = [first.advance() for _ in range(4)]
    assert [second.advance() for _ in range(4)] == losses
    other = Run(evolve(task, recipe=evolve(SMALL, seed=1)))
    assert [other.advance() for _ in range(4)] != losses


def test_an_interrupted_run_ends_like_an_uninterrupted_one(task, tmp_path):
    whole = Run(task)
    losses = [whole.advance() for _ in range(SMALL.steps)]
    first = Run(task)
    for _ in range(3):
        first.advance()
    first.save(tmp_path / "run.ckpt")
    second = Run(task)
    second.restore(tmp_path / "run.ckpt")
    assert [second.advance() for _ in range(3)] == losses[3:]
    for name, tensor in whole.averaged.state_dict().items():
        assert torch.equal(tensor, second.averaged.state_dict()[name])


def test_training_helps(pool):
    recipe = Recipe(steps=150, batch=8, patch=32, average=0.9)
    run = Run(Denoising(recipe, ARCHITECTURE, pool))
    before = validate(run.averaged, HELD_OUT)[COLOUR_AT_HALF]
    while run.used < 1:
        run.advance()
    assert validate(run.averaged, HELD_OUT)[COLOUR_AT_HALF] > before + 1


def test_a_step_waits_for_its_numbers_once(task, monkeypatch):
    """Each number that Python asks for is a wait of the graphics card."""
    run, asked = Run(task), []
    for name in ("__float__", "__int__", "__bool__", "item", "tolist"):
        method = getattr(torch.Tensor, name)
        monkeypatch.setattr(
            torch.Tensor,
            name,
            lambda self, name=name, method=method: asked.append(name) or method(self),
        )
    loss = task.loss(run.network, 0, run.generator)
    assert asked == [] and loss.isfinite()
    del asked[:]
    monkeypatch.setattr(run, "optimizers", [])
    run.advance()
    assert asked == ["tolist"]


def test_a_run_draws_nothing_from_the_global_generator(task):
    before = torch.random.get_rng_state()
    Run(task).advance()
    assert torch.equal(before, torch.random.get_rng_state())


def finish(run, folder, lines):
    out = folder / "out.safetensors"
    train(
        run,
        folder / "run.ckpt",
        0.0,
        lambda losses: report(run, HELD_OUT, out, lines.append, losses),
    )
    return out


def test_reports_and_weights(task, tmp_path):
    lines = []
    run = begin(task, tmp_path / "out.safetensors", tmp_path / "run.ckpt", lines.append)
    out = finish(run, tmp_path, lines)
    assert len([line for line in lines if "held out, C=1 " in line]) == SMALL.steps
    network = load_denoiser(out, lines[-1].split("| ")[1])
    assert network.architecture == ARCHITECTURE
    kept, saved = validate(run.averaged, HELD_OUT), validate(network, HELD_OUT)
    assert saved == pytest.approx(kept, abs=0.05)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda task: evolve(task, recipe=evolve(SMALL, rate=1e-3)), "rate=.* and not 0.001"),
        (
            lambda task: evolve(task, architecture=evolve(ARCHITECTURE, widths=(8, 8, 16))),
            r"widths=\(8, 8, 8\) and not \(8, 8, 16\)",
        ),
        (lambda task: evolve(task, photos=store_photos(PHOTOS[:2], 32)), "photos=3 .* and not 2"),
    ],
)
def test_resuming_with_other_settings(task, tmp_path, change, name):
    out, checkpoint = tmp_path / "out.safetensors", tmp_path / "run.ckpt"
    finish(begin(task, out, checkpoint, lambda line: None), tmp_path, [])
    before = out.read_bytes(), checkpoint.read_bytes()
    with pytest.raises(CheckpointError, match=name):
        begin(change(task), out, checkpoint, lambda line: None)
    assert (out.read_bytes(), checkpoint.read_bytes()) == before


def test_divergence_keeps_the_last_good_checkpoint(task, tmp_path, monkeypatch):
    out, checkpoint = tmp_path / "out.safetensors", tmp_path / "run.ckpt"
    run = begin(task, out, checkpoint, lambda line: None)
    loss = Denoising.loss

    def broken(self, network, step, generator):
        return loss(self, network, step, generator) * (math.nan if step == 4 else 1)

    monkeypatch.setattr(Denoising, "loss", broken)
    with pytest.raises(DivergenceError, match=r"loss is nan.*step 5.*ckpt holds step 4"):
        finish(run, tmp_path, [])
    assert all(p.isfinite().all() for p in load_denoiser(out).parameters())
    assert begin(task, out, checkpoint, lambda line: None).step == 4


@pytest.mark.parametrize(
    "change",
    [
        {"rate": 0.0},
        {"adam_rate": math.nan},
        {"batch": 0},
        {"patch": 8},
        {"steps": -1},
        {"hours": 0.0},
        {"average": 1.0},
        {"gray_every": 0},
        {"tries": 0},
        {"chroma": 0.0},
        {"chroma": math.inf},
    ],
)
def test_impossible_recipes(change):
    with pytest.raises(InputError):
        Recipe(**change)
