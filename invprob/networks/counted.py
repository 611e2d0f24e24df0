"""How many pixels networks have done, told to whoever waits for them.

One call of a network on a photograph of 12 megapixels takes a minute on a processor, and the loop
around it sees its end alone. So whoever does an image in pieces says after each of them how many
pixels that was, and whoever shows how far a run is may listen. Nothing is computed otherwise, and
neither knows the other.

    with listening(bar.update):
        solver.step(...)            # somewhere in it: count_pixels(n)

It is a context variable: a thread, or a task, hears its own pixels alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

_listener: ContextVar[Callable[[float], None] | None] = ContextVar("listener", default=None)


@contextlib.contextmanager
def listening(hear: Callable[[float], None], /) -> Iterator[None]:
    """Have `hear(pixels)` called after each piece that is done in the block.

    >>> heard = []
    >>> with listening(heard.append):
    ...     count_pixels(64)
    >>> count_pixels(64)
    >>> heard
    [64]
    """
    token = _listener.set(hear)
    try:
        yield
    finally:
        _listener.reset(token)


@contextlib.contextmanager
def each_of(calls: int, /) -> Iterator[None]:
    """In the block each pixel is done in so many calls, and counts a share in each.

    >>> heard = []
    >>> with listening(heard.append), each_of(8):
    ...     count_pixels(64)
    >>> heard
    [8.0]
    """
    hear = _listener.get()
    with contextlib.nullcontext() if hear is None else listening(lambda n: hear(n / calls)):
        yield


def count_pixels(pixels: float, /) -> None:
    """Say that so many pixels, of all images of a batch together, are done."""
    if (hear := _listener.get()) is not None:
        hear(pixels)
