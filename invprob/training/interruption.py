"""Ctrl-C that waits until the step at hand is done, so that what it leaves can be gone on from.

A step changes weights, their moving average and the optimisers one after the other: stopped within
it, a run would be none that can be resumed. SIGTERM, which batch systems, containers and `timeout`
send some seconds before they kill, waits in the same way. A second signal does not wait.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from ..errors import Terminated

USUAL: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""The signals that wait, and what handles each of them unless somebody else does."""


@contextlib.contextmanager
def interruption_held() -> Iterator[list[int]]:
    """What came while the block ran: a list that is empty unless there was Ctrl-C, or SIGTERM.

    Where signals are somebody else's business (another thread, a handler of the caller's, or none
    since the program runs in the background) all stays as it is.

    Raises:
        KeyboardInterrupt: there was a second one.
        Terminated: the same, of SIGTERM.

    >>> with interruption_held() as came:
    ...     done = 1 + 1
    >>> came
    []
    """
    came: list[int] = []

    def note(number: int, _: object) -> None:
        if came:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
        came.append(number)
        tqdm.write("stopping after this step; once more stops at once", file=sys.stderr)

    ours = threading.current_thread() is threading.main_thread()
    held = [n for n, usual in USUAL.items() if ours and signal.getsignal(n) is usual]
    for number in held:
        signal.signal(number, note)
    try:
        yield came
    finally:
        for number in held:
            signal.signal(number, USUAL[number])
