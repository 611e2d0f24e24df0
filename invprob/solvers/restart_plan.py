"""How `Restart` spends its calls: noise levels, and how many particles there are at each.

All levels are geometric from the prior's size to the least noise of the measurement, after one far
above it, where every level says the same; then restarts at the last level; then the way to zero,
whose levels are linear in sigma^(1/3).
"""

from __future__ import annotations

import math
from typing import Any

from attrs import frozen

from .. import schedules
from ..errors import InputError
from ..problem import Problem
from . import start

LEAST_CALLS = 8
ENOUGH_FOR_DENOISING = 20
EXPONENT = 3.0
DEPTH = 200.0
SMALL = 4096
"""Numbers of an image up to which weights of whole images mean something."""
CROWD = 8
"""A population that finds the modes without being guided."""
PARTICLES = 4
"""With how many particles a guided sample begins, if there are calls for it."""


@frozen
class Plan:
    """The steps of a run.

    Attributes:
        levels: noise levels of all steps.
        alive: particles per sample, of all steps.
        restarts: how many steps are restarts; the others are the way to zero.
    """

    levels: tuple[float, ...]
    alive: tuple[int, ...]
    restarts: int


def is_small(problem: Problem[Any, Any]) -> bool:
    """Whether weights of whole images mean something."""
    return math.prod(problem.image_shape) <= SMALL


def check_population(problem: Problem[Any, Any], population: int) -> None:
    """Raise `InputError` unless the samples make groups, of images that are small enough."""
    if problem.samples % population:
        raise InputError(
            f"population={population}, and samples={problem.samples}: {population} samples of a "
            f"measurement interact, so ask for a multiple of {population}, or for population=1"
        )
    if population > 1 and not is_small(problem):
        raise InputError(
            f"population={population}, and images of shape {problem.image_shape}: weights of "
            f"whole images tell samples apart up to {SMALL} numbers; in larger ones a single "
            "sample would take all the weight. population=1"
        )


def denoising(noise: start.Range, calls: int) -> Plan:
    """White noise: the way to zero, and nothing else."""
    levels = _finish(noise, min(calls, ENOUGH_FOR_DENOISING))
    return Plan(levels, (1,) * len(levels), 0)


def alone(problem: Problem[Any, Any], noise: start.Range, first: float, calls: int) -> Plan:
    """Independent samples; half of the restarts are at the last level."""
    finish = _finish(noise, min(max(calls // 4, 6), 12))
    count = calls - len(finish)
    middle = min(start.radius(problem) / 2, first)
    levels = _ladder(first, middle, noise.least, count, count // 2)
    return Plan((*levels, *finish), (1,) * calls, len(levels))


def weighed(
    problem: Problem[Any, Any],
    noise: start.Range,
    first: float,
    calls: int,
    population: int,
    guided: bool,
) -> Plan:
    """Samples that weigh each other, or are guided, or both; most restarts are on the way down.

    Guided samples of a small population begin with several particles, of which half are left
    after four ninths of the ladder and one after two thirds of it.
    """
    finish = _finish(noise, min(max(calls // 6, 4), 12))
    stay = max(calls // 10, 1)
    budget = calls - len(finish) - stay
    most = 1
    if guided and is_small(problem):
        most = max(1, min(PARTICLES // population, round(budget / 20)))
    count = budget
    while count > 1 and _cost(_alive(count, most), guided) > budget:
        count -= 1
    middle = min(start.radius(problem) / (1 if guided else 2), first)
    levels = _ladder(first, middle, noise.least, count + stay, stay)
    alive = (*_alive(count, most), *(1,) * (stay + len(finish)))
    return Plan((*levels, *finish), alive, len(levels))


def _alive(count: int, most: int) -> tuple[int, ...]:
    """Particles at each of the levels: one, `most`, half of them, one."""
    many, some = 4 * count // 9, 2 * count // 9
    few = count - 1 - many - some
    return (1, *(most,) * many, *(max(most // 2, 1),) * some, *(1,) * few)


def _cost(alive: tuple[int, ...], guided: bool) -> int:
    """Images through the denoiser; a guided restart shows it each surviving one twice."""
    return sum(alive) + (sum(alive[1:]) + 1 if guided else 0)


def _ladder(first: float, middle: float, least: float, count: int, stay: int) -> tuple[float, ...]:
    """Levels of the restarts: `first`, then from the middle to the least, and `stay` there."""
    middle = max(middle, least)
    levels = (first,) if middle < first else ()
    fall = count - stay - len(levels)
    falls = fall > 0 and least < middle
    down = schedules.geometric(middle, least, fall) if falls else (least,) * fall
    return (*levels, *down, *(least,) * stay)


def _finish(noise: start.Range, calls: int) -> tuple[float, ...]:
    """Levels of the way to zero."""
    last = max(noise.least / DEPTH, noise.low)
    if not last < noise.least:
        return (noise.least,)
    return schedules.power(noise.least, last, calls, EXPONENT)
