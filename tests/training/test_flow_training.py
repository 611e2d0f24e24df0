"""Training a flow, on made-up images and a small network."""

import math

import pytest
import torch
from attrs import evolve
from torch import Generator

from invprob.errors import CheckpointError, DivergenceError, InputError
from invprob.networks.glow import Architecture
from invprob.networks.stored_glow import load_glow
from invprob.training.flow import (
    MaximumLikelihood,
    Recipe,
    add_noise,
    dequantise,
    report,
    validate,
)
from invprob.training.images import Images
from invprob.training.run import Run, begin, train

SMALL = Recipe(steps=6, batch=8, average=0.9)
ARCHITECTURE = Architecture((1, 4, 4), depths=(2, 1), width=8, bits=5)


@pytest.fixture(scope="module")
def images():
    """Dark images with a bright row."""
    rows = torch.randint(4, (60,), generator=Generator().manual_seed(0))
    pixels = torch.zeros(60, 1, 4, 4, dtype=torch.uint8)
    pixels[torch.arange(60), 0, rows] = 200
    return Images(tuple(pixels), (4, 4))


@pytest.fixture
def task(images):
    return MaximumLikelihood(SMALL, ARCHITECTURE, images)


@pytest.mark.parametrize("bits", [1, 3, 5, 8])
def test_dequantising_tiles_the_line(bits):
    levels = 2**bits
    x = (torch.arange(256, dtype=torch.float64) / 255).repeat(400)
    continuous = dequantise(x, bits, Generator().manual_seed(0))
    place = (levels - 1) * continuous + 0.5
    assert place.min() >= 0 and place.max() <= levels
    counts = torch.histc(place, levels, 0, levels)
    assert counts.min() > 0.8 * len(x) / levels
    within = place % 1
    assert float(within.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(within.var()) == pytest.approx(1 / 12, abs=0.003)


def test_black_and_white_stay_in_their_levels():
    x = torch.tensor([0.0, 1.0]).repeat(1000, 1)
    distance = (dequantise(x, 5, Generator().manual_seed(0)) - x).abs()
    assert 0.4 / 31 < distance.max() <= 0.5 / 31 + 1e-6


def test_eight_bits_keep_every_level():
    x = torch.arange(256) / 255
    continuous = dequantise(x, 8, Generator().manual_seed(0))
    assert torch.equal((255 * continuous + 0.5).floor(), torch.arange(256.0))


def test_noise_has_the_share_and_the_levels_asked_for():
    x = torch.full((4000, 1, 8, 8), 0.5)
    difference = add_noise(x, 0.25, 0.4, Generator().manual_seed(0)) - x
    sigma = difference.std((1, 2, 3))
    noisy = sigma > 0
    assert float(noisy.float().mean()) == pytest.approx(0.25, abs=0.03)
    place = (sigma[noisy] / 0.4).log10()
    assert -2.2 < place.min() < -1.8 and -0.2 < place.max() < 0.2
    assert float(place.mean()) == pytest.approx(-1, abs=0.1)
    assert float(place.var()) == pytest.approx(4 / 12, abs=0.05)
    assert torch.equal(add_noise(x, 0.0, 0.4, Generator()), x)


def test_bits_per_dimension_of_white_noise():
    """A new flow fits a Gaussian to it, which takes log₂(2 pi e / 12) / 2 bits too many."""
    pixels = torch.randint(256, (400, 1, 4, 4), generator=Generator().manual_seed(0)).byte()
    flow = Run(MaximumLikelihood(SMALL, ARCHITECTURE, Images(tuple(pixels), (4, 4)))).network
    x = torch.rand(2000, 1, 4, 4, generator=Generator().manual_seed(1))
    too_many = 0.5 * math.log2(2 * math.pi * math.e / 12)
    assert validate(flow, x) == pytest.approx(5 + too_many, abs=0.05)


def test_training_helps(task, images):
    run = Run(MaximumLikelihood(evolve(SMALL, steps=80, rate=1e-2), ARCHITECTURE, images))
    x = images.centres(60)
    before = validate(run.averaged, x)
    while run.used < 1:
        run.advance()
    assert validate(run.averaged, x) < before - 1


def test_an_interrupted_run_ends_like_an_uninterrupted_one(task, tmp_path):
    whole = Run(task)
    losses = [whole.advance() for _ in range(SMALL.steps)]
    first = Run(task)
    for _ in range(3):
        first.advance()
    first.save(tmp_path / "run.ckpt")
    second = begin(task, tmp_path / "out.safetensors", tmp_path / "run.ckpt", lambda line: None)
    assert [second.advance() for _ in range(3)] == losses[3:]
    for name, tensor in whole.averaged.state_dict().items():
        assert torch.equal(tensor, second.averaged.state_dict()[name])


def test_a_run_draws_nothing_from_the_global_generator(task):
    before = torch.random.get_rng_state()
    Run(task).advance()
    assert torch.equal(before, torch.random.get_rng_state())


def finish(run, images, folder, lines):
    out = folder / "out.safetensors"
    train(
        run,
        folder / "run.ckpt",
        0.0,
        lambda losses: report(run, images, out, lines.append, losses),
    )
    return out


def test_reports_and_weights(task, images, tmp_path):
    lines = []
    run = begin(task, tmp_path / "out.safetensors", tmp_path / "run.ckpt", lines.append)
    out = finish(run, images.centres(10), tmp_path, lines)
    assert len([line for line in lines if "held out" in line]) == SMALL.steps
    flow = load_glow(out, lines[-1].split("| ")[1])
    assert validate(flow, images.centres(10)) == pytest.approx(
        validate(run.averaged, images.centres(10)), abs=0.05
    )


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda task: evolve(task, recipe=evolve(SMALL, rate=1e-3)), "rate=.* and not 0.001"),
        (
            lambda task: evolve(task, architecture=evolve(ARCHITECTURE, width=9)),
            "width=8 and not 9",
        ),
        (lambda task: evolve(task, images=task.images.split(2)[0]), "images=60 .* and not 30"),
    ],
)
def test_resuming_with_other_settings(task, images, tmp_path, change, name):
    out, checkpoint = tmp_path / "out.safetensors", tmp_path / "run.ckpt"
    finish(begin(task, out, checkpoint, lambda line: None), images.centres(4), tmp_path, [])
    before = out.read_bytes(), checkpoint.read_bytes()
    with pytest.raises(CheckpointError, match=name):
        begin(change(task), out, checkpoint, lambda line: None)
    assert (out.read_bytes(), checkpoint.read_bytes()) == before


