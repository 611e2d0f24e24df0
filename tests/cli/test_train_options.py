"""What `invprob train` is told is what decides how a run goes."""

from __future__ import annotations

import attrs
import pytest
import torch
from typer.testing import CliRunner

import invprob as ip
from invprob.cli.app import app
from invprob.errors import InputError
from invprob.training import denoising, run

COMMON = {"hours": 0.25, "steps": 7, "seed": 3, "rate": 1e-3}
PATCHES = {"patch": 16, "turns": False}
NUMBERS = {
    "denoiser": {
        **{"batch": 5, "adam_rate": 2e-4, "tries": 2, "centre": 0.2, "spread": 0.7, "chroma": 3.0},
        **{"shapes": True},
        **PATCHES,
    },
    "flow": {"batch": 5, "noisy": 0.1, "noise": 0.4},
    "sampler": {"batch": 6, "critic_rate": 3e-3, **PATCHES},
    "score": {"batch": 6, "least": 0.2, "greatest": 0.9, "adam_rate": 2e-4, **PATCHES},
}
OTHERS = {
    "denoiser": "--widths 8,8,8 --before 1,1,2 --after 2,1 --scales 1,0.5",
    "flow": "--size 16,16 --depths 2,3 --width 8 --bits 4",
    "sampler": "-l gaussian:sigma=0.1 --widths 8,8 --blocks 2 --samples 3 --mean 5 --slope 0.5",
    "score": "-l gaussian:sigma=0.1 --widths 8,8,8 --before 1,1,2 --after 2,1",
}


@pytest.fixture(autouse=True)
def parts():
    """All parts, not the few of the other tests."""


@pytest.fixture
def photos(tmp_path):
    for n in range(3):
        ip.write_image(tmp_path / f"{n}.png", torch.rand(1, 3, 40, 40, generator=ip.generator(n)))
    return tmp_path


def typed(name, value):
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", str(value)]


@pytest.mark.parametrize("kind", NUMBERS)
def test_every_number_that_is_typed_arrives(kind, photos, tmp_path, monkeypatch):
    """None is the default's, so each of them shows."""
    begun, threads = [], []

    def begin(task, *_):
        begun.append(task)
        raise InputError("that far")

    monkeypatch.setattr(run, "begin", begin)
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    said = COMMON | NUMBERS[kind]
    options = [word for name, value in said.items() for word in typed(name, value)]
    typed_others = [*OTHERS[kind].split(), "--threads", "3", "-o", str(tmp_path / "a.safetensors")]
    found = CliRunner().invoke(app, ["train", kind, str(photos), *options, *typed_others])
    assert "that far" in found.output + found.stderr, found.output + found.stderr
    recipe = begun[0].recipe
    assert {name: getattr(recipe, name) for name in said} == said
    assert all(getattr(type(recipe)(), name) != value for name, value in said.items())
    assert threads == [3]
    shape = attrs.asdict(begun[0].architecture, recurse=False)
    if kind in ("denoiser", "score"):
        assert (shape["widths"], shape["before"], shape["after"]) == ((8, 8, 8), (1, 1, 2), (2, 1))
    elif kind == "sampler":
        assert (shape["widths"], shape["blocks"]) == ((8, 8), 2)
        weights = recipe.weights
        assert (weights.samples, weights.mean, weights.slope) == (3, 5.0, 0.5)
    else:
        assert begun[0].images.size == (16, 16) and shape["bits"] == 4 and shape["width"] == 8


@pytest.mark.parametrize("turns", [True, False])
def test_patches_are_turned_or_not(turns, monkeypatch):
    from invprob.networks.denoiser import Architecture, Denoiser
    from invprob.training.patches import Photos, store_photos

    asked = []

    def patches(self, count, size, channels, generator, turned, tries):
        asked.append(turned)
        return torch.zeros(count, channels, size, size)

    photo = torch.randint(256, (1, 40, 40), dtype=torch.uint8, generator=ip.generator(0))
    photos = store_photos([photo], 16)
    monkeypatch.setattr(Photos, "patches", patches)
    network = Architecture(channels=(1,), widths=(8, 8, 8))
    recipe = denoising.Recipe(steps=1, batch=2, patch=16, turns=turns)
    denoising.Denoising(recipe, network, photos).loss(Denoiser(network), 0, ip.generator(0))
    assert asked == [turns]
