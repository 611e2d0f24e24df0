"""How far a run is, and a look now and then at whether its state is still sane.

Looking costs a pass over the state, so it happens when what is shown is refreshed, not at every
step. Between two steps the pixels that networks have done tell how far it is
(`networks.counted`): a step is taken for one call of a network on every image, and after the first
step for as many pixels as that one took. On a terminal it is shown as a bar, elsewhere as a line
now and then.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from tqdm import tqdm

from .errors import InputError
from .networks.counted import listening
from .trace import Trace

if TYPE_CHECKING:
    from .drive import Event

INTERVAL = 0.5
"""Seconds between two looks."""

LINES = 30.0
"""Seconds between two lines."""

COLUMNS, ROWS = 80, 20
"""Of terminals that do not say how large they are."""

Progress = bool | Literal["lines"] | None
"""Whether to show a bar, or lines; None is a bar if standard error is a terminal."""


class Watch:
    """Shows how far a run is, and has its state looked at."""

    def __init__(self, event: Event, trace: Trace, *, show: Progress) -> None:
        problem = event.problem
        rows = problem.samples * problem.measurements
        self._expected = max(1.0, rows * math.prod(problem.image_shape[-2:]))
        self._pixels = 0.0
        self._event = event
        self._trace = trace
        self._display = _display(event, show)
        self._next_look = self._next_show = time.monotonic() + INTERVAL
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Itself, listening."""
        self._held.enter_context(listening(self._hear))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._held.close()
        if self._display is not None:
            self._display.close()

    def see(self, event: Event) -> None:
        """Take note of a step, and look at it if it is time to."""
        self._expected, self._pixels = self._pixels or self._expected, 0.0
        self._event = event
        if time.monotonic() >= self._next_look:
            self.finish(event)
            self._next_look = time.monotonic() + INTERVAL

    def finish(self, event: Event) -> None:
        """Look at an event now.

        Raises:
            DivergenceError: the state holds values that are not finite.
        """
        self._show(event.step)
        self._trace.inspect(event)

    def _hear(self, pixels: float) -> None:
        """Some pixels more of the step that is being made."""
        self._pixels += pixels
        if self._pixels < self._expected and time.monotonic() >= self._next_show:
            self._show(round(self._event.step + self._pixels / self._expected, 2))
            self._next_show = time.monotonic() + INTERVAL

    def _show(self, done: float) -> None:
        if self._display is not None:
            self._display.show(done, self._event.sigma)


class _Display(Protocol):
    """What shows how far a run is."""

    def show(self, done: float, sigma: float | None, /) -> None:
        """So many steps are done, at this noise level."""

    def close(self) -> None:
        """The run is over."""


class _Bar:
    """A bar on a terminal."""

    def __init__(self, event: Event) -> None:
        columns, rows = (None, None) if _says_its_size() else (COLUMNS, ROWS)
        self._bar: tqdm[Any] = tqdm(
            desc=type(event.solver).__name__,
            total=event.steps,
            initial=event.step,
            unit="step",
            ncols=columns,
            nrows=rows,
        )

    def show(self, done: float, sigma: float | None, /) -> None:
        self._bar.n = done
        if sigma is not None:
            self._bar.set_postfix_str(f"sigma {sigma:.3g}", refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """A line every `LINES` seconds, for files and for whoever waits behind a pipe."""

    def __init__(self, event: Event) -> None:
        self._name, self._steps = type(event.solver).__name__, event.steps
        self._first, self._begun = event.step, time.monotonic()
        self._next = self._begun + LINES

    def show(self, done: float, sigma: float | None, /) -> None:
        now = time.monotonic()
        if now < self._next or done >= self._steps:
            return
        self._next = now + LINES
        line = f"{self._name}: {done:g} of {self._steps} steps after {_words(now - self._begun)}"
        if done > self._first:
            left = (now - self._begun) * (self._steps - done) / (done - self._first)
            line += f", about {_words(left)} left"
        print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        pass


def _display(event: Event, show: Progress) -> _Display | None:
    if show not in (True, False, None, "lines"):
        raise InputError(f"progress={show!r}: give True, False, 'lines', or None for a terminal's")
    if show == "lines":
        return _Lines(event)
    return _Bar(event) if (sys.stderr.isatty() if show is None else show) else None


def _says_its_size() -> bool:
    """Whether standard error is no terminal whose size is given as 0 x 0."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError):  # no terminal
        return True


def _words(seconds: float) -> str:
    """A time, roughly.

    >>> _words(42.4), _words(90), _words(3600), _words(200_000)
    ('42 seconds', '2 minutes', '60 minutes', '56 hours')
    """
    for length, unit in ((7200, "hour"), (90, "minute")):
        if seconds >= length:
            return f"{round(seconds / {'hour': 3600, 'minute': 60}[unit])} {unit}s"
    return f"{round(seconds)} second{'s'[: round(seconds) != 1]}"
