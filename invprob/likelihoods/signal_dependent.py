"""Signal-dependent Gaussian noise: y = x + (a x + b) n. Brighter pixels are noisier.

    log p(y | x) = -r² / 2 u² - log u - ½ log 2 pi,   r = y - x,   u = a x + b > 0

* Score equation: s = -r / u² is a quadratic in u, with c = a y + b,

      a s u² - u + c = 0,   u = 2 c / (1 + sqrt(1 - 4 a s c)),   x = y + s u².

  Of the two roots this is the one with x = y at s = 0; the image is the other one where the noise
  n < -1 / (2 a). (For c < 0 only the other one has u > 0, and is taken. The fixed point
  x <- y + u(x)² s of Xie et al. diverges where |2 a u s| > 1.)
* prox: a quartic in u,

      (x - v) u³ + step (a u² - c (y - x)) = 0

  whose objective has at most two minima, on either side of a point where its derivative turns from
  concave to convex; both are found.
* Sum with Gaussian noise: again Gaussian, with the variance u² + sigma².

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from attrs import field, frozen
from torch import Generator, Tensor

from ..contracts import Stabilised, Stabilises, Surrogate
from . import pixelwise, stabilised
from .checks import DARKEST, a_level, finite, inside, positive, refuse
from .delegation import demand
from .local import pixelwise_surrogate
from .pixelwise import Smoothed, modes_of
from .roots import ValueAndSlope, least_beside
from .rows import normal, per_row, together, total


def _a(value: float) -> float:
    return positive(value, "a", "0.1, say; noise that does not grow is Gaussian(b)")


def _b(value: float) -> float:
    return a_level(value, "b", "the noise level of a black pixel, 0.05, say")


@frozen
class SignalDependent:
    """y = x + (a x + b) n, with n standard normal.

    Args:
        a: how much the noise grows with the brightness, without a unit.
        b: the noise of a black pixel, in units of the image (25 grey levels are 25 / 255).

    Raises:
        InputError: a or b is not positive and finite.

    >>> import torch, invprob as ip
    >>> noise, y = ip.SignalDependent(a=0.1, b=0.05), torch.tensor([[0.6]])
    >>> x = torch.tensor([[0.5]])
    >>> noise.match_score(y, noise.score_y(y, x), y)
    tensor([[0.5000]])

    Formulas: help("invprob.likelihoods.signal_dependent").
    """

    a: float = field(converter=_a)
    b: float = field(converter=_b)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Draw x + (a x + b) n.

        Raises:
            InputError: a x + b is not positive.
        """
        return x + self.positive_level(x) * normal(x, generator)

    def positive_level(self, x: Tensor, /) -> Tensor:
        """The standard deviation a x + b; `InputError` where it is not positive."""
        refuse(
            finite(x, self),
            self.a * x + self.b <= 0,
            f"there is no noise of level {self.a:.4g} x + {self.b:.4g} <= 0; give x above "
            f"{-self.b / self.a:.4g}",
            "x",
        )
        return self.level(x)

    def level(self, x: Tensor, /) -> Tensor:
        """The standard deviation of each pixel, a x + b; at least 1e-6."""
        return inside(self.a * x + self.b, DARKEST)

    def log_density(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The density log p(y_i | x_i), entry by entry; -inf where a x + b <= 0."""
        u = self.level(x)
        value = -0.5 * ((y - x) / u).square() - u.log() - 0.5 * math.log(math.tau)
        return torch.where(self.a * x + self.b > 0, value, -torch.inf)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The sum of log p(y_i | x_i)."""
        return total(self.log_density(y, x))

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative r / u² + a r² / u³ - a / u."""
        u = self.level(x)
        n = (y - x) / u
        return (n + self.a * (n.square() - 1)) / u

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative -r / u²."""
        return (x - y) / self.level(x).square()

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """The x with score_y(y, x) = s, in closed form; the x given is ignored.

        A score that belongs to no x counts as the nearest one that does.
        """
        c = self._pivot(y)
        s = torch.where(c > 0, torch.minimum(s, 0.25 / (self.a * c)), s)
        root = (1 - 4 * self.a * s * c).clamp_min(0).sqrt()
        only = torch.where(s > 0, (1 + root) / (2 * self.a * inside(s)), DARKEST)
        u = torch.where(c > 0, 2 * c / (1 + root), only)
        return torch.where((c > 0) | (s > 0), y + s * u.square(), self.least_x())

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """argminₓ -step log p(y | x) + ½ ‖x - v‖²: the best root of a quartic."""
        rate = per_row(step, v)
        left, right = self._minima(y, v, rate)

        def objective(x: Tensor) -> Tensor:
            return 0.5 * (x - v).square() - rate * self.log_density(y, x)

        return torch.where(objective(left) <= objective(right), left, right)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """Draw x ~ p(y | x) N(x; v, rho²), a x + b > 0, pixel by pixel: see `pixelwise`."""
        y, v = together(y, v)
        step = per_row(rho, v).square()
        modes = modes_of(self._derivative(y, v, step), self._minima(y, v, step), step)
        support = -self.b / self.a, torch.inf
        return pixelwise.sample_given(self, modes, support, y, v, rho, generator)

    def stabilise(self, y: Tensor, /) -> Stabilised:
        """The inverse hyperbolic sine: see `stabilised`."""
        demand(self, Stabilises)
        return stabilised.of_affine_noise(y, self.a, self.b)

    def withdrawn(self) -> Mapping[type, str]:
        """`Stabilises`, of strong noise."""
        if self.a <= stabilised.STEEPEST:
            return {}
        return {
            Stabilises: f"with a={self.a:.3g}, above {stabilised.STEEPEST}, bright pixels are "
            "measured as dark as none too often for a transform to make the noise even"
        }

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian that stands in for p(y | x) near x: see `local`."""
        return pixelwise_surrogate(self, y, x, sigma)

    def smoothed(self, y: Tensor, x: Tensor, sigma: float, /) -> Smoothed:
        """The likelihood of w + sigma n: N(y; x, u² + sigma²)."""
        u = self.level(x)
        dark = ((self.a * x + self.b - DARKEST) / self.a).clamp_max(0)
        r = y - (x - dark)
        variance = u.square() + sigma**2
        shrunk = r / variance
        log_density = -0.5 * (r * shrunk + variance.log() + math.log(math.tau))
        slope = shrunk + self.a * u * (shrunk.square() - 1 / variance)
        return Smoothed(log_density + dark * slope, -shrunk, slope)

    def least_x(self) -> float:
        """Where the noise vanishes, -b / a."""
        return -self.b / self.a

    def _derivative(self, y: Tensor, v: Tensor, step: Tensor) -> ValueAndSlope:
        """The derivative of -step log p(y | x) + (x - v)² / 2, and its slope."""
        c = self._pivot(y)

        def derivative(x: Tensor) -> tuple[Tensor, Tensor]:
            inverse = 1 / self.level(x)
            q = c * inverse
            value = x - v + step * inverse * (self.a - q * (y - x) * inverse)
            slope = 1 + step * inverse.square() * (3 * q.square() - 2 * q - self.a**2)
            return value, slope

        return derivative

    def _minima(self, y: Tensor, v: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """Both minima of -step log p(y | x) + (x - v)² / 2, on either side of the bend in u."""
        a, c = self.a, self._pivot(y)
        root = math.sqrt(1 + 4 * a**2)  # the likelihood is greatest at this u
        best = torch.where(c > 0, 2 * c / (1 + root), -c * (1 + root) / (2 * a**2))
        root = math.sqrt(9 + 24 * a**2)
        bend = torch.where(c > 0, 12 * c / (3 + root), -c * (3 + root) / (2 * a**2))
        u_v = a * v + self.b
        first = torch.minimum(best / 2, (step * c.square() / (best + 2 * u_v.abs())) ** (1 / 3))
        low, high = torch.maximum(first, torch.minimum(best, u_v)), torch.maximum(best, u_v)
        ends = ((u - self.b) / a for u in (low, bend, high))
        return least_beside(self._derivative(y, v, step), *ends)

    def _pivot(self, y: Tensor) -> Tensor:
        """The number a y + b, kept away from 0."""
        c = self.a * y + self.b
        return torch.where(c < 0, c.clamp_max(-DARKEST), c.clamp_min(DARKEST))
