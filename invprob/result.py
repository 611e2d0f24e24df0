"""What a run returns, and how to tell whether it can be believed.

Two indicators, for any likelihood and any solver; neither needs the clean image.

* **Misfit.** Measure the result again, with new noise, and compare: the true measurement's squared
  distance from the mean of such simulated ones, over their variance, summed over the entries,

      misfit = sum (y - E[y' | x])² / sum Var[y' | x].

  It is 1 for a sample of p(x | y), because (x, y) then have their joint distribution, give or take
  sqrt(2 / n) for n entries with independent noise. An estimate that averages lies closer to y: a
  little less is right then. Far less means that the noise was fitted, more that the data were not.
  Noise that is weak enough to be taken for detail stays in an estimate: small misfits are normal
  under it.
* **Change and mixing.** The last step's change for methods that converge to a point, split R-hat
  for samplers that stay at a noise level: see `trace`.
"""

from __future__ import annotations

import math
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from attrs import field, frozen
from torch import Generator, Tensor

from .contracts import AnySolver, Likelihood
from .errors import InputError
from .problem import Problem
from .streams import generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIMULATED = 8
"""How many measurements the misfit simulates."""

TRUSTED = 0.5, 2.0
"""A misfit outside of this is said to be wrong."""

WEAK = 0.03
"""Noise of a smaller deviation may well stay in an estimate, whose misfit is small then."""


@frozen
class Record:
    """One line of a run's history.

    Attributes:
        step: which step.
        seconds: since the start.
        sigma: the noise level, if the solver has one.
        change: how far the estimate moved, root mean square, of the row that moved most.
    """

    step: int
    seconds: float
    sigma: float | None
    change: float


@frozen(eq=False)
class _Misfit:
    """The misfit of each measurement, how far noise moves their mean from 1, and its deviation."""

    misfit: Tensor
    error: float
    noise: float

    def lines(self) -> list[str]:
        """The figure, and a sentence if it is far from 1 and noise alone can't have done that."""
        found = float(self.misfit.mean())
        lines = [
            f"misfit {found:.3f}: the data's distance from what the result predicts; noise "
            f"alone gives 1 ± {self.error:.2g}"
        ]
        surely = abs(found - 1) > 5 * self.error
        if surely and found > TRUSTED[1]:
            lines.append(
                "this result does not explain the data: they are too far from it. Likely the "
                "noise is stronger than was said, or the operator or the unit of y is another"
            )
        elif surely and found < TRUSTED[0] and self.noise > WEAK:
            lines.append(
                "this result does not explain the data: such noise would leave them farther from "
                "it. Likely the noise is weaker than was said (a smaller level, a larger peak)"
            )
        return lines


@frozen(eq=False)
class Result:
    """The outcome of `solve`; `print(result)` says what happened and whether to believe it.

    Attributes:
        samples: `(S, B, *image)`; S = 1 if no samples were asked for.
        steps: steps done, those before a resumed checkpoint included.
        stopped: why the run ended, in words.
        history: one `Record` for each step of this run.
        solver: which solver ran.
        problem: what it solved, one row for each sample and measurement.
        mixing: split R-hat of the samples' chains where they stayed at one noise level; 1 is
            mixed. `None` for other runs and for a single sample.
    """

    samples: Tensor = field(repr=lambda samples: str(tuple(samples.shape)))
    steps: int
    stopped: str
    history: tuple[Record, ...] = field(repr=False)
    solver: AnySolver | None = field(default=None, repr=False, kw_only=True)
    problem: Problem[Any, Any] | None = field(default=None, repr=False, kw_only=True)
    mixing: float | None = field(default=None, repr=False, kw_only=True)

    @property
    def x(self) -> Tensor:
        """The one image to look at, `(B, *image)`: the estimate, or the samples' mean."""
        return self.samples[0] if self.samples.shape[0] == 1 else self.mean

    @property
    def mean(self) -> Tensor:
        """The samples' mean, `(B, *image)`: an estimate of the posterior mean."""
        return self.samples.mean(dim=0)

    @property
    def std(self) -> Tensor:
        """The samples' standard deviation in each pixel, `(B, *image)`; needs two samples."""
        if self.samples.shape[0] < 2:
            raise InputError(
                "one sample has no standard deviation; ask for more: solve(..., samples=8)"
            )
        return self.samples.std(dim=0)

    @property
    def change(self) -> float | None:
        """How far the last step moved the estimate, in the unit of the image."""
        return self.history[-1].change if self.history else None

    def misfit(self) -> Tensor | None:
        """How far y is from what the samples predict, over what noise does; about 1, `(B,)`.

        Computed when asked for, from 8 simulated measurements of each sample; where noise of a
        brightness can't be of a negative pixel, it is taken for black. `None` where nothing was
        measured.
        """
        return None if (found := self._simulate()) is None else found.misfit

    def _simulate(self) -> _Misfit | None:
        """The misfit, and what it takes to judge it."""
        if self.problem is None:
            return None
        likelihood = self.problem.likelihood
        assert isinstance(likelihood, Likelihood)
        x, y = self.samples.flatten(0, 1).cpu(), self.problem.y.cpu()
        draw = generator(0)
        simulated = [_measure(likelihood, x, draw) for _ in range(SIMULATED)]
        variance, mean = torch.var_mean(torch.stack(simulated).double(), 0)
        measured = variance > 0
        expected = (1 + 1 / SIMULATED) * self._per_measurement(variance)
        found = self._per_measurement((y - mean).square() * measured)
        if not bool((expected > 0).all()):
            return None
        error = math.sqrt(2 * len(self.samples) / int(measured.sum()))
        return _Misfit(found / expected, error, float(variance[measured].mean().sqrt()))

    def _per_measurement(self, values: Tensor) -> Tensor:
        """The mean over samples and entries, `(B,)`."""
        return values.reshape(*self.samples.shape[:2], -1).mean((0, 2))

    def plot(self) -> Figure:
        """A figure of the estimate, and of the samples, their mean and spread if there are any."""
        from .plotting import plot_result

        return plot_result(self)

    def save(self, path: str | PathLike[str], /) -> None:
        """Write `x` of a single measurement to an image file, the format by its suffix."""
        from .images import write_image

        write_image(path, self.x)

    def __str__(self) -> str:
        """What ran, why it ended, and the indicators."""
        count, measurements, *shape = self.samples.shape
        what = f"{count} samples" if count > 1 else "one image"
        took = f" in {self.history[-1].seconds:.1f} s" if self.history else ""
        name = f"{self.solver!r} " if self.solver is not None else ""
        lines = [
            f"{name}{self.stopped}{took}",
            f"{what} of {measurements} measurement{'s'[: measurements > 1]}, {tuple(shape)}",
        ]
        if found := self._simulate():
            lines += found.lines()
        if self.mixing is not None:
            lines.append(
                f"split R-hat {self.mixing:.2f}: near 1 the samples' chains mix; far above, they "
                "are where the annealing left them, so compare a longer run"
            )
        elif self.change is not None and self.solver is not None and not self.solver.stochastic:
            lines.append(f"last change {self.change:.2g}: how far the last step moved the image")
        return "\n".join(lines)


def _measure(likelihood: Likelihood, x: Tensor, draw: Generator) -> Tensor:
    try:
        return likelihood.sample(x, draw)
    except InputError:
        return likelihood.sample(x.clamp(min=0), draw)
