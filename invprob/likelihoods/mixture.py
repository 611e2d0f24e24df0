"""A noise plus white Gaussian noise: y = w + sigma n, with w any noise of x.

    p(y | x) = ∫ p_w(w | x) N(y; w, sigma²) dw

(a sum for Poisson noise). For noise that treats every pixel by itself this is one-dimensional, and
each noise model brings its own exact way (`smoothed`): a sum over counts, quadrature, or a closed
form. From it follow, with E over p(w | y, x),

    ∇_y log p(y | x) = (E[w] - y) / sigma²,    ∇ₓ log p(y | x) = E[∇ₓ log p_w(w | x)].

The score equation s(y) = f(x, y) then says E[w | y, x] = y + sigma² s =: z. Two ways to solve it:

* Xie et al.'s algorithm 5, the default, takes z itself for w: s = f_w(x, z), which has the closed
  form of the noise. It replaces the mean of w by its mode: that is a good approximation where the
  noise is much wider than sigma, and a few grey levels off in dark pixels, where it is not; there
  its error happens to lie towards E[x | y]. It also works where the noise is correlated by a
  filter, which leaves no pixel alone.
* `exact=True` finds the root of the exact equation, for pixelwise noise.

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
    MatchesScore,
    Proximal,
    SamplesGivenGaussian,
    ScoresData,
    Shape,
)
from ..errors import InputError
from . import pixelwise
from .checks import positive
from .delegation import a_likelihood, demand, image_shape_of
from .pixelwise import Modes, Smooths
from .roots import root_between
from .rows import normal, per_row, together, total

SCAN = 9


def _sigma(value: object) -> float:
    return positive(value, "sigma", "a noise level for images in [0, 1]: 10 / 255")


@frozen(eq=False)
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
    """

    noise: Any = field(validator=a_likelihood)
    sigma: float = field(converter=_sigma)
    exact: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.exact and not isinstance(self.noise, Smooths):
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
        density: Tensor = self.noise.smoothed(y, x, self.sigma).log_density
        return torch.where(x < float(self.noise.least_x()), -torch.inf, density)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The sum of log p(y_i | x_i)."""
        demand(self, HasLikelihood)
        return total(self.log_density(y, x))

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The mean of ∇ₓ log p_w(w | x) over p(w | y, x)."""
        demand(self, Differentiable)
        gradient: Tensor = self.noise.smoothed(y, x, self.sigma).grad_x
        return gradient

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative (E[w | y, x] - y) / sigma²."""
        demand(self, ScoresData)
        return self._score(y, x)

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """The root of the equation of algorithm 5, or of the exact one; closed forms ignore x."""
        demand(self, MatchesScore)
        root: Tensor = self.noise.match_score(y + self.sigma**2 * s, s, x)
        return self._exact_root(y, s, root) if self.exact else root

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """The best of nine points, refined to a root of x - v - step grad_x(y, x)."""
        demand(self, Proximal)
        y, v = together(y, v)
        rate = per_row(step, v)

        def derivative(x: Tensor) -> Tensor:
            return x - v - rate * self.noise.smoothed(y, x, self.sigma).grad_x

        low = torch.full_like(v, self.noise.least_x())
        high = torch.maximum(torch.maximum(y, v), low) + 4 * self.sigma
        for _ in range(30):
            short = derivative(high) < 0
            if not bool(short.any()):
                break
            high = torch.where(short, low + 2 * (high - low), high)
        best, value = low, torch.full_like(v, torch.inf)
        cell = (high - low) / (SCAN - 1)
        for point in range(SCAN):
            x = low + point * cell
            here = 0.5 * (x - v).square() - rate * self.log_density(y, x)
            best, value = torch.where(here < value, x, best), torch.minimum(here, value)
        rising = derivative(best) > 0
        left = torch.where(rising, torch.maximum(best - cell, low), best)
        right = torch.where(rising, best, torch.minimum(best + cell, high))
        return root_between(derivative, left, right)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """Draw x ~ p(y | x) N(x; v, rho²) pixel by pixel: see `pixelwise`."""
        demand(self, SamplesGivenGaussian)
        y, v = together(y, v)
        variance = per_row(rho, v).square()
        mode = self.prox(y, v, variance.flatten())
        gap = 0.01 * torch.minimum(variance.sqrt(), torch.full_like(v, self.sigma))
        rise = self.noise.smoothed(y, mode, self.sigma).grad_x
        rise = rise - self.noise.smoothed(y, mode + gap, self.sigma).grad_x
        width = (1 / variance + (rise / gap).clamp_min(0)).rsqrt()
        low = torch.full_like(mode, self.noise.least_x())
        modes = Modes(mode, mode, width, low, torch.full_like(mode, torch.inf))
        return pixelwise.sample_given(self, modes, y, v, rho, generator)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The noise's."""
        return image_shape_of(self.noise, shape)

    def withdrawn(self) -> Mapping[type, str]:
        """What the noise does not allow, and `ScoresData` where it is not what is matched."""
        reasons: dict[type, str] = {}
        if lack := lacks(self.noise, MatchesScore):
            reasons[MatchesScore] = f"its noise {self.noise!r} is not: {lack}"
        if not isinstance(self.noise, Smooths):
            needy = HasLikelihood, Differentiable, ScoresData, Proximal, SamplesGivenGaussian
            return reasons | dict.fromkeys(needy, self._not_smoothed())
        if not self.exact:
            reasons[ScoresData] = (
                "match_score solves the equation of algorithm 5, which is not that of the exact "
                "score; Mixture(noise, sigma, exact=True) has both"
            )
        return reasons

    def _not_smoothed(self) -> str:
        return (
            f"{type(self.noise).__name__} does not know its sum with Gaussian noise (Gamma, "
            "Poisson, Rayleigh and SignalDependent do; behind a filter no pixel stands alone)"
        )

    def _score(self, y: Tensor, x: Tensor) -> Tensor:
        score: Tensor = self.noise.smoothed(y, x, self.sigma).score_y
        return score

    def _exact_root(self, y: Tensor, s: Tensor, start: Tensor) -> Tensor:
        """The root of score_y(y, x) - s, which increases in x, in a bracket grown from `start`."""
        least = self.noise.least_x()
        start = start.clamp_min(least)
        below = self._score(y, start) < s
        reach = 0.02 * start.abs() + 1e-4
        end = start
        for _ in range(30):
            end = torch.where(below, start + reach, (start - reach).clamp_min(least))
            short = ((self._score(y, end) < s) == below) & (end > least)
            if not bool(short.any()):
                break
            reach = torch.where(short, 2 * reach, reach)
        low, high = torch.minimum(start, end), torch.maximum(start, end)
        return root_between(lambda x: self._score(y, x) - s, low, high)
