"""How `Restart` spends its calls: noise levels, and how many particles there are at each.

First one level far above the prior's size, where every level says the same. Then geometric levels
from about half of that size to the least noise of the measurement; crowds take most of them down
to where modes are decided, and few below. Then restarts at the last level; then the way to zero,
whose levels are linear in sigma^(1/3).

A sample alone can have too many restarts: a network's small errors, the same in each, add up.
Hundreds of whole ones cost deblurred photos, and photos under speckle, up to 3 dB. So beyond 64
they get shorter. And where the data begin to leave a coordinate free, as the level falls below its
noise, a whole one takes away what it still varies by: deblurred photos had a third too little
spread. So while levels fall they are short where something was measured; elsewhere whole ones
are better by half a decibel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from attrs import frozen
from torch import Tensor

from .. import schedules
from ..compatibility import lacks
from ..contracts import HasLikelihood
from ..errors import InputError
from ..problem import Problem
from . import start

LEAST_CALLS = 8
ENOUGH_FOR_DENOISING = 20
EXPONENT = 3.0
DEPTH = 200.0
LARGEST = 4096
"""Numbers of an image up to which weights of whole images mean something."""
SMALL, SMALL_LOCALLY = 1024, 256
"""The same unless crowds are asked for: larger images take their calls for finer things, and so do
smaller ones where noise is not Gaussian."""
FAR = 3.0
"""How many of the prior's radii are so much noise that the denoiser's response is linear."""
MOST_PULLS = 12
"""Rounds after which a linear estimate is as good as it gets."""
LEVELS = 0.9
"""Levels of a crowd, over the root of the calls that it has."""
LEVELS_TOGETHER = 1.3
"""The same where several crowds make one: it has particles enough."""
STEEP = 2.0
"""So many levels, at least, below a crowd for each factor e that is left to fall."""
LEVELS_TWISTED = (2.0, 0.5)
"""Of a crowd under noise that is not Gaussian, which comes down the reverse SDE: so many, and so
many more for the root of the calls that it has."""
FALL, SHARE = 0.9, 0.12
"""Levels below such a crowd, over the same root, and at most, over the calls themselves."""
STAY, FEWER = 0.25, 0.0025
"""The share of the calls that is spent at the last level then, and at most, over the calls: where
they are few, modes come first."""
WHOLE = 64.0
"""So many whole restarts are as far as all those of a sample alone go together."""
MEASURED, MEASURED_LOCALLY = 0.85, 0.7
"""The least kappa of what was measured, while levels fall; and where noise is not Gaussian."""
CROWDED = (0.36, 2.0)
"""The level at which a crowd begins, in units of the prior's radius, and of its deviation."""
DECIDED = 0.2
"""The level, in standard deviations of a pixel, below which it is clear which mode a sample is in.
"""
DECIDED_TWISTED = 0.25
"""The same under noise that is not Gaussian."""


@frozen
class Plan:
    """The steps of a run.

    Attributes:
        levels: noise levels of all steps.
        alive: particles per sample, of all steps.
        restarts: how many steps are restarts; the others are the way to zero.
        pulls: rounds in which the data pull the first restart.
    """

    levels: tuple[float, ...]
    alive: tuple[int, ...]
    restarts: int
    pulls: int = 0


def fits(problem: Problem[Any, Any], particles: int | None) -> bool:
    """Whether samples are to begin as crowds: of a small image, or as it was asked for."""
    usual = SMALL if start.linear(problem) else SMALL_LOCALLY
    most = usual if particles is None else LARGEST
    return particles != 1 and math.prod(problem.image_shape) <= most


def is_twisted(problem: Problem[Any, Any], particles: int | None) -> bool:
    """Whether these are crowds under noise that is not Gaussian."""
    known = not start.linear(problem) and not lacks(problem.likelihood, HasLikelihood)
    return known and fits(problem, particles)


def check_crowd(problem: Problem[Any, Any], population: int, particles: int | None) -> None:
    """Raise `InputError` unless the samples make groups, of images that are small enough."""
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


def denoising(noise: start.Range, calls: int) -> Plan:
    """White noise: the way to zero, and nothing else."""
    levels = _finish(noise, min(calls, ENOUGH_FOR_DENOISING))
    return Plan(levels, (1,) * len(levels), 0)