def test_a_larger_budget_goes_on(task, images, tmp_path):
    out, checkpoint = tmp_path / "out.safetensors", tmp_path / "run.ckpt"
    finish(begin(task, out, checkpoint, lambda line: None), images.centres(4), tmp_path, [])
    longer = evolve(task, recipe=evolve(SMALL, steps=8))
    run = begin(longer, out, checkpoint, lambda line: None)
    assert run.step == 6
    finish(run, images.centres(4), tmp_path, [])
    assert run.step == 8


def test_a_damaged_checkpoint(task, tmp_path):
    (tmp_path / "run.ckpt").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="no checkpoint of a training run, or damaged"):
        begin(task, tmp_path / "out.safetensors", tmp_path / "run.ckpt")


def test_existing_weights_are_not_overwritten(task, tmp_path):
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"precious")
    with pytest.raises(InputError, match="exists, and .* does not"):
        begin(task, out, tmp_path / "run.ckpt")
    with pytest.raises(InputError, match="there is no folder"):
        begin(task, tmp_path / "no" / "out.safetensors", tmp_path / "run.ckpt")
    assert out.read_bytes() == b"precious"


def test_divergence_keeps_the_last_good_checkpoint(task, images, tmp_path, monkeypatch):
    out, checkpoint = tmp_path / "out.safetensors", tmp_path / "run.ckpt"
    run = begin(task, out, checkpoint, lambda line: None)
    loss = MaximumLikelihood.loss

    def broken(self, network, step, generator):
        return loss(self, network, step, generator) * (math.nan if step == 4 else 1)

    monkeypatch.setattr(MaximumLikelihood, "loss", broken)
    with pytest.raises(DivergenceError, match=r"loss is nan.*step 5.*ckpt holds step 4"):
        finish(run, images.centres(4), tmp_path, [])
    assert all(p.isfinite().all() for p in load_glow(out).parameters())
    again = begin(task, out, checkpoint, lambda line: None)
    assert again.step == 4


@pytest.mark.parametrize(
    "change",
    [{"rate": 0.0}, {"batch": 0}, {"steps": -1}, {"hours": 0.0}, {"noisy": 1.5}, {"noise": -0.1}],
)
def test_impossible_recipes(change):
    with pytest.raises(InputError):
        Recipe(**change)
