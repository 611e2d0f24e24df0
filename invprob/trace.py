"""What a run does to the image, step by step: how far it moves, if it stays sane, if it mixes.

* The *change* of a step is the root mean square over the pixels by which the estimate moved, of
  the row of the batch that moved most. Methods that converge to a point bring it to zero.
* A run whose estimate is not finite is stopped at that step; the last sensible estimate is kept
  for the error. The other tensors of the state are looked at now and then only, at a pass each.
  A run that ends a thousand times farther out than white, the data, the start and the prior's own
  images has run away as well, to numbers that only happen to be finite.
* Samplers do not converge to a point. Those that stay at one noise level for a while (`Restart`)
  are Markov chains there, and split R-hat (see `diagnostics.chains`) compares, for a few random
  projections of the estimate, the spread within the halves of each chain to the spread between
  them. The longest stay of the run counts; shorter ones than 8 steps say nothing, nor do chains
  that were chosen among others before (`state.chained` is false): that they do not cross from
  mode to mode is no fault then.

The passes over the image take about a thousandth of a denoiser call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs
import torch
from torch import Tensor

from .contracts import HasMoments, ScoresMeasurement
from .diagnostics.chains import LEAST_DRAWS, split_rhat
from .errors import DivergenceError
from .operators.adjoint_check import operators_from_outside
from .streams import generator

if TYPE_CHECKING:
    from .drive import Event
    from .problem import Problem

SENSIBLE = 10.0
"""An estimate is sensible up to so many times the largest value at the start, or of an image."""

BEYOND = 1e3
"""An estimate that is so many times the largest known value is no image of anything."""

DIRECTIONS = 4
MANY = 2**20
"""Entries that are enough for a projection: of larger images every second one counts, or third,
and so on, or the projections would take as much memory as the samples."""


class Trace:
    """Follows the estimate through a run."""

    def __init__(self, event: Event) -> None:
        self._estimate = self._best = event.estimate()
        self._largest = _largest(self._estimate)
        self._limit = SENSIBLE * max(1.0, self._largest)
        self._beyond = BEYOND * max(1.0, self._largest, *_known(event.problem))
        self._sane = self._best_step = event.step
        several = event.solver.stochastic and event.problem.samples > 1
        chained = several and getattr(event.state, "chained", True)
        self._stay = _Stay(event) if chained else None

    def see(self, event: Event) -> float:
        """The change of this step; called at every step.

        Raises:
            DivergenceError: the estimate holds values that are not finite.
        """
        estimate = event.estimate()
        moved = (estimate - self._estimate).flatten(1).square().mean(1).max().sqrt()
        change, largest = torch.stack((moved, estimate.abs().max())).tolist()
        if not math.isfinite(largest):
            raise self._diverged(event)
        if largest <= self._limit:
            self._best, self._best_step = estimate, event.step
        self._estimate, self._largest, self._sane = estimate, largest, event.step
        if self._stay is not None:
            self._stay.see(event, estimate)
        return float(change)

    def inspect(self, event: Event) -> None:
        """Look at the whole state; called now and then.

        Before the first step some numbers of a state are infinite, as the least objective so far.

        Raises:
            DivergenceError: it holds values that are not finite.
        """
        if event.step > 0 and not all(
            math.isfinite(_largest(tensor)) for tensor in _tensors(event.state)
        ):
            raise self._diverged(event)

    def finish(self, event: Event) -> None:
        """Look at the last estimate.

        Raises:
            DivergenceError: it is far beyond what images are.
        """
        if self._largest > self._beyond:
            raise DivergenceError(
                f"{event.solver!r} ended, after step {event.step} of {event.steps}"
                f"{_level(event)}, at values up to {self._largest:.1e}: more than {BEYOND:.0f} "
                "times white, y and the start, and no image; likely cause: "
                f"{_why_it_grew(event)}. {self._kept()}",
                step=self._best_step,
                best=self._best,
            )

    def mixing(self) -> float | None:
        """Split R-hat over the longest stay at one noise level, the worst of all projections."""
        return None if self._stay is None else self._stay.rhat()

    def _diverged(self, event: Event) -> DivergenceError:
        where = f"{'in or before' if self._sane == event.step else 'in'} step {event.step}"
        cause = "the denoiser or the likelihood returned such values"
        if self._largest > BEYOND:
            cause = f"the values had grown to {self._largest:.1e}, so {_why_it_grew(event)}"
        return DivergenceError(
            f"{event.solver!r} produced values that are not finite {where} of {event.steps}"
            f"{_level(event)}; likely cause: {cause}. {self._kept()}",
            step=self._best_step,
            best=self._best,
        )

    def _kept(self) -> str:
        return (
            f"The best estimate so far, that of step {self._best_step}, is in the error: "
            "`error.best`"
        )


class _Stay:
    """The projections of the estimates along the longest stay at one noise level."""

    def __init__(self, event: Event) -> None:
        problem = event.problem
        self._rows = (problem.samples, problem.measurements)
        self._every = -(-math.prod(problem.image_shape) // MANY)
        size = len(range(0, math.prod(problem.image_shape), self._every))
        axes = torch.randn(size, DIRECTIONS, generator=generator(0), dtype=torch.float64)
        self._axes = axes.to(problem.y) / math.sqrt(size)
        self._sigma: float | None = None
        self._now: list[Tensor] = []
        self._longest: list[Tensor] = []

    def see(self, event: Event, estimate: Tensor) -> None:
        if event.sigma is None or event.sigma != self._sigma:
            self._sigma, self._now = event.sigma, []
            return  # this estimate is that of the level before
        self._now.append(estimate.flatten(1)[:, :: self._every] @ self._axes)
        if len(self._now) > len(self._longest):
            self._longest = self._now

    def rhat(self) -> float | None:
        if len(self._longest) < LEAST_DRAWS:
            return None
        draws = torch.stack(self._longest).cpu().double()
        draws = draws.reshape(len(draws), *self._rows, DIRECTIONS)
        return float(split_rhat(draws.movedim(0, 1)).max())


def _level(event: Event) -> str:
    return "" if event.sigma is None else f", noise level sigma={event.sigma:.4g}"


def _why_it_grew(event: Event) -> str:
    if ScoresMeasurement in event.solver.needs.prior:
        return "the score of y belongs to no image; was it learned from such noise?"
    for operator in operators_from_outside(event.problem.likelihood):
        return (
            f"the adjoint of {operator!r} is not that of its forward "
            "(`invprob.testing.conforms(operator)` tries it), or the step size is too large"
        )
    return "the step size is too large, or the denoiser makes images brighter"


def _known(problem: Problem[Any, Any]) -> list[float]:
    """Largest values that the data have, and the prior's images if it knows."""
    known = [_largest(problem.y)]
    if isinstance(problem.prior, HasMoments):
        mean, size = problem.prior.moments()
        known += [_largest(mean), size / math.sqrt(math.prod(problem.image_shape))]
    return known


def _largest(tensor: Tensor) -> float:
    """The largest magnitude, NaN or infinity if there are any."""
    return float(tensor.abs().max()) if tensor.numel() else 0.0


def _tensors(state: Any) -> Iterator[Tensor]:
    for item in attrs.fields(type(state)):
        value = getattr(state, item.name)
        if isinstance(value, Tensor) and value.is_floating_point():
            yield value
