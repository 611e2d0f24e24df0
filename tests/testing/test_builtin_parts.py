"""Every part that invprob ships, and what can be made of two of them, conforms."""

from __future__ import annotations

import pytest
import torch

import invprob as ip
from invprob.components import invprob_components
from invprob.testing import parametrize
from invprob.testing.reference import GaussianImages

PARTS = list(invprob_components())
OPERATORS = [part.example() for part in PARTS if part.kind == "operator"]
SOLVERS = [part.example() for part in PARTS if part.kind == "solver"]


def examples(kind):
    return [part.example() for part in PARTS if part.kind == kind]


def inpainting():
    """A Gaussian problem in which a third of the pixels was not seen."""
    noise = ip.Gaussian(sigma=0.1, operator=ip.Mask(torch.arange(64).reshape(8, 8) % 3 > 0))
    prior = GaussianImages()
    x = prior.sample((2, 1, 8, 8), ip.generator(0)).double()
    return ip.Problem(prior, noise, noise.sample(x, ip.generator(1)))


@parametrize(*examples("prior"), kind="prior", examples=3)
def test_priors(check):
    check()


@parametrize(*examples("likelihood"), kind="likelihood", examples=3)
def test_likelihoods(check):
    check()


@parametrize(*OPERATORS, kind="operator", examples=5)
def test_operators(check):
    check()


@parametrize(*[ip.Gaussian(sigma=0.1, operator=H) for H in OPERATORS], examples=2)
def test_gaussian_noise_on_every_operator(check):
    check()


@parametrize(ip.Gaussian(sigma=torch.linspace(0.05, 0.3, 64).reshape(8, 8)), examples=3)
def test_gaussian_noise_that_differs_between_pixels(check):
    check()


@parametrize(*SOLVERS, kind="solver", examples=2)
def test_solvers(check):
    check()


def accepting(problem):
    from invprob.compatibility import accepts

    parts = {"prior": problem.prior, "likelihood": problem.likelihood}
    return [s for s in SOLVERS if accepts(s, **parts) and starts(problem, s)]


def starts(problem, solver):
    """Whether a solver does not refuse a problem for its numbers (noise-free data wanted, say)."""
    try:
        ip.iterate(problem, solver)
    except ip.InputError:
        return False
    return True


@parametrize(*accepting(inpainting()), kind="solver", problem=inpainting(), examples=2)
def test_solvers_where_pixels_are_missing(check):
    check()


def test_the_catalogue_has_parts_of_every_kind():
    assert {part.kind for part in PARTS} == {"prior", "likelihood", "operator", "solver"}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.kind}-{part.name}")
def test_every_part_makes_its_example_twice(part):
    assert type(part.example()) is type(part.example())
