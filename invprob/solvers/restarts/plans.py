"""How `Restart` spends its calls: noise levels, and how many particles there are at each.

First one level far above the prior's size, where every level says the same. Then geometric levels
from about half of that size to the least noise of the measurement (those of crowds are in
`crowd_plans`). Then restarts at the last level; then the way to zero (`to_zero`).

How short the restarts of a sample alone are is in `alone`.
"""

from __future__ import annotations

import math
from typing import Any

from attrs import frozen

from ... import schedules
from ...compatibility import lacks
from ...contracts import HasLikelihood
from ...errors import InputError
from ...problem import Problem
from .. import diffusion
from . import to_zero
from .alone import is_network

LEAST_CALLS = 8
ENOUGH_FOR_DENOISING = 20
LARGEST = 4096
"""Numbers of an image up to which weights of whole images mean something."""
SMALL, SMALL_LOCALLY = 1024, 256
"""The same unless crowds are asked for: larger images take their calls for finer things, and so do
smaller ones where noise is not Gaussian."""
ENOUGH_ALONE = 50
"""Calls of a sample alone from which on those of photographs have about the right spread."""
FEW = (
    "{} calls are few where pixels are missing, mixed, or not equally noisy: samples may be off, "
    "and vary by half too much or too little. Restart() takes 100"
)
STAYS = 10
"""A network's sample has a tenth of its restarts at the last level, and so many if a quarter is no
fewer."""


@frozen
class Plan:
    """The steps of a run.

    Attributes:
        levels: noise levels of all steps.
        alive: particles per sample, of all steps.
        restarts: how many steps are restarts; the others are the way to zero.
        pulls: rounds in which the data pull the particles, of all steps.
    """

    levels: tuple[float, ...]
    alive: tuple[int, ...]
    restarts: int
    pulls: tuple[int, ...]


def fits(problem: Problem[Any, Any], particles: int | None) -> bool:
    """Whether samples are to begin as crowds: of a small image, or as it was asked for."""
    usual = SMALL if diffusion.linear(problem) else SMALL_LOCALLY
    most = usual if particles is None else LARGEST
    return particles != 1 and math.prod(problem.image_shape) <= most


def has_surrogate(problem: Problem[Any, Any], particles: int | None) -> bool:
    """Whether these are crowds under noise that is not Gaussian."""
    known = not diffusion.linear(problem) and not lacks(problem.likelihood, HasLikelihood)
    return known and fits(problem, particles)


def check_crowd(
    problem: Problem[Any, Any], population: int, particles: int | None, guided: bool | None
) -> None:
    """Raise `InputError` unless the samples make groups, of images that are small enough.

    And unless noise under which samples interact, or are guided, is Gaussian.
    """
    if problem.samples % population:
        raise InputError(
            f"population={population}, and samples={problem.samples}: {population} samples of a "
            f"measurement interact, so ask for a multiple of {population}, or for population=1",
            typed=f"--samples {population}",
        )
    asked = population > 1 or (particles or 1) > 1
    if asked and math.prod(problem.image_shape) > LARGEST:
        raise InputError(
            f"population={population}, particles={particles}, and images of shape "
            f"{problem.image_shape}: weights of whole images tell samples apart up to {LARGEST} "
            "numbers; in larger ones a single one would take all the weight. population=1, "
            "particles=1"
        )
    if (population > 1 or guided) and not diffusion.linear(problem):
        raise InputError(
            f"population={population}, guided={guided}, and {problem.likelihood!r}: samples "
            "interact, and are guided, only under Gaussian noise on a linear measurement; "
            "population=1, guided=False for any other"
        )


def denoising(problem: Problem[Any, Any], noise: diffusion.Range, calls: int) -> Plan:
    """White noise: the way to zero, and nothing else.

    Raises:
        InputError: the prior denoises from the data's noise on, and samples would be all equal.
    """
    diffusion.last_level(problem, noise, noise.least, None, noise.low)
    most = min(calls, ENOUGH_FOR_DENOISING)
    levels = to_zero.levels(problem, noise, most, most)
    return Plan(levels, (1,) * len(levels), 0, (0,) * len(levels))


def alone(problem: Problem[Any, Any], noise: diffusion.Range, first: float, calls: int) -> Plan:
    """Samples of one particle each; a quarter of the restarts, or `STAYS`, at the last level."""
    usual = min(max(calls // 4, 6), to_zero.ENOUGH)
    finish = to_zero.levels(problem, noise, usual, calls // 2)
    count = calls - len(finish)
    stay, middle = count // 4, _middle(problem, noise, first)
    if is_network(problem):
        stay = min(stay, max(STAYS, count // 10))
    levels = (first,) if middle < first else ()
    falling = down(middle, noise.least, count - stay - len(levels))
    levels = (*levels, *falling, *(noise.least,) * stay, *finish)
    return Plan(levels, (1,) * len(levels), count, (0,) * len(levels))


def _middle(problem: Problem[Any, Any], noise: diffusion.Range, first: float) -> float:
    """The second level: half of the prior's radius."""
    return max(min(diffusion.radius(problem) / 2, first), noise.least)


def down(highest: float, least: float, count: int) -> tuple[float, ...]:
    """Geometric levels, both ends included."""
    falls = count > 1 and least < highest
    return schedules.geometric(highest, least, count) if falls else (least,) * count
