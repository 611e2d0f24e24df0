"""What crowds of particles have in common, whatever weighs them: the draw, and what is kept.

A crowd is the particles of one sample, and a group those of `population` samples.
"""

from __future__ import annotations

from typing import Any

import torch
from attrs import evolve, frozen
from torch import Tensor

from ...problem import Problem
from ...streams import Streams
from .particles import Groups
from .state import RestartState, padded


@frozen(eq=False)
class Draw:
    """Which particles go on.

    Attributes:
        chosen: numbers of the particles, in the order of `(B, particles)`, `(B * then,)`.
        weight: their log weights, `(B, then)`.
        copied: which of them are copies of one before, `(B * then,)`.
    """

    chosen: Tensor
    weight: Tensor
    copied: Tensor


def counts(state: RestartState) -> tuple[int, int]:
    """How many particles a row has now, and at the next level."""
    now, then = (int(count) for count in state.alive[state.done - 1 : state.done + 1])
    return now, then


def draw(
    problem: Problem[Any, Any],
    state: RestartState,
    weight: Tensor,
    population: int,
    streams: Streams,
) -> Draw:
    """Particles of the next level, in proportion to weights `(B, now)`; itself, if it is alone."""
    now, then = counts(state)
    rows = len(weight)
    if population * now == 1 and then == 1:
        everyone = torch.arange(rows, device=weight.device)
        return Draw(everyone, weight, torch.zeros_like(everyone, dtype=torch.bool))
    groups = Groups(problem.samples, problem.measurements, population)
    uniform = streams.uniform(weight[:, :1])[:, 0]
    stays = state.sigma == float(state.levels[state.done])
    chosen, weight = groups.draw(weight, uniform, then, always=stays)
    return Draw(chosen.flatten(), weight, _is_copy(chosen.flatten(), now * rows))


def keep(
    state: RestartState,
    particles: tuple[Tensor, Tensor],
    noise: Tensor,
    weight: Tensor,
    ahead: Tensor,
) -> RestartState:
    """The state at the next level.

    Args:
        state: the present one.
        particles: noisy and denoised ones, `(B * then, *image)`.
        noise: the normal numbers put in last, `(B * then, *spectral)`.
        weight: log weights, `(B, then)`.
        ahead: their look-ahead, `(B, then)`.
    """
    then, count = weight.shape[1], state.x.shape[1]
    x, denoised, noise = (value.view(-1, then, *value.shape[1:]) for value in (*particles, noise))
    return evolve(
        state,
        x=padded(x, count),
        noise=padded(noise, count),
        denoised=padded(denoised, count),
        weight=padded(weight, count),
        ahead=padded(ahead, count),
    )


def normal(streams: Streams, like: Tensor, then: int) -> Tensor:
    """Normal numbers of the shape of `(B * then, ...)`, each row's from its own stream."""
    return streams.normal(like.view(-1, then, *like.shape[1:])).flatten(0, 1)


def _is_copy(chosen: Tensor, end: int) -> Tensor:
    """Whether the same number below `end` stands before, `(N,)`."""
    place = torch.arange(len(chosen), device=chosen.device)
    first = place.new_full((end,), len(place)).scatter_reduce(0, chosen, place, "amin")
    return first[chosen] != place
