"""What a run returns."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from attrs import field, frozen
from torch import Tensor

from .contracts import AnySolver
from .errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@frozen
class Record:
    """One line of a run's history: the step, seconds since the start, and the noise level."""

    step: int
    seconds: float
    sigma: float | None


@frozen(eq=False)
class Result:
    """The outcome of `solve`.

    Attributes:
        samples: `(S, B, *image)`; S = 1 if no samples were asked for.
        steps: steps done, those before a resumed checkpoint included.
        stopped: why the run ended, in words.
        history: one `Record` for each step of this run.
        solver: which solver ran.
    """

    samples: Tensor = field(repr=lambda samples: str(tuple(samples.shape)))
    steps: int
    stopped: str
    history: tuple[Record, ...] = field(repr=False)
    solver: AnySolver | None = field(default=None, repr=False)

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

    def plot(self) -> Figure:
        """A figure of the estimate, and of the samples, their mean and spread if there are any."""
        from .plotting import plot_result

        return plot_result(self)

    def save(self, path: str | PathLike[str], /) -> None:
        """Write `x` of a single measurement to an image file, the format by its suffix."""
        from .images import write_image

        write_image(path, self.x)
