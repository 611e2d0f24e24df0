"""What `invprob solve` solves with, made once for one image or for many."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from ..errors import IncompatibleError, InputError
from ..likelihoods.checks import LIFT
from .channels import channels_of
from .coefficients import read_coefficients

if TYPE_CHECKING:
    from torch import Tensor

    from ..callbacks import SaveEvery
    from ..problem import Problem
    from ..result import Result


@frozen(eq=False)
class Run:
    """The parts, and how often and from which seed.

    Attributes:
        prior: which images are likely.
        noise: how measurements arose; None if nobody said, see `unknown_noise`.
        solver: how to solve; `None` for the recommended one.
        samples: how many, as `solve` takes them.
        seed: of each image.
        black: the files' value that means 0.
        white: the one that means 1.
        device: where to compute; random numbers come from the processor, so that a seed means the
            same everywhere.
        operator: what came before a noise that nobody named, as text.
        least: what darker pixels of a measurement count as.
    """

    prior: Any
    noise: Any
    solver: Any = None
    samples: int | None = None
    seed: int = 0
    black: float = 0.0
    white: float | None = None
    device: Any = "cpu"
    operator: str | None = None
    least: float | None = None

    def problem(self, file: Path, page: int | None, *, warn: bool = True) -> Problem[Any, Any]:
        """What is to be solved for an image in a file.

        Args:
            file: where it is.
            page: which of the file.
            warn: whether to say that it is all too dark.

        Raises:
            InputError: the file can't be read, or holds no such measurement.
        """
        from ..pixels import read_pixels
        from ..problem import Problem
        from ..units import Unit

        unit, channels = Unit(self.black, self.white), channels_of(self.prior)
        y = read_coefficients(file, self.noise, self.black, self.white, channels)
        if y is None:
            y = unit.read(file, page, channels)
        if warn:
            unit.warn_if_dim()
        y = y if self.least is None else y.clamp(min=self.least)
        try:
            y = y.to(self.device)
            return self._without_targets(y) or Problem(self.prior, self.noise, y)
        except InputError as error:
            if LIFT not in error.typed:
                raise
            typed = error.typed.replace(LIFT, unit.lift(read_pixels(file, page, channels)))
            raise InputError(str(error), typed=typed) from error

    def _without_targets(self, y: Tensor) -> Problem[Any, Any] | None:
        """The problem without pixels far above white; None without such, or if none solves it."""
        from ..compatibility import check
        from ..problem import Problem
        from .targets import say_what_is_left_out, without_targets

        if (noise := without_targets(self.noise, y)) is None:
            return None
        try:
            problem = Problem(self.prior, noise, y)
            check(problem, self.method(problem)[0], samples=self.samples is not None)
        except (IncompatibleError, InputError):
            return None
        say_what_is_left_out(noise, y)
        return problem

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
        from .targets import with_targets, without_negatives

        try:
            result = solve(
                problem,
                method,
                samples=self.samples,
                seed=self.seed,
                resume=resume,
                callbacks=callbacks,
                progress=None if sys.stderr.isatty() else "lines",
            )
        except TypeError as error:
            if "float64" not in str(error):
                raise
            raise InputError(
                f"{method!r} takes numbers of 64 bits here, which --device {self.device} does not "
                "have; type --device cpu, or cuda"
            ) from error
        result = without_negatives(result, self.noise)
        return result if problem.likelihood is self.noise else with_targets(result, problem)
