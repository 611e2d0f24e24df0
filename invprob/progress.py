"""Progress bars, and a look now and then at whether the run is still sane.

Looking costs a pass over the state, so it happens when the bar is refreshed, not at every step.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import attrs
from torch import Tensor
from tqdm import tqdm

from .errors import DivergenceError

if TYPE_CHECKING:
    from .drive import Event

INTERVAL = 0.5
"""Seconds between two looks."""


class Watch:
    """Shows how far a run is, and stops it when its values are not finite any more."""

    def __init__(self, event: Event, *, show: bool | None) -> None:
        visible = sys.stderr.isatty() if show is None else show
        self._bar: tqdm[Any] = tqdm(
            desc=type(event.solver).__name__,
            total=event.steps,
            initial=event.step,
            unit="step",
            disable=not visible,
        )
        self._sane, self._largest = event.step, _largest(event.state)
        self._next = time.monotonic() + INTERVAL

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.close()

    def see(self, event: Event) -> None:
        """Look at an event if it is time to."""
        if time.monotonic() >= self._next:
            self.finish(event)
            self._next = time.monotonic() + INTERVAL

    def finish(self, event: Event) -> None:
        """Look at an event now.

        Raises:
            DivergenceError: the state holds values that are not finite.
        """
        self._bar.update(event.step - self._bar.n)
        if event.sigma is not None:
            self._bar.set_postfix_str(f"sigma {event.sigma:.3g}")
        largest = _largest(event.state)
        if not math.isfinite(largest):
            raise DivergenceError(self._diagnosis(event))
        self._sane, self._largest = event.step, largest

    def _diagnosis(self, event: Event) -> str:
        level = "" if event.sigma is None else f", noise level sigma={event.sigma:.4g}"
        cause = (
            f"the values had grown to {self._largest:.1e}, so the step size is too large"
            if self._largest > 1e3
            else "the denoiser or the likelihood returned such values"
        )
        return (
            f"{event.solver!r} produced values that are not finite between step {self._sane + 1} "
            f"and step {event.step} of {event.steps}{level}; likely cause: {cause}. Hold the loop "
            "yourself to find the step: for event in ip.iterate(problem, solver): ..."
        )


def _largest(state: Any) -> float:
    """The largest magnitude in a state, NaN or infinity if it holds any."""
    values = [float(t.abs().max()) for t in _tensors(state) if t.numel()]
    return math.nan if any(map(math.isnan, values)) else max(values, default=0.0)


def _tensors(state: Any) -> Iterator[Tensor]:
    for item in attrs.fields(type(state)):
        value = getattr(state, item.name)
        if isinstance(value, Tensor) and value.is_floating_point():
            yield value
