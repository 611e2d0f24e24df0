"""Gamma noise, multiplicative: y = x g, with g ~ Gamma(alpha, mean 1). Speckle with alpha looks.

    log p(y | x) = alpha log alpha - lgamma(alpha) + (alpha - 1) log y - alpha log x - alpha y / x

for x, y > 0; mean x, variance x² / alpha. All is exact.

* Score equation: s = (alpha - 1) / y - alpha / x has the one root x = alpha y / (alpha - 1 - y s).
  Solved with the score of noisy data it returns 1 / E[1/x | y], the harmonic posterior mean, which
  is below E[x | y]: the equation averages the natural parameter 1/x, not x.
* prox: the objective may have two minima (v far brighter than a dark y); both are found.
* Sum with Gaussian noise: one integral for all pixels, tabulated once (`gamma_gaussian`).

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from attrs import field, frozen
from torch import Generator, Tensor

from ..contracts import MatchesScore, Stabilised, Surrogate
from . import pixelwise, stabilised
from .checks import DARKEST, inside, lifted, not_negative, positive, refuse
from .delegation import demand
from .gamma_gaussian import around_mode
from .local import pixelwise_surrogate
from .pixelwise import Smoothed, modes_of
from .roots import ValueAndSlope, least_beside
from .rows import device_of, per_row, together, total


def _alpha(value: float) -> float:
    return positive(value, "alpha", "the shape of the gamma law, 26 for noise of 20 %")


@frozen
class Gamma:
    """y = x g with g ~ Gamma(alpha), of mean 1.

    Args:
        alpha: the shape, the number of looks of a radar image; the noise of a pixel of brightness
            x has the standard deviation x / sqrt(alpha). It has no unit.

    Raises:
        InputError: alpha is not positive and finite; in use: y <= 0.

    >>> import torch, invprob as ip
    >>> noise, y = ip.Gamma(alpha=26), torch.tensor([[50 / 255]])
    >>> x = torch.tensor([[0.25]])
    >>> noise.match_score(y, noise.score_y(y, x), y)
    tensor([[0.2500]])

    Formulas: help("invprob.likelihoods.gamma").
    """

    alpha: float = field(converter=_alpha)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Draw x g; a pixel darker than 1e-6 counts as that bright, since y > 0 always.

        Raises:
            InputError: a pixel of x is negative, by more than half a grey level.
        """
        x = not_negative(x, self)
        shape = torch.full(x.shape, self.alpha, dtype=x.dtype, device=device_of(generator))
        factor = torch._standard_gamma(shape, generator=generator).to(x.device) / self.alpha
        return inside(inside(x, DARKEST) * factor)

    def log_density(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The density log p(y_i | x_i), entry by entry."""
        defined = (x > 0) & (y > 0)
        x, y = torch.where(x > 0, x, 1), torch.where(y > 0, y, 1)
        constant = self.alpha * math.log(self.alpha) - math.lgamma(self.alpha)
        value = constant + (self.alpha - 1) * y.log() - self.alpha * (x.log() + y / x)
        return torch.where(defined, value, -torch.inf)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The sum of log p(y_i | x_i)."""
        return total(self.log_density(y, x))

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative alpha (y - x) / x²."""
        x = inside(x, DARKEST)
        return self.alpha * (y - x) / x.square()

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative (alpha - 1) / y - alpha / x."""
        return (self.alpha - 1) / inside(y, DARKEST) - self.alpha / inside(x, DARKEST)

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """The root alpha y / (alpha - 1 - y s), a closed form; x is ignored.

        A score of (alpha - 1) / y or more belongs to no x; the pixel then gets 10⁶ y.
        """
        demand(self, MatchesScore)
        y = inside(y, DARKEST)
        return y / inside((self.alpha - 1 - y * s) / self.alpha, DARKEST)

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """The root of x³ - v x² + step alpha (x - y) = 0 with the least objective."""
        y, rate = inside(y, DARKEST), per_row(step, v)
        left, right = self._minima(y, v, rate)

        def objective(x: Tensor) -> Tensor:
            return rate * self.alpha * (x.log() + y / x) + 0.5 * (x - v).square()

        return torch.where(objective(left) <= objective(right), left, right)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """Draw x ~ p(y | x) N(x; v, rho²), x > 0, pixel by pixel: see `pixelwise`."""
        y, v = together(inside(y, DARKEST), v)
        step = per_row(rho, v).square()
        modes = modes_of(self._derivative(y, v, step), self._minima(y, v, step), step)
        return pixelwise.sample_given(self, modes, (0.0, torch.inf), y, v, rho, generator)

    def stabilise(self, y: Tensor, /) -> Stabilised:
        """The logarithm: log g has the mean digamma(alpha) - log alpha."""
        alpha = torch.tensor(self.alpha, dtype=torch.float64)
        sd = float(torch.polygamma(1, alpha).sqrt())
        return stabilised.of_factors(y, float(alpha.digamma() - alpha.log()), sd)

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian that stands in for p(y | x) near x: see `local`."""
        return pixelwise_surrogate(self, y, x, sigma)

    def smoothed(self, y: Tensor, x: Tensor, sigma: float, /) -> Smoothed:
        """The likelihood of w + sigma n, by quadrature in log w: see `gamma_gaussian`."""
        given, x = x, inside(x, DARKEST)
        half = (y - sigma**2 * self.alpha / x) / 2
        root = (half.square() + self.alpha * sigma**2).sqrt()
        mode = torch.where(half > 0, root + half, self.alpha * sigma**2 / (root - half))
        log_mass, excess = around_mode((mode / sigma).square(), self.alpha)
        constant = self.alpha * math.log(self.alpha) - math.lgamma(self.alpha)
        constant -= math.log(sigma) + 0.5 * math.log(math.tau)
        top = self.alpha * ((mode / x).log() - mode / x) - 0.5 * ((y - mode) / sigma).square()
        pull = (mode - y) / sigma**2
        slope = (self.alpha * excess / x - pull) * (mode / x)
        log_density = constant + top + log_mass + (given - x) * slope
        return Smoothed(log_density, pull + mode * excess / sigma**2, slope)

    def least_x(self) -> float:
        """Black."""
        return 0.0

    def least_y(self, x: Tensor, /) -> Tensor:
        """Black."""
        return torch.zeros_like(x)

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if y has an entry that is not positive."""
        refuse(
            y,
            y <= 0,
            f"{self!r} multiplies a positive image by positive numbers; lift the dark pixels of a "
            "rounded file, y.clamp(min=1 / 510), or use Mixture(Gamma(alpha), sigma), which "
            "allows all numbers",
            typed=lifted(f"gamma:alpha={self.alpha:g}"),
        )

    def withdrawn(self) -> Mapping[type, str]:
        """The score equation, where the density of y does not vanish at 0."""
        if self.alpha > 1:
            return {}
        why = "with alpha <= 1 the density of y does not vanish at 0, and no score equation holds"
        return {MatchesScore: why}

    def _derivative(self, y: Tensor, v: Tensor, step: Tensor) -> ValueAndSlope:
        """The derivative of -step log p(y | x) + (x - v)² / 2, and its slope."""
        rate = step * self.alpha

        def derivative(x: Tensor) -> tuple[Tensor, Tensor]:
            inverse = 1 / x
            value = x - v + rate * inverse * (1 - y * inverse)
            return value, 1 + rate * inverse.square() * (2 * y * inverse - 1)

        return derivative

    def _minima(self, y: Tensor, v: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """Both minima of -step log p(y | x) + (x - v)² / 2, whose derivative bends at 3 y."""
        first = torch.minimum(y / 2, (self.alpha * step * y / (y + 2 * v.abs())).sqrt())
        low = torch.maximum(first, torch.minimum(y, v))
        return least_beside(self._derivative(y, v, step), low, 3 * y, torch.maximum(y, v))
