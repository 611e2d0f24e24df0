"""Counts are whole numbers wherever they are given."""

import inspect

import numpy as np
import pytest
import torch

import invprob as ip
from invprob.counts import check_count
from invprob.operators import kernels

COUNTS = ("iterations", "calls", "levels", "repeats", "steps", "sweeps", "population", "particles")
PARAMETERS = [
    (type(solver), parameter)
    for solver in dict.fromkeys(part.example() for part in ip.catalogue().of_kind("solver"))
    for parameter in inspect.signature(type(solver)).parameters.values()
]
FIELDS = [(solver, one.name) for solver, one in PARAMETERS if one.name in COUNTS]
REALS = [(solver, one.name) for solver, one in PARAMETERS if "float" in str(one.annotation)]


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


@pytest.mark.parametrize(("solver", "name"), REALS, ids=lambda one: getattr(one, "__name__", one))
def test_every_solver_checks_its_numbers(solver, name):
    for value in ("0.3", "a", [0.3], True, 1j):
        with pytest.raises(ip.InputError, match=rf"^{name}=.* is no number; give"):
            solver(**{name: value})
    with pytest.raises(ip.InputError, match=f"{name}=nan"):
        solver(**{name: float("nan")})


MATRIX = torch.ones(2, 64)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: ip.Hadamard((64.7, 64)), "size"),
        (lambda: ip.Hadamard("64"), "size"),
        (lambda: ip.Hadamard(8, keep="0.5"), "keep"),
        (lambda: ip.Fourier.lines((8.5, 8)), "size"),
        (lambda: ip.Fourier.random(8, keep="0.5"), "keep"),
        (lambda: ip.Fourier.random(8, centre=None), "centre"),
        (lambda: ip.Dense(MATRIX, (1, 8.9, 8)), "image_shape"),
        (lambda: ip.Dense(MATRIX, (1, float("nan"), 8)), "image_shape"),
        (lambda: ip.Mask.random((8, 8), keep="0.5"), "keep"),
        (lambda: ip.Mask.random((8.5, 8)), "shape"),
        (lambda: ip.Mask.random((8, -8)), "shape"),
        (lambda: ip.Mask.random(None), "shape"),
        (lambda: ip.Stack(ip.Identity(), (1, 8, 8)), "operators"),
        (lambda: kernels.uniform(float("nan")), "size"),
        (lambda: kernels.uniform((3, 3)), "size"),
        (lambda: kernels.gaussian("1.5"), "sigma"),
        (lambda: kernels.motion("9"), "length"),
        (lambda: kernels.motion(9, "30"), "angle"),
    ],
)
def test_operators_check_their_numbers(make, name):
    with pytest.raises(ip.InputError, match=f"^{name}="):
        make()


@pytest.mark.parametrize("size", [8, 8.0, np.int64(8), (8, 8), [8.0, 8], torch.tensor([8, 8])])
def test_sizes_may_be_of_any_type_that_is_whole(size):
    assert ip.Hadamard(size).size == (8, 8)
    assert ip.Fourier.random(size).mask.shape == ip.Mask.random(size).mask.shape == (8, 8)


def test_the_driver_checks_samples_and_seed():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.full((1, 1, 4, 4), 0.5))
    with pytest.raises(ip.InputError, match="samples=2.5 is no whole number; give one, such as 2"):
        ip.solve(problem, ip.DDRM(), samples=2.5)
    with pytest.raises(ip.InputError, match="seed=1.5 is no whole number"):
        ip.solve(problem, ip.DDRM(), seed=1.5)
    with pytest.raises(ip.InputError, match="seed=-1; it is an integer >= 0"):
        ip.solve(problem, ip.DDRM(), seed=-1)
