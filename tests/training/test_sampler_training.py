"""Training a posterior sampler: the run, what it looks at, and what it refuses."""

import math

import pytest
import torch
from attrs import evolve
from made_up_photos import PHOTOS, photo

import invprob as ip
from invprob.networks.stored_generator import load_generator
from invprob.training.adversarial import Weights
from invprob.training.patches import store_photos
from invprob.training.run import Run, begin, train
from invprob.training.sampler import (
    PosteriorSampling,
    Recipe,
    centre,
    made_for,
    report,
    validate,
)

NOISE = ip.Gaussian(sigma=0.3)
SMALL = Recipe(steps=5, batch=4, patch=12)
HELD_OUT = [centre(photo(1, 20, 24, 9))]


def make(recipe=SMALL, noise=NOISE, photos=None, channels=1):
    stored = store_photos(photos or [photo(1, 20, 24, k) for k in range(3)], 12, (1.0,))
    return PosteriorSampling(recipe, made_for(noise, channels, (8, 8), 1), stored, noise)


def finish(task, folder, losses=None):
    """Train to the end; every loss is kept."""
    out, kept = folder / "out.safetensors", folder / "run.ckpt"
    run, said = begin(task, out, kept), []
    kept_losses = [] if losses is None else losses

    def tell(some):
        kept_losses.extend(some)
        report(run, HELD_OUT, out, said.append, some)

    train(run, kept, 0.0, tell)
    return run, said


def test_the_same_seed_is_the_same_loss_curve(tmp_path):
    curves = []
    for name, recipe in (("a", SMALL), ("b", SMALL), ("c", evolve(SMALL, seed=1))):
        folder = tmp_path / name
        folder.mkdir()
        curves.append([])
        finish(make(recipe), folder, curves[-1])
    assert len(curves[0]) == 5
    assert curves[0] == curves[1] != curves[2]


def test_an_interrupted_run_ends_like_one_that_was_not(tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir(), halves.mkdir()
    finish(make(), whole)
    first = Run(make())
    for _ in range(2):
        first.advance()
    first.save(halves / "run.ckpt")
    finish(make(), halves)
    assert (whole / "out.safetensors").read_bytes() == (halves / "out.safetensors").read_bytes()


def test_both_learn_and_the_generator_is_kept(tmp_path):
    task = make()
    before = Run(task).network.state_dict()
    run, said = finish(task, tmp_path)
    after = run.network.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in before)
    kept = load_generator(tmp_path / "out.safetensors")
    assert kept.architecture.noise == "Gaussian(sigma=0.3)"
    averaged = run.averaged.generator.state_dict()
    for name, weights in kept.state_dict().items():
        torch.testing.assert_close(weights, averaged[name], rtol=1e-3, atol=1e-4)
    assert len(said) == 5 and "spread over error" in said[-1]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda: make(noise=ip.Gaussian(sigma=0.2)), r"noise=Gaussian\(sigma=0.3\) and not"),
        (lambda: make(evolve(SMALL, weights=Weights(mean=5.0))), "weights=.*mean=10.0.* and not"),
        (lambda: make(evolve(SMALL, critic_rate=1.0)), "critic_rate=0.004 and not 1.0"),
        (lambda: make(photos=[photo(1, 20, 24, 8)]), "photos=3 .* and not 1"),
    ],
)
def test_resuming_with_other_settings(tmp_path, change, name):
    finish(make(), tmp_path)
    before = (tmp_path / "out.safetensors").read_bytes()
    with pytest.raises(ip.CheckpointError, match=name):
        finish(change(), tmp_path)
    assert (tmp_path / "out.safetensors").read_bytes() == before


def test_divergence_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    loss = PosteriorSampling.loss

    def broken(self, network, step, generator):
        return loss(self, network, step, generator) * (math.nan if step == 3 else 1)

    monkeypatch.setattr(PosteriorSampling, "loss", broken)
    with pytest.raises(ip.DivergenceError, match="after 3 steps; .* holds step 3"):
        finish(make(), tmp_path)
    kept = Run(make())
    kept.restore(tmp_path / "run.ckpt")
    assert kept.step == 3
    assert all(bool(p.isfinite().all()) for p in kept.network.parameters())


class Exact:
    """The posterior of x ~ N(0.5, 0.2²) measured with noise of 0.3, with more or less spread."""

    def __init__(self, spread):
        self.spread = spread

    def parameters(self):
        return iter([torch.zeros(1)])

    def __call__(self, y, temperature, generator):
        share = 0.2**2 / (0.2**2 + 0.3**2)
        noise = torch.randn(y.shape, generator=generator)
        return 0.5 + share * (y - 0.5) + self.spread * 0.3 * share**0.5 * noise


def test_the_quality_of_exact_samples_is_that_of_exact_samples():
    x = [0.5 + 0.2 * torch.randn(1, 128, 128, generator=ip.generator(k)) for k in range(4)]
    found = validate(Exact(1.0), x, NOISE)
    assert found.ratio == pytest.approx(found.ideal, rel=0.02) and found.ideal == 16 / 9
    assert found.spread == pytest.approx(1, rel=0.02)
    assert found.one == pytest.approx(-10 * math.log10(2 * 0.09 * 4 / 13), abs=0.05)
    tight = validate(Exact(0.5), x, NOISE)
    assert tight.spread < 0.4 and tight.ratio < 1.3 and tight.one > found.one


def test_measurements_that_are_no_images():
    for operator in (ip.Downsample(2), ip.Mask(torch.ones(5, 5))):
        with pytest.raises(ip.InputError):
            make(noise=ip.Gaussian(sigma=0.1, operator=operator))
    with pytest.raises(ip.InputError, match=r"shape \(1, 6, 6\) of an image of shape \(1, 12,"):
        make(noise=ip.Gaussian(sigma=0.1, operator=ip.Downsample(2)))


def test_photos_of_other_channels():
    with pytest.raises(ip.InputError, match="channels=1: the photos have 3"):
        make(photos=PHOTOS)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": -1},
        {"steps": 0, "hours": 0.0},
        {"batch": 0},
        {"patch": 0},
        {"rate": math.nan},
        {"critic_rate": 0.0},
        {"average": 1.0},
    ],
)
def test_recipes_that_can_not_be(change):
    with pytest.raises(ip.InputError, match=next(iter(change))):
        evolve(SMALL, **change)