def alone(problem: Problem[Any, Any], noise: start.Range, first: float, calls: int) -> Plan:
    """Samples of one particle each; a quarter of the restarts are at the last level."""
    finish = _finish(noise, min(max(calls // 4, 6), 12))
    count = calls - len(finish)
    stay, middle = count // 4, _middle(problem, noise, first)
    levels = (first,) if middle < first else ()
    down = _down(middle, noise.least, count - stay - len(levels))
    levels = (*levels, *down, *(noise.least,) * stay, *finish)
    return Plan(levels, (1,) * len(levels), count)


def kappa(restarts: int) -> float:
    """How far down each of so many restarts of a sample alone goes, as a share of the next level.

    >>> kappa(50), round(kappa(1000), 2)
    (0.0, 0.97)
    """
    return math.sqrt(max(0.0, 1 - WHOLE / restarts))


def kappas(usual: float, least: float, sd: Tensor) -> Tensor:
    """For each coordinate: at least so much where something was measured.

    >>> kappas(0.0, MEASURED, torch.tensor([0.1, 3.0, torch.inf]))
    tensor([0.8500, 0.8500, 0.0000])
    """
    return torch.full_like(sd, max(usual, least)).masked_fill_(sd.isinf(), usual)


def weighed(
    problem: Problem[Any, Any],
    noise: start.Range,
    first: float,
    calls: int,
    guided: bool | None,
    particles: int | None,
    population: int,
) -> Plan:
    """Samples that begin as crowds, each of which shrinks by the same share from level to level.

    With more calls there are more levels (as the root of the calls) and, with what that leaves,
    larger crowds.

    Args:
        problem: with a linear measurement.
        noise: its levels.
        first: the level to start at.
        calls: how many there are per sample.
        guided: whether the data pull all restarts; None, the first one, if it comes from far
            above the prior; False, none.
        particles: the most that there are per sample; None for as many as the calls allow.
        population: samples that interact.
    """
    finish = _way_of_crowds(noise, calls)
    stay = max(calls // 10, 1)
    far = guided is not False and first > FAR * start.radius(problem)
    pulls = min(round(0.4 * math.sqrt(calls)), MOST_PULLS) if far else int(guided is True)
    budget = calls - len(finish) - stay - pulls
    middle = _crowded(problem, noise, first)
    decided = _decided(problem, noise, middle, DECIDED)
    steep = math.ceil(STEEP * math.log(decided / noise.least))
    fall = max(round(0.2 * math.sqrt(budget)), min(steep, budget // 4)) if steep else 0

    def cost(levels: int, most: int) -> int:
        down = (*_shrinking(levels, most), *(1,) * fall)
        return 1 + sum(down) * (2 if guided else 1) + (stay if guided else 0)

    share = LEVELS if population == 1 else LEVELS_TOGETHER
    count, most = _filled(round(share * math.sqrt(budget)), budget, cost, particles)
    levels = (
        first,
        *_down(middle, decided, count),
        *_down(decided, noise.least, fall + 1)[1:],
        *(noise.least,) * stay,
    )
    alive = (1, *_shrinking(count, most), *(1,) * (fall + stay + len(finish)))
    return Plan((*levels, *finish), alive, len(levels), pulls)


def twisted(
    problem: Problem[Any, Any], noise: start.Range, first: float, calls: int, particles: int | None
) -> Plan:
    """The same for noise that is not Gaussian, in crowds that are as large at every level.

    Args:
        problem: with noise that has a density.
        noise: its levels.
        first: the level to start at.
        calls: how many there are per sample.
        particles: the most that there are per sample; None for as many as the calls allow.
    """
    top = _crowded(problem, noise, first)
    if not noise.least < top:
        return alone(problem, noise, first, calls)
    finish = _way_of_crowds(noise, calls)
    stay = max(round(min(STAY, FEWER * calls) * calls), 1)
    budget = calls - len(finish) - stay
    decided = _decided(problem, noise, top, DECIDED_TWISTED)
    below = noise.least < decided < top
    if not below:
        decided = noise.least
    fall = max(round(min(FALL * math.sqrt(budget), SHARE * budget)), 1) if below else 1

    def cost(levels: int, most: int) -> int:
        return 1 + levels * most + fall

    count = round(LEVELS_TWISTED[0] + LEVELS_TWISTED[1] * math.sqrt(budget))
    count, most = _filled(count, budget, cost, particles)
    stay = calls - len(finish) - cost(count, most)
    at_top, at_end = int(top == first), int(not below)
    crowded = _down(top, decided, at_top + count + at_end)[at_top : at_top + count]
    levels = (
        first,
        *crowded,
        *_down(decided, noise.least, fall + 1)[1:],
        *(noise.least,) * stay,
    )
    alive = (1, *(most,) * count, *(1,) * (fall + stay + len(finish)))
    return Plan((*levels, *finish), alive, len(levels))


def _decided(problem: Problem[Any, Any], noise: start.Range, top: float, share: float) -> float:
    """The level, from its share of a deviation, at which it is clear which mode a sample is in."""
    return min(max(share * start.deviation(problem), noise.least), top)


def _filled(
    count: int, budget: int, cost: Callable[[int, int], int], particles: int | None
) -> tuple[int, int]:
    """About so many levels of a crowd, and the most particles, that cost no more than a budget."""
    most = 1
    while count and cost(count, 1) > budget:
        count -= 1
    while count and most != particles and cost(count, most + 1) <= budget:
        most += 1
    while cost(count + 1, most) <= budget:
        count += 1
    return count, most


def _shrinking(levels: int, most: int) -> tuple[int, ...]:
    """Particles at each of the levels, from `most` to one."""
    last = max(levels - 1, 1)
    return tuple(round(most ** (1 - level / last)) for level in range(levels))


def _crowded(problem: Problem[Any, Any], noise: start.Range, first: float) -> float:
    """The level at which a crowd begins."""
    width = max(CROWDED[0] * start.radius(problem), CROWDED[1] * start.deviation(problem))
    return max(min(width, first), noise.least)


def _middle(problem: Problem[Any, Any], noise: start.Range, first: float) -> float:
    """The second level: half of the prior's radius."""
    return max(min(start.radius(problem) / 2, first), noise.least)


def _down(highest: float, least: float, count: int) -> tuple[float, ...]:
    """Geometric levels, both ends included."""
    falls = count > 1 and least < highest
    return schedules.geometric(highest, least, count) if falls else (least,) * count


def _way_of_crowds(noise: start.Range, calls: int) -> tuple[float, ...]:
    """Levels of the way to zero when a crowd comes before it."""
    return _finish(noise, min(max(calls // 5, min(calls // 2, 6)), 12))


def _finish(noise: start.Range, calls: int) -> tuple[float, ...]:
    """Levels of the way to zero."""
    last = max(noise.least / DEPTH, noise.low)
    if not last < noise.least:
        return (noise.least,)
    return schedules.power(noise.least, last, calls, EXPONENT)
