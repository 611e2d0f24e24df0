"""`invprob simulate`, as people type it."""

from __future__ import annotations

import pytest
import torch

from invprob.catalogue import Component
from invprob.images import read_image, write_image


def test_simulate_is_the_likelihood_and_solve_reads_it_back(invprob, folder):
    done = invprob("simulate gray.png -l gaussian:sigma=0.5 --seed 3 -o y.tif")
    assert "wrote y.tif: Gaussian(sigma=0.5), seed 3" in done.stdout
    x, y = read_image("gray.png"), read_image("y.tif")
    assert float((y - x).std()) == pytest.approx(0.5, abs=4 * 0.5 / (2 * 120) ** 0.5)
    assert float(y.min()) < 0
    invprob("simulate gray.png -l gaussian:sigma=0.5 --seed 3 -o again.tif")
    invprob("simulate gray.png -l gaussian:sigma=0.5 --seed 4 -o other.tif")
    assert torch.equal(read_image("again.tif"), y)
    assert not torch.equal(read_image("other.tif"), y)
    invprob("solve y.tif -l gaussian:sigma=0.5 -o x.png")


def test_clipping_is_said(invprob, folder):
    clipped = invprob("simulate gray.png -l gaussian:sigma=0.5 -o y.png --bits 16")
    y = read_image("y.png")
    share = float(((y == 0) | (y == 1)).double().mean())
    assert f"warning: {share:.1%} of the values were outside [0, 1]" in clipped.stderr
    assert "y.tif keeps them" in clipped.stderr
    quiet = invprob("simulate gray.png -l gaussian:sigma=0.001 -o quiet.png")
    assert quiet.stderr == ""


def test_counts_that_a_file_does_not_hold(invprob, folder):
    said = invprob("simulate gray.png -l poisson:peak=30 -o counts.png").stderr
    assert "counts.png is good to look at, but `invprob solve` will refuse it" in said
    assert "counts.tif keeps every value" in said
    invprob("solve counts.png -l poisson:peak=30 -o o.png", code=2)
    assert invprob("simulate gray.png -l poisson:peak=30 -o counts.tif").stderr == ""
    assert (
        invprob("simulate gray.png -l poisson:peak=51 -o fifths.png").stderr == ""
    )  # 5 levels each
    invprob("solve fifths.png -l poisson:peak=51 -o o.png")


def test_simulated_in_the_unit_of_an_instrument(invprob, folder):
    import numpy as np
    import tifffile

    x = read_image("gray.png")[0, 0].numpy()
    tifffile.imwrite("clean.tif", (300 + 500 * x).astype(np.float32))
    line = "-l poisson:peak=500 --black 300 --white 800 --bits 16"
    assert invprob(f"simulate clean.tif {line} -o y.tif").stderr == ""
    y = tifffile.imread("y.tif")
    assert y.dtype == np.uint16
    assert float(y.mean()) == pytest.approx(300 + 500 * x.mean(), rel=0.02)
    invprob(f"solve y.tif {line} -o o.tif")


def test_simulate_with_an_operator(invprob, folder):
    invprob("simulate gray.png -l gaussian:sigma=0.01 -A mask:file=mask.png -o y.tif")
    mask = read_image("mask.png")
    assert float(read_image("y.tif")[mask == 0].abs().max()) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "gray.png -l everything:count=1 -o y.tif",
            "are no images; a NPY file holds them: -o y.npy",
        ),
        ("bright.tif -l gaussian:sigma=0.1 -o y.tif", "values from 0 to 7; a clean image"),
        ("gray.png -l gaussian:sigma=0.1 -o gray.png", "is the input"),
        ("gray.png -l gaussian:sigma=0.1 -o mask.png", "--force"),
    ],
)
def test_what_can_not_be_simulated(invprob, folder, line, message):
    write_image("bright.tif", torch.tensor([[0.0, 7.0]]))
    assert message in invprob(f"simulate {line}", code=2).stderr


class NoPart:
    """It was registered as a likelihood and cannot be asked for a measurement."""

    def __repr__(self):
        return "NoPart()"


def test_what_is_no_likelihood_is_said_to_be_none(invprob, parts, monkeypatch):
    part = Component("likelihood", "nopart", NoPart)
    monkeypatch.setattr(type(parts), "get", lambda *_: part)
    monkeypatch.setattr(type(parts), "find", lambda *_: (part,))
    said = "NoPart() is no likelihood: it has no method `sample(x, generator)`"
    for line in ("simulate gray.png -l nopart -o y.tif", "check nopart"):
        assert said in invprob(line, code=2).stderr
