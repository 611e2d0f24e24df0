"""How `Restart` spends the calls of samples that begin as crowds.

A crowd spends most of its levels above the one at which it is clear which mode a sample is in.
There it shrinks by the same share from each level to the next, or, under noise that is not
Gaussian, stays as large as it is. Few levels follow, with a single particle. Under Gaussian noise
a tenth of the calls is left for the last level.

At and below the level that pixels vary by, the data pull every particle (`linear_response`), which
takes a second call each. At these levels a coordinate is decided that was not measured, but
follows from measured ones. Measured coordinates count as noisy as the level, and so leave it open;
without the pull it would stay as it then is. With the pull samples of smooth images in weak noise
(0.001, 100 calls) have 1.1 times the variance that they should have where a quarter of the pixels
was seen, and 1.6 times behind random projections; without it 1.4 and 2.6 times. Modes, which are
decided above these levels, come out as well with the calls that are left. With a network as the
prior, the pull changes small images a little for the better. It makes samples alone much worse,
because they have no weights to tell when they are pulled too far: those are not pulled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...problem import Problem
from .. import diffusion
from . import to_zero
from .plans import Plan, alone, down

Levels = tuple[float, ...]
Particles = tuple[int, ...]

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
LEVELS_SURROGATE = (2.0, 0.5)
"""Of a crowd under noise that is not Gaussian, which comes down the reverse SDE: so many, and so
many more for the root of the calls that it has."""
FALL, SHARE = 0.9, 0.12
"""Levels below such a crowd, over the same root, and at most, over the calls themselves."""
STAY, FEWER = 0.25, 0.0025
"""The share of the calls that is spent at the last level then, and at most, over the calls: where
they are few, modes come first."""
CROWDED = (0.36, 2.0)
"""The level at which a crowd begins, in units of the prior's radius, and of its deviation."""
DECIDED = 0.2
"""The level, in standard deviations of a pixel, below which it is clear which mode a sample is in.
"""
DECIDED_SURROGATE = 0.25
"""The same under noise that is not Gaussian."""
PULLED, ROOM = 1.0, 20
"""The level, in standard deviations of a pixel, from which on the data pull particles, and with
how many calls at least."""


def gaussian(
    problem: Problem[Any, Any],
    noise: diffusion.Range,
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
            above the prior, and those below what pixels vary by; False, none.
        particles: the most that there are per sample; None for as many as the calls allow.
        population: samples that interact.
    """
    finish = _way_of_crowds(problem, noise, calls)
    stay = max(calls // 10, 1)
    far = guided is not False and first > FAR * diffusion.radius(problem)
    first_pulls = min(round(0.4 * math.sqrt(calls)), MOST_PULLS) if far else int(guided is True)
    budget = calls - len(finish) - stay - first_pulls
    middle = _crowded(problem, noise, first)
    decided = _decided(problem, noise, middle, DECIDED)
    steep = math.ceil(STEEP * math.log(decided / noise.least))
    fall = max(round(0.2 * math.sqrt(budget)), min(steep, budget // 4)) if steep else 0

    pulled = PULLED * diffusion.deviation(problem)

    def way(count: int, most: int) -> tuple[Levels, Particles, Particles]:
        """Levels, particles and pulls, from below the first level to the last."""
        falling = down(decided, noise.least, fall + 1)[1:]
        levels = (*down(middle, decided, count), *falling, *(noise.least,) * stay)
        alive = (*_shrinking(count, most), *(1,) * (fall + stay))
        if guided is not None or calls < ROOM:
            return levels, alive, (int(bool(guided)),) * len(levels)
        return levels, alive, tuple(int(noise.least < level <= pulled) for level in levels)

    def cost(count: int, most: int) -> int:
        _, alive, pulls = way(count, most)
        return 1 - stay + sum(n * (1 + rounds) for n, rounds in zip(alive, pulls, strict=True))

    share = LEVELS if population == 1 else LEVELS_TOGETHER
    count, most = _filled(round(share * math.sqrt(budget)), budget, cost, particles)
    levels, alive, pulls = way(count, most)
    ones, none = (1,) * len(finish), (0,) * len(finish)
    return Plan(
        (first, *levels, *finish),
        (1, *alive, *ones),
        1 + len(levels),
        (first_pulls, *pulls, *none),
    )


def surrogate(
    problem: Problem[Any, Any],
    noise: diffusion.Range,
    first: float,
    calls: int,
    particles: int | None,
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
    finish = _way_of_crowds(problem, noise, calls)
    stay = max(round(min(STAY, FEWER * calls) * calls), 1)
    budget = calls - len(finish) - stay
    decided = _decided(problem, noise, top, DECIDED_SURROGATE)
    below = noise.least < decided < top
    if not below:
        decided = noise.least
    fall = max(round(min(FALL * math.sqrt(budget), SHARE * budget)), 1) if below else 1

    def cost(levels: int, most: int) -> int:
        return 1 + levels * most + fall

    count = round(LEVELS_SURROGATE[0] + LEVELS_SURROGATE[1] * math.sqrt(budget))
    count, most = _filled(count, budget, cost, particles)
    stay = calls - len(finish) - cost(count, most)
    at_top, at_end = int(top == first), int(not below)
    crowded = down(top, decided, at_top + count + at_end)[at_top : at_top + count]
    levels = (
        first,
        *crowded,
        *down(decided, noise.least, fall + 1)[1:],
        *(noise.least,) * stay,
    )
    alive = (1, *(most,) * count, *(1,) * (fall + stay + len(finish)))
    return Plan((*levels, *finish), alive, len(levels), (0,) * len(alive))


def _decided(
    problem: Problem[Any, Any], noise: diffusion.Range, top: float, share: float
) -> float:
    """The level, from its share of a deviation, at which it is clear which mode a sample is in."""
    return min(max(share * diffusion.deviation(problem), noise.least), top)


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


def _crowded(problem: Problem[Any, Any], noise: diffusion.Range, first: float) -> float:
    """The level at which a crowd begins."""
    width = max(CROWDED[0] * diffusion.radius(problem), CROWDED[1] * diffusion.deviation(problem))
    return max(min(width, first), noise.least)


def _way_of_crowds(
    problem: Problem[Any, Any], noise: diffusion.Range, n: int
) -> tuple[float, ...]:
    """Levels of the way to zero when a crowd comes before it, if n calls are all."""
    usual = min(max(n // 5, min(n // 2, 6)), to_zero.ENOUGH)
    return to_zero.levels(problem, noise, usual, n // 3)
