"""What a run returns, and how to tell whether it can be believed.

Two indicators, for any likelihood and any solver; neither needs the clean image.

* **Misfit and echo.** Measure the result again, with new noise, and compare: is the true
  measurement as far from what the result predicts as the simulated ones are, and is the rest of it
  as white? See `misfit`.
* **Change and mixing.** The last step's change for methods that converge to a point, or what the
  solver itself says of how far it got; split R-hat for samplers that stay at a noise level: see
  `trace`.
"""

from __future__ import annotations

from copy import deepcopy
from os import PathLike
from typing import TYPE_CHECKING, Any

from attrs import field, fields, frozen
from torch import Tensor

from .contracts import AnySolver, HasLogProb, Likelihood, SamplesPosterior, TakesExact
from .doubts import Origin, lines
from .errors import InputError
from .misfit import Misfit, simulated
from .problem import Problem, domain_of
from .solvers.data_noise import noise_of
from .stored import Unstored, had, storable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MANY = 2**25
"""Numbers that are enough to know a misfit: of so large samples the first few are judged."""


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
class Result:
    """The outcome of `solve`; `print(result)` says what happened and whether to believe it.

    It can be pickled, and so stored by `torch.save` and sent to another process (`torch.load(file,
    weights_only=False)`). Images, history and figures are kept. A prior, likelihood or solver that
    holds what can't be pickled, a lambda for one, leaves its repr in its place, and an error says
    so where it is used: in a run of `problem`, or in `misfit()` without the likelihood.

    Attributes:
        samples: `(S, B, *image)`; S = 1 if no samples were asked for.
        steps: steps done, those before a resumed checkpoint included.
        stopped: why the run ended, in words.
        history: one `Record` for each step of this run.
        solver: which solver ran.
        problem: what it solved, one row for each sample and measurement.
        mixing: split R-hat of the samples' chains where they stayed at one noise level; 1 is
            mixed. `None` for other runs, for a single sample, and for the survivors of crowds.
        remark: what the solver says of how far the run got; empty if it says nothing.
        finished: whether the run came to its end; false if `stop` ended it before.
    """

    samples: Tensor = field(repr=lambda samples: str(tuple(samples.shape)))
    steps: int
    stopped: str
    history: tuple[Record, ...] = field(repr=False)
    solver: AnySolver | None = field(default=None, repr=False, kw_only=True)
    problem: Problem[Any, Any] | None = field(default=None, repr=False, kw_only=True)
    mixing: float | None = field(default=None, repr=False, kw_only=True)
    remark: str = field(default="", repr=False, kw_only=True)
    finished: bool = field(default=True, repr=False, kw_only=True)

    def __getstate__(self) -> dict[str, Any]:
        state = {one.name: getattr(self, one.name) for one in fields(Result)}
        return state | {name: storable(state[name]) for name in ("problem", "solver")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Result:
        """With all parts: functions can be shared."""
        named = {one.name: getattr(self, one.name) for one in fields(Result)}
        return Result(**deepcopy(named, memo))

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

        Computed when asked for, from what is known of Gaussian noise, and from 8 simulated
        measurements of each sample under other noise; where noise of a brightness can't be of a
        negative pixel, it is taken for black. `None` where nothing was measured.

        Raises:
            InputError: the likelihood was left out when this result was stored.
        """
        return None if (found := self._simulate()) is None else found.misfit

    def _simulate(self) -> Misfit | None:
        """The misfit, and what it takes to judge it."""
        if self.problem is None:
            return None
        likelihood = self.problem.likelihood
        if isinstance(likelihood, Unstored):
            raise InputError(likelihood.why)
        assert isinstance(likelihood, Likelihood)
        count = min(len(self.samples), max(1, MANY // self.samples[0].numel()))
        x = self.samples[:count].flatten(0, 1)
        return simulated(likelihood, x, self.problem.y[: len(x)].cpu(), samples=count)

    def plot(self, *, measured: bool = False) -> Figure:
        """A figure of the estimate, and of the samples, their mean and spread if there are any.

        `invprob.plotting.panel` makes figures of other images.

        Args:
            measured: whether to show the measurement as well, where it is an image.
        """
        from .plotting import plot_result

        return plot_result(self, measured=measured)

    def save(self, path: str | PathLike[str], /) -> None:
        """Write `x` of a single measurement to an image file, the format by its suffix."""
        from .images import write_image

        write_image(path, self.x)

    def in_a_line(self) -> str:
        """What ran and the misfit, and what is wrong with it if it does not explain the data."""
        doubts = self._judged()
        said = [self._ran(), *(doubts[0].split(":")[:1] if doubts else []), *doubts[1:]]
        return "; ".join([*said, self.remark] if self.remark else said)

    def __str__(self) -> str:
        """What ran, why it ended, and the indicators."""
        count, measurements, *shape = self.samples.shape
        what = f"{count} samples" if count > 1 else "one image"
        lines = [
            self._ran(),
            f"{what} of {measurements} measurement{'s'[: measurements > 1]}, {tuple(shape)}",
            *self._judged(),
        ]
        if self.remark:
            lines.append(self.remark)
        if self.mixing is not None:
            lines.append(
                f"split R-hat {self.mixing:.2f}: near 1 the samples' chains mix; far above, they "
                "are where the annealing left them, so compare a longer run"
            )
        elif self.change is not None and self._descended and not self.remark:
            lines.append(f"last change {self.change:.2g}: how far the last step moved the image")
        return "\n".join(lines)

    @property
    def _descended(self) -> bool:
        """Whether the last of several steps tells how far the image still moves."""
        solver = self.solver
        return self.steps > 1 and solver is not None and not solver.stochastic

    def _ran(self) -> str:
        took = f" in {self.history[-1].seconds:.1f} s" if self.history else ""
        name = f"{self.solver!r} " if self.solver is not None else ""
        return f"{name}{self.stopped}{took}"

    def _least(self, found: Misfit) -> float:
        """The least noise that the prior knows, in y's unit; 0 where it does not matter."""
        if self.problem is None or float(found.misfit.mean()) <= 1:
            return 0.0
        least = domain_of(self.problem.prior).sigma[0]
        if not 0 < (noise := noise_of(self.problem)) < least:
            return 0.0
        return least * found.noise / noise

    def _judged(self) -> list[str]:
        """The misfit, and a sentence for each indicator that is wrong; empty if there is none."""
        if self.problem is not None and isinstance(self.problem.likelihood, Unstored):
            return [f"no misfit: {self.problem.likelihood.why}"]
        if not (found := self._simulate()):
            return []
        count, solver = self.samples.shape[0], self.solver
        sampled = count > 1 if solver is None else solver.stochastic
        direct = self.problem is not None and had(self.problem.prior, SamplesPosterior)
        direct = direct and (solver is None or SamplesPosterior in solver.needs.prior)
        sampled = sampled and not (direct and self.steps > 1)  # a mean of draws estimates
        origin = Origin(
            sampled=sampled,
            loose=self.problem is not None and had(self.problem.prior, HasLogProb),
            steps=None if direct else self.steps,
            mixing=self.mixing,
            exact=solver.exact_below() if isinstance(solver, TakesExact) else 0.0,
            finished=self.finished,
            least=0.0 if sampled else self._least(found),
        )
        said = lines(found, origin)
        remark = found.remark(domain_of(self.problem.prior).sigma[0]) if self.problem else None
        return said if remark is None else [*said, remark]
