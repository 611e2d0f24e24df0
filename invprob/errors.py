"""What can go wrong, by name.

Every message says what came in, why it can't be, and what to type instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class InvprobError(Exception):
    """Root of everything that invprob raises on purpose.

    Attributes:
        typed: what to type instead on the command line, where the message speaks Python.
    """

    def __init__(self, message: str = "", /, *, typed: str = "") -> None:
        super().__init__(message)
        self.typed = typed


class InputError(InvprobError, ValueError):
    """A value that can't be right: a shape, a range, a parameter, a file."""


class IncompatibleError(InvprobError, TypeError):
    """A solver met a prior or a likelihood that lacks something it needs."""


class UnknownNameError(InvprobError, KeyError):
    """No component of that name."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        """The message, not its repr."""
        return str(self.args[0]) if self.args else ""


class CheckpointError(InvprobError):
    """A checkpoint that can't be written, read, or used for this problem."""


class WeightsError(InvprobError):
    """A weight file that is missing, damaged or made for another network."""


class DivergenceError(InvprobError, ArithmeticError):
    """A run produced values that are not finite, or ended far beyond what images are.

    Attributes:
        best: the last sensible estimate before, `(rows, *image)`, `None` if there is none.
        step: after how many steps it was reached.
    """

    def __init__(self, message: str, *, step: int = 0, best: Tensor | None = None) -> None:
        super().__init__(message)
        self.step, self.best = step, best


class Terminated(KeyboardInterrupt):
    """SIGTERM, which batch systems, containers and `timeout` send, in place of Ctrl-C."""


class PluginError(InvprobError):
    """A plugin is broken, and `INVPROB_STRICT=1` asked to be told at once."""


class PluginWarning(UserWarning):
    """A plugin is broken and was left out."""


class NoiseWarning(UserWarning):
    """The noise is likely not what was said, or not what a score was learned from."""


class FileWarning(UserWarning):
    """A file does not keep, or does not say, all that was meant to be in it."""


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written; the run goes on and the previous one is intact."""
