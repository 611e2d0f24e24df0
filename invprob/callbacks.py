"""Callbacks and stop rules.

A callback is called with every `Event` and changes nothing; a stop rule is a callback that returns
whether to stop. Any function will do; these are the ones that most runs want.
"""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import Any

from attrs import field, frozen

from .checkpoint import save_checkpoint
from .drive import Event
from .errors import CheckpointError, CheckpointWarning, InputError
from .files import check_writable


def _positive(_: object, attribute: object, value: Any) -> None:
    if not value > 0:
        raise InputError(f"{getattr(attribute, 'name', 'value')}={value}: it must be positive")


@frozen
class SaveEvery:
    """Write a checkpoint every so many steps, at the last, where a stop rule ends, and on Ctrl-C.

    The file is replaced atomically: killed at any moment, the run leaves a valid one. A disk that
    is full costs a `CheckpointWarning`; the run goes on and the previous checkpoint survives.

    Args:
        steps: how many steps from one checkpoint to the next.
        path: the file.

    Raises:
        InputError: steps is not positive, or the file can't be written.

    >>> import invprob as ip
    >>> ip.SaveEvery(50, "run.ckpt")
    SaveEvery(steps=50, path='run.ckpt')
    """

    steps: int = field(validator=_positive)
    path: str | PathLike[str] = field(repr=lambda path: repr(str(path)))

    def __attrs_post_init__(self) -> None:
        path = Path(self.path)
        folder = path.absolute().parent
        if not folder.is_dir():
            raise InputError(f"checkpoints can't go to {str(self.path)!r}: {folder} is no folder")
        check_writable(path)

    def __call__(self, event: Event, /) -> None:
        """Save, if it is time to."""
        if event.step and (event.step % self.steps == 0 or event.finished):
            self._try_to_save(event)

    def stopped(self, event: Event, /) -> None:
        """Save what a stop rule ends."""
        if event.step % self.steps:
            self._try_to_save(event)

    def _try_to_save(self, event: Event) -> None:
        try:
            save_checkpoint(self.path, event)
        except CheckpointError as error:
            warnings.warn(f"{error}; the run goes on", CheckpointWarning, stacklevel=3)

    def interrupted(self, event: Event, /) -> str:
        """Save now, and say how to go on."""
        save_checkpoint(self.path, event)
        return f"go on with resume={str(self.path)!r}"


@frozen
class StopAfter:
    """A stop rule: so many seconds after the start of the run.

    Args:
        seconds: the time to spend.

    >>> import invprob as ip
    >>> ip.StopAfter(60)
    StopAfter(seconds=60)
    """

    seconds: float = field(validator=_positive)

    def __call__(self, event: Event, /) -> bool:
        """Whether the time is over."""
        return event.seconds >= self.seconds
