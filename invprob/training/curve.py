"""The losses of a training run, in words, and in a table beside its checkpoint: FILE.csv.

A row has the mean loss of `WINDOW` steps, the last of them, and its learning rate (of the first
optimiser). It does not depend on when a run is saved or reported: with a budget in steps, and one
thread, equal seeds make equal files, of interrupted runs, too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from ..errors import InputError
from ..files import replacing

if TYPE_CHECKING:
    from .run import Run

WINDOW = 10
"""Steps in a row; the last row of a run may be of fewer."""

HEADER = "step,loss,rate"


def so_far(run: Run, losses: Sequence[float]) -> str:
    """Where a run is, and its losses since the last report: none if its budget was used up."""
    found = "no step was taken"
    if losses:
        found = f"loss {sum(losses) / len(losses):.4f} (worst {max(losses):.2f})"
    clock = f"{time.strftime('%H:%M:%S')} step {run.step}, {run.seconds:.0f} s ({run.used:.1%})"
    return f"{clock}: {found}"


def curve_file(checkpoint: Path) -> Path:
    """Where the losses of the run that a checkpoint keeps are written."""
    return checkpoint.with_suffix(".csv")


@frozen
class Curve:
    """A table of losses.

    Attributes:
        path: of its file.
    """

    path: Path

    def check(self) -> None:
        """Raise `InputError` if there is such a file which is no table of losses."""
        if self.path.is_file() and self._lines()[:1] != [HEADER]:
            raise InputError(
                f"{self.path} exists and has no losses of a training run, which would go there:"
                " name another file, or move this one away"
            )

    def go_on(self, step: int) -> None:
        """Keep the rows up to a step, from which a run goes on; rows that are not full go."""
        kept = [HEADER]
        for line in self._lines()[1:] if self.path.is_file() else []:
            number = line.partition(",")[0]
            if number.isdecimal() and int(number) <= step and int(number) % WINDOW == 0:
                kept.append(line)
        with replacing(self.path) as file:
            file.write("".join(f"{line}\n" for line in kept).encode())

    def see(self, run: Run, *, last: bool) -> None:
        """Add a row after a step that fills one, or is the last.

        A window that is full is emptied; one that is not is kept, for a run that ends and is
        then given a larger budget.
        """
        full = run.step % WINDOW == 0
        if full or last:
            rate = run.optimizers[0].param_groups[0]["lr"]
            mean = sum(run.window) / len(run.window)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(f"{run.step},{mean:.8g},{rate:.6g}\n")
        if full:
            run.window.clear()

    def _lines(self) -> list[str]:
        return self.path.read_text("utf-8", errors="replace").splitlines()
