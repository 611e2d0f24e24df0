"""What `invprob solve` solves with, made once for one image or for many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from ..errors import InputError

if TYPE_CHECKING:
    from ..callbacks import SaveEvery
    from ..problem import Problem
    from ..result import Result


@frozen(eq=False)
class Run:
    """The parts, and how often and from which seed.

    Attributes:
        prior: which images are likely.
        noise: how measurements arose.
        solver: how to solve; `None` for the recommended one.
        samples: how many, as `solve` takes them.
        seed: of each image.
        black: the files' value that means 0.
        white: the one that means 1.
        device: where to compute; random numbers come from the processor, so that a seed means the
            same everywhere.
    """

    prior: Any
    noise: Any
    solver: Any = None
    samples: int | None = None
    seed: int = 0
    black: float = 0.0
    white: float | None = None
    device: Any = "cpu"

    def problem(self, file: Path, page: int | None, *, warn: bool = True) -> Problem[Any, Any]:
        """What is to be solved for an image in a file.

        Args:
            file: where it is.
            page: which of the file.
            warn: whether to say that it is all too dark.

        Raises:
            InputError: the file can't be read, or holds no such measurement.
        """
        from ..problem import Problem
        from ..units import Unit

        unit = Unit(self.black, self.white)
        y = unit.read(file, page)
        if warn:
            unit.warn_if_dim()
        return Problem(self.prior, self.noise, y.to(self.device))

    def method(self, problem: Problem[Any, Any]) -> tuple[Any, str]:
        """The solver; and why this one, if it was not asked for."""
        from ..recommendation import recommend

        if self.solver is not None:
            return self.solver, ""
        advice = recommend(problem, samples=self.samples is not None)
        return advice.solver, f"{advice}"

    def solve(
        self,
        problem: Problem[Any, Any],
        method: Any,
        *,
        callbacks: Sequence[SaveEvery] = (),
        resume: Path | None = None,
    ) -> Result:
        """Solve it.

        Raises:
            InputError: the device does not have the numbers that this takes.
        """
        from ..drive import solve

        try:
            return solve(
                problem,
                method,
                samples=self.samples,
                seed=self.seed,
                resume=resume,
                callbacks=callbacks,
            )
        except TypeError as error:
            if "float64" not in str(error):
                raise
            raise InputError(
                f"{method!r} takes numbers of 64 bits here, which --device {self.device} does not "
                "have; type --device cpu, or cuda"
            ) from error
