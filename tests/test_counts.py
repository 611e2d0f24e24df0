"""Counts are whole numbers wherever they are given."""

import inspect

import numpy as np
import pytest
import torch

import invprob as ip
from invprob.counts import check_count

COUNTS = ("iterations", "calls", "levels", "repeats", "steps", "sweeps", "population", "particles")
FIELDS = [
    (type(solver), name)
    for solver in dict.fromkeys(part.example() for part in ip.catalogue().of_kind("solver"))
    for name in inspect.signature(type(solver)).parameters
    if name in COUNTS
]


@pytest.mark.parametrize("value", [3.5, float("nan"), float("inf"), "10", None, True, 3.0, [3]])
def test_what_is_no_whole_number(value):
    with pytest.raises(ip.InputError, match=r"^calls=.* is no whole number; give one, such as \d"):
        check_count("calls", value)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_what_is_one(value):
    check_count("calls", value, 3)
    with pytest.raises(ip.InputError, match="calls=3; at least 4 are needed"):
        check_count("calls", value, 4)


def test_words():
    with pytest.raises(ip.InputError, match="calls=0; at least one is needed"):
        check_count("calls", 0)
    with pytest.raises(ip.InputError, match="seed=-1; so it is"):
        check_count("seed", -1, 0, "so it is")
    with pytest.raises(ip.InputError, match="'10' is no whole number; give one, such as 10"):
        check_count("calls", "10")


@pytest.mark.parametrize(("solver", "name"), FIELDS, ids=lambda one: getattr(one, "__name__", one))
def test_every_solver_checks_its_counts(solver, name):
    for value in (30.5, float("nan"), "30"):
        with pytest.raises(ip.InputError, match=f"{name}=.* is no whole number"):
            solver(**{name: value})
    with pytest.raises(ip.InputError, match=f"{name}=0"):
        solver(**{name: 0})


def test_the_driver_checks_samples_and_seed():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.full((1, 1, 4, 4), 0.5))
    with pytest.raises(ip.InputError, match="samples=2.5 is no whole number; give one, such as 2"):
        ip.solve(problem, ip.DDRM(), samples=2.5)
    with pytest.raises(ip.InputError, match="seed=1.5 is no whole number"):
        ip.solve(problem, ip.DDRM(), seed=1.5)
    with pytest.raises(ip.InputError, match="seed=-1; it is an integer >= 0"):
        ip.solve(problem, ip.DDRM(), seed=-1)
