"""Progress bars, and a look now and then at whether the run's state is still sane.

Looking costs a pass over the state, so it happens when the bar is refreshed, not at every step.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tqdm import tqdm

from .trace import Trace

if TYPE_CHECKING:
    from .drive import Event

INTERVAL = 0.5
"""Seconds between two looks."""


class Watch:
    """Shows how far a run is, and has its state looked at."""

    def __init__(self, event: Event, trace: Trace, *, show: bool | None) -> None:
        visible = sys.stderr.isatty() if show is None else show
        self._bar: tqdm[Any] = tqdm(
            desc=type(event.solver).__name__,
            total=event.steps,
            initial=event.step,
            unit="step",
            disable=not visible,
        )
        self._trace = trace
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
        self._trace.inspect(event)
