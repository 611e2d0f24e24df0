"""Ctrl-C that waits until the step at hand is done, so that what it leaves can be gone on from.

A step changes weights, their moving average and the optimisers one after the other: stopped within
it, a run would be none that can be resumed. A second Ctrl-C does not wait.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

from tqdm import tqdm


@contextlib.contextmanager
def interruption_held() -> Iterator[list[int]]:
    """What came while the block ran: a list that is empty unless there was a Ctrl-C.

    Where signals are somebody else's business (another thread, a handler of the caller's, or none
    since the program runs in the background) all stays as it is.

    Raises:
        KeyboardInterrupt: there was a second one.

    >>> with interruption_held() as came:
    ...     done = 1 + 1
    >>> came
    []
    """
    came: list[int] = []

    def note(number: int, _: object) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)
        tqdm.write("stopping after this step; once more stops at once", file=sys.stderr)

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield came
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
