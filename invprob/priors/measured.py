r"""The score of noisy images as a prior: what can be learnt without a single clean image.

All that `ScoreEquation` needs to know is ∇ log p(y), the score of the *measurement's* density. A
network learns it from noisy images by denoising score matching: with u ~ N(0, I) and a small a,

    E ‖u + a S(y + a u)‖²    is least for    S = the score of p(y) * N(0, a² I).

`invprob train score` does, and `load` reads what it wrote; `training.score` says how, and what a
does. Three things to know about such a score:

* It is not `score` of a prior over clean images, hence the other name, `measurement_score`.
* It belongs to one noise at one level. Another noise needs another network; a score from a file
  that is solved with another likelihood warns.
* `a` must not be too small for data on a lattice. Counts divided by a peak have the spacing
  1 / peak; for `a` well below it the smoothed density is a comb, whose score at a count is 0, and
  nothing is denoised. Take `a` at 0.6 to 0.8 of the spacing. On continuous data any small `a` will
  do.

**Counts.** The score equation makes the geometric mean exp E[log x | y] of Poisson counts.
Robbins' identity knows the posterior mean,

    E[x_i | y] = (y_i + 1/peak) p(y + e_i/peak) / p(y),        e_i: pixel i, and no other,

in which the ratio is a finite difference of log p. By the midpoint rule it is the score half a
count above, log p(y + e_i/peak) - log p(y) ≈ s_i(y + h e_i) / peak with h = 1/(2 peak), and
`MeasuredPrior.of_counts` returns the score for which the Poisson score equation has that solution:

    s'_i(y) = s_i(y + h e_i) + peak (log(peak y_i + 1) - digamma(peak y_i + 1)).

To raise one pixel at a time would take a call for each. If all were raised at once, the others
would pull the answer up by nearly half a count, since they tell what pixel i should be. So the
score is called twice, with h c added, and with it subtracted: c is 1 and -1 in turn, as on a
checkerboard. Each pixel gets its score from the call that raised it. In that call as many of its
neighbours were lowered as raised, and what they say of it stays as it was.

References: H. Robbins (1956). An empirical Bayes approach to statistics. P. Vincent (2011). A
connection between score matching and denoising autoencoders. Y. Xie, M. Yuan, B. Dong, Q. Li
(2023). Unsupervised Image Denoising with Score Function. NeurIPS. https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import Domain
from ..errors import InputError, NoiseWarning
from ..networks.stored_score import StoredScore
from ..networks.tiles import Tile
from ..networks.weights_file import digest_of
from ..problem import domain_of
from .own_network import check_at_rest, in_its_precision, takes


@frozen(eq=False, repr=False)
class MeasuredPrior:
    """Noisy images whose score is known.

    Args:
        score: `y -> ∇ log p(y)`, a function or a network, from `(B, *measurement)` to the same
            shape, for measurements of images in [0, 1].
        peak: of Poisson counts whose posterior mean is wanted, see `of_counts`; otherwise None.

    Raises:
        InputError: score is not callable, or a network in training mode, where that makes a
            difference, or peak is not positive; in use: score can't be called with y alone, or
            what it returns is no tensor of y's shape.

    >>> import torch, invprob as ip
    >>> prior = ip.MeasuredPrior(lambda y: -y)
    >>> prior.measurement_score(torch.tensor([[1.0, 2.0]]))
    tensor([[-1., -2.]])

    Method, what is exact, references: help("invprob.priors.measured").
    """

    _score: Callable[[Tensor], Tensor] = field(alias="score")
    peak: float | None = None

    def __attrs_post_init__(self) -> None:
        if isinstance(self._score, type) or not callable(self._score):
            raise InputError(
                f"score={self._score!r} can't be called; give a function or a network that takes "
                "a measurement y and returns the gradient of log p(y)"
            )
        if self.peak is not None and not 0 < self.peak < math.inf:
            raise InputError(
                f"peak={self.peak}; it is the expected count of a white pixel, as in "
                "Poisson(peak=30)"
            )
        check_at_rest(self._score)

    @classmethod
    def of_counts(cls, score: Callable[[Tensor], Tensor], /, *, peak: float) -> MeasuredPrior:
        """The score with which `ScoreEquation` finds the posterior mean of Poisson counts.

        It is meant for `Poisson(peak)` and for no other likelihood.

        Args:
            score: `y -> ∇ log p(y)` for y = count / peak; it is called twice, half a count above y
                in half of the pixels, and below it in the others, but never below 0.
            peak: the expected count of a white pixel.

        >>> import torch, invprob as ip
        >>> prior = ip.MeasuredPrior.of_counts(lambda y: -y, peak=2.0)
        >>> prior.measurement_score(torch.tensor([[1.0]]))  # -1.25 + 2 (log 3 - digamma 3)
        tensor([[-0.8983]])
        """
        return cls(score, peak)

    @classmethod
    def load(
        cls, file: Path | str, peak: float | None = None, tile: Tile = "auto"
    ) -> MeasuredPrior:
        """The score in a file that `invprob train score` wrote, for the noise that it learned.

        Args:
            file: a safetensors file.
            peak: of Poisson counts whose posterior mean is wanted, see `of_counts`.
            tile: images of more than tile x tile pixels are done in tiles of that side, which
                bounds memory; None never does. The result is the same up to rounding.

        Raises:
            WeightsError: the file is missing, damaged, or holds another network.
            InputError: peak is not positive, or tile is no size; in use: y has another number of
                channels, or tile is too small for the network.
        """
        path = Path(os.path.abspath(file))
        prior = cls(StoredScore(path, digest_of(path), tile), peak)
        prior.domain()  # reads the file
        return prior

    def domain(self) -> Domain:
        """The images that the score was learned from: what its own `domain()` says, or any."""
        return domain_of(self._score)

    def warn_of_other_noise(self, likelihood: object, /) -> None:
        """A `NoiseWarning` if the score's file says that it was learned from other noise."""
        learned = self._score.noise() if isinstance(self._score, StoredScore) else ""
        if learned and learned != repr(likelihood):
            warnings.warn(
                f"{self!r} was learned from {learned}, and is used with {likelihood!r}: unless "
                "that is meant, say the noise that it learned, or learn one from this noise with "
                "`invprob train score`",
                NoiseWarning,
                stacklevel=3,
            )

    def measurement_score(self, y: Tensor, /) -> Tensor:
        """∇ log p(y), in y's precision; for counts that of `of_counts`."""
        if self.peak is None:
            return self._checked(y)
        raised = _checkerboard(y.shape[1:]).to(y.device)
        shift = torch.where(raised, 0.5, -0.5).to(y) / self.peak
        first, second = (self._checked((y + h).clamp(min=0)) for h in (shift, -shift))
        above = (self.peak * y).clamp(min=0) + 1
        known = self.peak * (above.log() - torch.digamma(above))
        return torch.where(raised, first, second) + known

    def _checked(self, y: Tensor) -> Tensor:
        check_at_rest(self._score)
        given = in_its_precision(self._score, y)
        try:
            score: object = self._score(given)
        except TypeError as error:
            if takes(self._score, 1):
                raise
            raise InputError(
                f"the score of {self!r} can't be called with y alone: {error}. It is that of the"
                " measurements, at their own noise: MeasuredPrior(lambda y: f(y, level)), or,"
                " where f is the score of images with noise sigma added,"
                " DenoiserPrior(lambda x, sigma: x + sigma.view(-1, 1, 1, 1) ** 2 * f(x, sigma))"
            ) from error
        if not isinstance(score, Tensor) or score.shape != y.shape:
            shape = tuple(score.shape) if isinstance(score, Tensor) else type(score).__name__
            raise InputError(
                f"the score has shape {shape} for a measurement of shape "
                f"{tuple(y.shape)}; it is a gradient, so it has to have y's"
            )
        return score.to(y)

    def __repr__(self) -> str:
        peak = "" if self.peak is None else f", peak={self.peak}"
        if isinstance(self._score, StoredScore):
            tile = "" if self._score.tile == "auto" else f", tile={self._score.tile}"
            return f"MeasuredPrior.load({str(self._score.path)!r}{peak}{tile})"
        name = getattr(self._score, "__qualname__", type(self._score).__name__)
        return f"MeasuredPrior({name}{peak})"


def _checkerboard(shape: Sequence[int]) -> Tensor:
    """Whether the indices of an entry add up to an even number."""
    total = torch.zeros((), dtype=torch.long)
    for length in shape:
        total = total[..., None] + torch.arange(length)
    return total % 2 == 0
