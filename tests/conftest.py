"""Small parts that the tests of the driver share."""

from __future__ import annotations

import os

os.environ.setdefault("INVPROB_PLUGINS", "")  # what else is installed must not change our tests
if "PYTEST_XDIST_WORKER" in os.environ:  # a process a core: more threads would wait
    os.environ.setdefault("OMP_NUM_THREADS", "1")

os.environ["COLUMNS"] = "80"  # what a terminal is like must not change what is printed
os.environ["FORCE_COLOR"] = os.environ["PY_COLORS"] = os.environ["GITHUB_ACTIONS"] = ""
os.environ["TERMINAL_WIDTH"] = ""

import pytest
import torch
from hypothesis import settings

import invprob as ip

torch.set_num_threads(1)
settings.register_profile("alike", deadline=None, derandomize=True, database=None)
settings.load_profile("alike")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """With `-n auto`: a process a core, and no more than 8, each of which imports torch."""
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


@pytest.fixture
def prior() -> ip.GaussianPrior:
    return ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)


@pytest.fixture
def problem(prior: ip.GaussianPrior) -> ip.Problem:
    y = torch.rand(2, 1, 4, 4, generator=ip.generator(7))
    return ip.Problem(prior, ip.Gaussian(sigma=0.1), y)
