import inspect
import os
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from torch import nn

import invprob as ip
from invprob.fingerprint import fingerprint


@attrs.frozen(eq=False)
class Part:
    scale: float
    table: torch.Tensor
    cache: dict = attrs.field(factory=dict, init=False)


def adder(n):
    return lambda x: x + n


def network(seed, width=3):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, width), nn.ReLU())


SAME = [
    lambda: Part(0.5, torch.arange(3.0)),
    lambda: network(0),
    lambda: adder(1),
    lambda: np.arange(4),
    lambda: {"a": [1, 2.5, None, "x"]},
    lambda: {3, 1, 2},
]
DIFFERENT = [
    *SAME,
    lambda: Part(0.5, torch.arange(3.0).double()),
    lambda: Part(0.25, torch.arange(3.0)),
    lambda: network(1),
    lambda: network(0, width=4),
    lambda: adder(2),
    lambda: np.arange(4).reshape(2, 2),
    lambda: {"a": [1, 2.5, "x", None]},
    lambda: {"a": [12, 0.5, None, "x"]},
    lambda: torch.zeros(3, requires_grad=True),
    lambda: torch.tensor(float("nan")),
]


@pytest.mark.parametrize("make", SAME)
def test_equal_parts_have_equal_fingerprints(make):
    assert fingerprint(make()) == fingerprint(make())


def test_different_parts_have_different_fingerprints():
    marks = [fingerprint(make()) for make in DIFFERENT]
    assert len(set(marks)) == len(marks)


def test_what_a_part_has_cached_does_not_count():
    used, fresh = SAME[0](), SAME[0]()
    used.cache["x"] = torch.ones(2)
    assert fingerprint(used) == fingerprint(fresh)


def test_a_part_that_holds_itself_ends():
    loop = []
    loop.append(loop)
    assert len(fingerprint(loop)) == 64


@attrs.frozen
class OfFile:
    """A prior whose weights are in a file."""

    file: Path

    def denoise(self, x, sigma, /):
        return x * float(self.file.read_text())


def test_a_file_counts_by_its_content_and_not_by_its_place(tmp_path):
    file, moved = tmp_path / "weights", tmp_path / "moved"
    file.write_text("0.9")
    before = fingerprint(OfFile(file))
    moved.write_text("0.9")
    assert fingerprint(OfFile(moved)) == before
    file.write_text("0.8")
    assert fingerprint(OfFile(file)) != before
    assert fingerprint(OfFile(tmp_path)) != fingerprint(OfFile(tmp_path / "none"))


def test_a_run_is_not_resumed_with_other_weights_in_the_same_file(tmp_path):
    file, saved = tmp_path / "weights", tmp_path / "run.ckpt"
    file.write_text("0.9")
    problem = ip.Problem(OfFile(file), ip.Gaussian(sigma=0.1), torch.rand(1, 1, 4, 4))
    ip.solve(problem, ip.PnP(iterations=4), callbacks=[ip.SaveEvery(2, saved)])
    file.write_text("0.8")
    with pytest.raises(ip.CheckpointError, match="prior"):
        ip.solve(problem, ip.PnP(iterations=4), resume=saved)


class Bare:
    """A part without attributes, as a noise of one formula is."""


class Slotted:
    __slots__ = ("table",)

    def __init__(self, table):
        self.table = table


class Wrapped(nn.Module):
    """A network with a number of its own, and a tensor that no file of weights holds."""

    def __init__(self, strength, table):
        super().__init__()
        self.strength = strength
        self.register_buffer("table", table, persistent=False)


def chosen(x):
    return x in {"one", "two", "three", "four"}


LIKE = [
    Bare,
    lambda: Slotted(torch.arange(3.0)),
    lambda: partial(torch.add, torch.ones(2)),
    lambda: partial(torch.add, torch.zeros(2)),
    lambda: torch.tanh,
    lambda: torch.sigmoid,
    lambda: torch,
    lambda: np,
    lambda: Wrapped(0.5, torch.zeros(2)),
    lambda: Wrapped(1.0, torch.zeros(2)),
    lambda: Wrapped(1.0, torch.ones(2)),
    lambda: torch.eye(3).to_sparse(),
    lambda: torch.eye(3).to_sparse_csr(),
    lambda: torch.arange(3).to(torch.complex64),
    lambda: (1j * torch.arange(3)).conj(),
]


def test_what_has_no_contents_to_compare_is_known_by_what_it_is():
    prints = [fingerprint(make()) for make in LIKE]
    assert prints == [fingerprint(make()) for make in LIKE]
    both = fingerprint(torch.eye(3).to_sparse()), fingerprint(torch.eye(3).to_sparse_csr())
    assert both[0] == both[1]  # the same numbers
    assert len(set(prints)) == len(prints) - 1
    assert fingerprint((1j * torch.arange(3)).conj()) == fingerprint(-1j * torch.arange(3))


def test_the_order_of_a_set_in_code_does_not_count():
    """It depends on the process, as the hashes of texts do."""
    said = textwrap.dedent(inspect.getsource(chosen))
    script = f"from invprob.fingerprint import fingerprint\n{said}print(fingerprint(chosen))"
    prints = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1
