"""How `Restart` spends its calls: noise levels, and how many particles there are at each.

First one level far above the prior's size, where every level says the same. Then geometric levels
from about half of that size to the least noise of the measurement (those of crowds are in
`crowd_plans`). Then restarts at the last level; then the way to zero (`to_zero`).

A sample alone can have too many restarts: a network makes the same small errors in each, and they
add up. Hundreds of whole restarts cost deblurred photos, and photos under speckle, up to 3 dB. So
if there are more than 64, each is shorter. There is a second reason for short ones. As the level
falls below the noise of a coordinate, the data begin to leave that coordinate free, and a whole
restart takes away what it still varies by: deblurred photos had a third too little spread. So
while levels fall, restarts are short in coordinates that were measured. In the others whole ones
are better by half a decibel.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from attrs import frozen
from torch import Tensor

from ... import schedules
from ...compatibility import lacks
from ...contracts import HasLikelihood
from ...errors import InputError
from ...problem import Problem
from .. import diffusion
from . import to_zero

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
    "and vary by a third too much or too little. Restart() takes 100"
)
WHOLE = 64.0
"""So many whole restarts are as far as all those of a sample alone go together."""
MEASURED, MEASURED_LOCALLY = 0.85, 0.7
"""The least kappa of what was measured, while levels fall; and where noise is not Gaussian."""


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
    """Samples of one particle each; a quarter of the restarts are at the last level."""
    usual = min(max(calls // 4, 6), to_zero.ENOUGH)
    finish = to_zero.levels(problem, noise, usual, calls // 2)
    count = calls - len(finish)
    stay, middle = count // 4, _middle(problem, noise, first)
    levels = (first,) if middle < first else ()
    falling = down(middle, noise.least, count - stay - len(levels))
    levels = (*levels, *falling, *(noise.least,) * stay, *finish)
    return Plan(levels, (1,) * len(levels), count, (0,) * len(levels))


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


def _middle(problem: Problem[Any, Any], noise: diffusion.Range, first: float) -> float:
    """The second level: half of the prior's radius."""
    return max(min(diffusion.radius(problem) / 2, first), noise.least)


def down(highest: float, least: float, count: int) -> tuple[float, ...]:
    """Geometric levels, both ends included."""
    falls = count > 1 and least < highest
    return schedules.geometric(highest, least, count) if falls else (least,) * count
