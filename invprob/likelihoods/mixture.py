"""A noise plus white Gaussian noise: y = w + sigma n, with w any noise of x.

    p(y | x) = ∫ p_w(w | x) N(y; w, sigma²) dw

(a sum for Poisson noise). For noise that treats every pixel by itself this is one-dimensional, and
each noise model brings its own exact way (`smoothed`): a sum over counts, quadrature, or a closed
form. From it follow, with E over p(w | y, x),

    ∇_y log p(y | x) = (E[w] - y) / sigma²,    ∇ₓ log p(y | x) = E[∇ₓ log p_w(w | x)].

The score equation s(y) = f(x, y) then says E[w | y, x] = y + sigma² s =: z. Two ways to solve it:

* Xie et al.'s algorithm 5, the default, takes z itself for w: s = f_w(x, z), which has the closed
  form of the noise. It replaces the mean of w by its mode, and `equation` is the score that it
  inverts (see `mode`). That is a good approximation where the noise is much wider than sigma, and
  a few grey levels off in dark pixels, where it is not; there its error happens to lie towards
  E[x | y]. It also works where the noise is correlated by a filter, which leaves no pixel alone.
* `exact=True` finds the root of the exact equation, for pixelwise noise. For Poisson noise that
  score depends on x through the count's mean alone, x ∂s/∂x = Var[w | y, x] peak / sigma². Where
  sigma is so small that the count can be read off y, its variance given y is below rounding: the
  score is then that of a Gaussian around a known count, the same for every x, and has no root.

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from attrs import field, frozen
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import (
    Differentiable,
    HasLikelihood,
    LocallyGaussian,
    MatchesScore,
    Proximal,
    SamplesGivenGaussian,
    ScoresData,
    Shape,
    Stabilised,
    Stabilises,
    Surrogate,
)
from ..errors import InputError
from . import pixelwise
from .checks import a_level
from .coloured import ColouredGaussian
from .coloured_signal_dependent import ColouredSignalDependent
from .correlated import Correlated
from .delegation import a_likelihood, demand, image_shape_of
from .gaussian import Gaussian
from .local import pixelwise_surrogate
from .mode import mode_score
from .pixelwise import Mode, Smoothed, Smooths
from .poisson import Poisson
from .roots import root_around, root_between
from .rows import normal, per_row, precise, together, total
from .stabilised import of_counts

SCAN = 17
NEED_THE_SUM = (
    HasLikelihood,
    Differentiable,
    ScoresData,
    Proximal,
    SamplesGivenGaussian,
    LocallyGaussian,
    pixelwise.Pixelwise,
)
EVERY_VALUE = Gaussian, ColouredGaussian, ColouredSignalDependent
"""Noises whose measurements may have any values, so that their check is about shapes alone."""


def _sigma(value: float) -> float:
    return a_level(value, "sigma", "a noise level for images in [0, 1]: 10 / 255")


@frozen
class Mixture:
    """y = w + sigma n with w ~ p_w(w | x).

    Args:
        noise: the law of w. Gamma, Poisson, Rayleigh and SignalDependent have every capability;
            others, and those behind a filter (`Correlated`), can be sampled and matched.
        sigma: the level of the white noise, in units of the image (10 grey levels are 10 / 255).
        exact: whether `match_score` solves the exact equation and not that of algorithm 5. Only
            the exact one belongs to `score_y`, which is withdrawn otherwise.

    Raises:
        InputError: noise is no likelihood, sigma is not positive and finite, or exact is asked of
            a noise whose sum with Gaussian noise is not known.

    >>> import torch, invprob as ip
    >>> noise = ip.Mixture(ip.Gamma(alpha=26), sigma=10 / 255, exact=True)
    >>> y, x = torch.tensor([[0.45]]), torch.tensor([[0.5]])
    >>> noise.match_score(y, noise.score_y(y, x), y)
    tensor([[0.5000]])

    Formulas: help("invprob.likelihoods.mixture").
    """

    noise: Any = field(validator=a_likelihood)
    sigma: float = field(converter=_sigma)
    exact: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.exact and lacks(self.noise, Smooths):
            raise InputError(
                f"exact=True can't be had for noise={self.noise!r}: {self._not_smoothed()}; "
                "leave it out to solve the equation of algorithm 5"
            )

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Draw w + sigma n."""
        w: Tensor = self.noise.sample(x, generator)
        return w + self.sigma * normal(w, generator)

    def log_density(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The density log p(y_i | x_i), entry by entry."""
        demand(self, pixelwise.Pixelwise)
        density = self._smoothed(y, x).log_density
        least: float = self.noise.least_x()
        return torch.where(x < least, -torch.inf, density)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The sum of log p(y_i | x_i)."""
        demand(self, HasLikelihood)
        return total(self.log_density(y, x))

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The mean of ∇ₓ log p_w(w | x) over p(w | y, x)."""
        demand(self, Differentiable)
        return self._smoothed(y, x).grad_x

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative (E[w | y, x] - y) / sigma²."""
        demand(self, ScoresData)
        return self._smoothed(y, x).score_y

    def equation(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The f(x, y) that `match_score` inverts: that of algorithm 5, or the exact `score_y`.

        The former is (w* - y) / sigma², with w* the mode of w given y and x: see `mode`.
        """
        demand(self, MatchesScore)
        return self.score_y(y, x) if self.exact else mode_score(self.noise, y, x, self.sigma)

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """The root of the equation of algorithm 5, or of the exact one; closed forms ignore x."""
        demand(self, MatchesScore)
        root: Tensor = self.noise.match_score(y + self.sigma**2 * s, s, x)
        return self._exact_root(y, s, root) if self.exact else root

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """The better of the first and the last minimum, each a root of x - v - step grad_x."""
        demand(self, Proximal)
        y, v = together(y, v)
        rate = per_row(step, v).expand_as(v)
        left, right = self._minima(y, v, rate)
        better = self._objective(left, y, v, rate)[0] <= self._objective(right, y, v, rate)[0]
        return torch.where(better, left, right)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """Draw x ~ p(y | x) N(x; v, rho²) pixel by pixel: see `pixelwise`."""
        demand(self, SamplesGivenGaussian)
        like, (y, v) = v, together(precise(y), precise(v))  # for slopes side by side
        variance = per_row(rho, v).square().expand_as(v)
        gap = 0.01 * torch.minimum(variance.sqrt(), torch.full_like(v, self.sigma))

        support = self.noise.least_x(), torch.inf

        def mode(at: Tensor) -> Mode:
            here, beside = (self._smoothed(y, x).grad_x for x in (at, at + gap))
            width = (1 / variance + ((here - beside) / gap).clamp_min(0)).rsqrt()
            falls = ((at - v) / variance - here).clamp_min(0)  # on the edge, a slope
            return Mode(at, torch.where(at > support[0], width, torch.minimum(width, 1 / falls)))

        left, right = self._minima(y, v, variance)
        modes = (first := mode(left), first if right is left else mode(right))
        return pixelwise.sample_given(self, modes, support, y, v, rho, generator).to(like)

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian that stands in for p(y | x) near x: see `local`."""
        demand(self, LocallyGaussian)
        return pixelwise_surrogate(self, y, x, sigma)

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if no measurement of the noise has y's shape; any values will do."""
        if isinstance(self.noise, Correlated):
            self.noise.undo(y)
        elif isinstance(self.noise, EVERY_VALUE):
            self.noise.check_measurement(y)

    def stabilise(self, y: Tensor, /) -> Stabilised:
        """The generalised Anscombe transform, of photon counts with read noise."""
        demand(self, Stabilises)
        return of_counts(y, self.noise.peak, self.sigma)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The noise's."""
        return image_shape_of(self.noise, shape)

    def withdrawn(self) -> Mapping[type, str]:
        """What the noise does not allow, and `ScoresData` where it is not what is matched."""
        reasons: dict[type, str] = {}
        if lack := lacks(self.noise, MatchesScore):
            reasons[MatchesScore] = f"its noise {self.noise!r} is not: {lack}"
        if not isinstance(self.noise, Poisson):
            reasons[Stabilises] = "a transform is known for the sum of Poisson and Gaussian noise"
        if lacks(self.noise, Smooths):
            return reasons | dict.fromkeys(NEED_THE_SUM, self._not_smoothed())
        if not self.exact:
            reasons[ScoresData] = (
                "match_score solves algorithm 5, whose score is equation(y, x) and not the exact "
                "one; Mixture(noise, sigma, exact=True) has that, and solves it"
            )
        return reasons

    def _not_smoothed(self) -> str:
        if isinstance(self.noise, Correlated):
            return (
                f"behind the filter {self.noise.A!r} no pixel of w stands alone, so p(y | x) is "
                "one integral over all of them, which has no closed form"
            )
        return (
            f"the sum of {type(self.noise).__name__} and Gaussian noise is not known (that of "
            "Gamma, Poisson, Rayleigh and SignalDependent is; two Gaussian ones are Gaussian)"
        )

    def _smoothed(self, y: Tensor, x: Tensor) -> Smoothed:
        found: Smoothed = self.noise.smoothed(y, x, self.sigma)
        return found

    def _objective(
        self, x: Tensor, y: Tensor, v: Tensor, rate: Tensor, /
    ) -> tuple[Tensor, Tensor]:
        """The value of -rate log p(y | x) + (x - v)² / 2, and its derivative in x."""
        smoothed = self._smoothed(y, x)
        value = 0.5 * (x - v).square() - rate * smoothed.log_density
        return value, x - v - rate * smoothed.grad_x

    def _minima(self, y: Tensor, v: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
        """The first and the last minimum of the objective that its slopes at 17 points show.

        For a step below 1e-6 a valley in the dark may be too narrow to show.
        """
        low = torch.full_like(v, self.noise.least_x())
        high = torch.maximum(torch.maximum(y, v), low) + 4 * self.sigma
        for _ in range(30):
            short = self._objective(high, y, v, rate)[1] < 0
            if not bool(short.any()):
                break
            high = torch.where(short, low + 2 * (high - low), high)
        x, falls = low, self._objective(low, y, v, rate)[1] < 0
        found, first, last = ~falls, (low, low), (low, low)
        for k in range(1, SCAN):  # dense in the dark, where most noise is narrow
            before, fell = x, falls
            x = low + (high - low) * (k / (SCAN - 1)) ** 5
            falls = self._objective(x, y, v, rate)[1] < 0
            valley = fell & ~falls
            first = _where(valley & ~found, (before, x), first)
            last = _where(valley, (before, x), last)
            found = found | valley

        def root(at: Tensor, bracket: tuple[Tensor, Tensor]) -> Tensor:
            part = [given[at] for given in (y, v, rate)]
            low, high = bracket[0][at], bracket[1][at]
            return root_between(lambda x: self._objective(x, *part)[1], low, high)

        left = root(torch.ones_like(found), first).reshape(v.shape)
        two = last[0] > first[0]
        return left, left.masked_scatter(two, root(two, last)) if bool(two.any()) else left

    def _exact_root(self, y: Tensor, s: Tensor, start: Tensor) -> Tensor:
        """The root of score_y(y, x) - s, which increases in x, nearest to `start`."""

        def excess(x: Tensor) -> Tensor:
            return self._smoothed(y, x).score_y - s

        start = start.clamp_min(self.noise.least_x())
        root = root_around(excess, start, self.noise.least_x())
        # For a Gaussian w, mean and mode are the same, and the start was the root already.
        return torch.where(excess(root).abs() < excess(start).abs(), root, start)


def _where(
    choice: Tensor, here: tuple[Tensor, Tensor], there: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """The pair `here` where it is chosen, `there` elsewhere."""
    return torch.where(choice, here[0], there[0]), torch.where(choice, here[1], there[1])
