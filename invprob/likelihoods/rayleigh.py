"""Rayleigh noise, multiplicative: y = (1 + eta) x with eta ~ Rayleigh(scale).

    log p(y | x) = log r - 2 log x - 2 log scale - r² / (2 x² scale²),   r = y - x

for 0 < x < y; mean x (1 + scale sqrt(pi / 2)), variance x² scale² (2 - pi / 2). Every pixel is
brighter than the truth, so y itself is no estimate. The Fisher information is infinite: gradients
in x have a heavy tail, log(y - x) keeps x below y.

* Score equation, t = r / x: y s = (1 + t) (1 / t - t / scale²) falls from +inf to -inf, so there
  is one root for every y > 0 and every s. t³ + t² - scale² (1 - y s) t - scale² is convex, and
  Newton's method from the right needs no safeguards.
* prox: the third derivative of -log p, times x⁵, increases from a negative to a positive number as
  x goes from 0 to y. So the objective's derivative is first concave and then convex, and has one
  minimum on either side of that bend at most; both are found (`roots.least_beside`). For
  scale <= 2.77 -log p is convex, and there is but one.
* Sum with Gaussian noise: r times a normal density of r, in closed form. With A = x² scale²,
  B = sigma², c = y - x, h = c sqrt(A / (B (A + B))), and phi, Phi of the standard normal,

      p(y | x) = sqrt(B) / (A + B) exp(-c² / 2 (A + B)) (phi(h) + h Phi(h)).

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

import math

import torch
from attrs import field, frozen
from torch import Generator, Tensor

from ..contracts import Stabilised, Surrogate
from . import pixelwise, stabilised
from .checks import DARKEST, inside, lifted, not_negative, positive, refuse
from .local import pixelwise_surrogate
from .pixelwise import Smoothed, modes_of
from .roots import ValueAndSlope, least_beside, newton, root_between
from .rows import per_row, together, total, uniform


def _scale(value: float) -> float:
    return positive(value, "scale", "the scale of the Rayleigh law, 0.3")


@frozen
class Rayleigh:
    """y = (1 + eta) x with eta ~ Rayleigh(scale).

    Args:
        scale: of the Rayleigh law, without a unit; a pixel of brightness x is brighter by
            1.25 scale x on average, with a standard deviation of 0.66 scale x.

    Raises:
        InputError: scale is not positive and finite; in use: y <= 0.

    >>> import torch, invprob as ip
    >>> noise, y = ip.Rayleigh(scale=0.3), torch.tensor([[0.6]])
    >>> x = torch.tensor([[0.5]])
    >>> noise.match_score(y, noise.score_y(y, x), y)
    tensor([[0.5000]])

    Formulas: help("invprob.likelihoods.rayleigh").
    """

    scale: float = field(converter=_scale)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Draw (1 + eta) x; a pixel darker than 1e-6 counts as that bright, since y > 0 always.

        Raises:
            InputError: a pixel of x is negative, by more than half a grey level.
        """
        eta = self.scale * (-2 * torch.log1p(-uniform(x, generator))).sqrt()
        x = inside(not_negative(x, self), DARKEST)
        return torch.maximum(x * (1 + eta), torch.nextafter(x, x + 1))

    def log_density(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The density log p(y_i | x_i), entry by entry."""
        undefined, y, x = _without_impossible(y, x)
        r, scale = y - x, x * self.scale
        value = r.log() - 2 * scale.log() - 0.5 * (r / scale).square()
        return torch.where(undefined, -torch.inf, value)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The sum of log p(y_i | x_i)."""
        return total(self.log_density(y, x))

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative -1 / r - 2 / x + y r / (x³ scale²); 0 where x is not between 0 and y."""
        undefined, y, x = _without_impossible(y, x)
        r = y - x
        value = -1 / r - 2 / x + (y / x) * (r / x) / (self.scale**2 * x)
        return torch.where(undefined, 0, value)

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The derivative 1 / r - r / (scale² x²); 0 where x is not between 0 and y."""
        undefined, y, x = _without_impossible(y, x)
        r = y - x
        return torch.where(undefined, 0, 1 / r - r / (self.scale * x).square())

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """The root y / (1 + t), where t³ + t² - scale² (1 - y s) t - scale² = 0; x is ignored."""
        y, square = inside(y, DARKEST), self.scale**2
        excess = 1 - y * s
        start = torch.where(
            excess >= 0,
            self.scale * (1 + excess.clamp_min(0).sqrt()),
            (-1 / excess.clamp_max(-DARKEST)).clamp_max(self.scale),
        )

        def cubic(t: Tensor) -> tuple[Tensor, Tensor]:
            return (
                ((t + 1) * t - square * excess) * t - square,
                (3 * t + 2) * t - square * excess,
            )

        t, _ = newton(cubic, start, torch.zeros_like(start))
        return y / (1 + t)

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """The root of x - v - step grad_x(y, x) in (0, y) with the least objective."""
        y, v = together(inside(y, DARKEST), v)
        rate = per_row(step, v)
        left, right = self._minima(y, v, rate)

        def objective(x: Tensor) -> Tensor:
            return 0.5 * (x - v).square() - rate * self.log_density(y, x)

        return torch.where(objective(left) <= objective(right), left, right)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """Draw x ~ p(y | x) N(x; v, rho²), 0 < x < y, pixel by pixel: see `pixelwise`."""
        y, v = together(inside(y, DARKEST), v)
        step = per_row(rho, v).square()
        modes = modes_of(self._derivative(y, v, step), self._minima(y, v, step), step)
        return pixelwise.sample_given(self, modes, (0.0, y), y, v, rho, generator)

    def stabilise(self, y: Tensor, /) -> Stabilised:
        """The logarithm; the mean of log(1 + eta) by numerical integration."""
        factors = (-2 * stabilised.midpoints(1 << 14).log()).sqrt().mul(self.scale).log1p()
        return stabilised.of_factors(y, float(factors.mean()), float(factors.std()))

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian that stands in for p(y | x) near x: see `local`."""
        return pixelwise_surrogate(self, y, x, sigma)

    def smoothed(self, y: Tensor, x: Tensor, sigma: float, /) -> Smoothed:
        """The likelihood of w + sigma n, in closed form."""
        given, x = x, inside(x, DARKEST)
        c, b = y - x, sigma**2
        whole = (self.scale * x).square() + b
        rate = self.scale * x / (sigma * whole.sqrt())
        log_mass, ratio = _half_moment(c * rate)
        shrunk = c / whole
        log_density = math.log(sigma) - whole.log() - 0.5 * c * shrunk + log_mass
        score = ratio * rate - shrunk
        relative = self.scale**2 * x / whole  # of the variance, per x
        slope = relative * (c * shrunk - 2) + shrunk + ratio * rate * (b * shrunk / x - 1)
        return Smoothed(log_density + (given - x) * slope, score, slope)

    def least_x(self) -> float:
        """Black."""
        return 0.0

    def least_y(self, x: Tensor, /) -> Tensor:
        """Just above the image, to which the noise adds."""
        return torch.nextafter(x, x + 1)

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if y has an entry that is not positive."""
        refuse(
            y,
            y <= 0,
            f"{self!r} makes every pixel brighter than a positive image; lift the dark pixels of "
            "a rounded file, y.clamp(min=1 / 510), or use Mixture(Rayleigh(scale), sigma), which "
            "allows all numbers",
            typed=lifted(f"rayleigh:scale={self.scale:g}"),
        )

    def _derivative(self, y: Tensor, v: Tensor, step: Tensor) -> ValueAndSlope:
        """The derivative of -step log p(y | x) + (x - v)² / 2, and its slope."""

        def derivative(x: Tensor) -> tuple[Tensor, Tensor]:
            r, share = y - x, y / (self.scale * x.square())
            value = 1 / r + 2 / x - (1 - x / y) * share.square() * x
            slope = r.square().reciprocal() - 2 / x.square() + (3 - 2 * x / y) * share.square()
            return x - v + step * value, 1 + step * slope

        return derivative

    def _minima(self, y: Tensor, v: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """Both minima of -step log p(y | x) + (x - v)² / 2."""
        far = y / 2 - v.clamp_max(0)
        low = (step * (y / (2 * self.scale)).square() / far) ** (1 / 3)
        low = torch.minimum(low, y * min(0.5, 12**-0.5 / self.scale)).clamp_min(1e-6 * y)
        above = (v - y).clamp_min(0)
        gap = step / (above + (above.square() + 2 * step).sqrt())
        gap = torch.minimum(gap, y * min(0.5, self.scale / 4))
        last = y * (1 - 2 * torch.finfo(y.dtype).eps)
        high = torch.minimum(y - gap, last)
        left, right = least_beside(self._derivative(y, v, step), low, self._bend() * y, high)
        return torch.minimum(left, last), torch.minimum(right, last)

    def _bend(self) -> float:
        """Where -log p(1 | x) has its least curvature."""

        def third(t: Tensor) -> Tensor:
            return self.scale**2 * t.square() * (2 * (t / (1 - t)) ** 3 + 4) + 6 * t - 12

        end = torch.ones((), dtype=torch.float64)
        return float(root_between(third, 0 * end, end))


def _without_impossible(y: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where x is not between 0 and y; and y and x, other numbers there. NaN stays NaN."""
    undefined = (x <= 0) | (y <= x)
    return undefined, torch.where(undefined, 2, y), torch.where(undefined, 1, x)


def _half_moment(h: Tensor) -> tuple[Tensor, Tensor]:
    """The log of I and Phi / I, where I = phi(h) + h Phi(h) is the mean of max(h + n, 0)."""
    # Below -5 the two terms cancel; Laplace's continued fraction of Mills' ratio does not.
    a = (-h).clamp_min(5.0)
    tail = torch.zeros_like(a)
    for n in range(24, 1, -1):
        tail = n / (a + tail)
    tail = 1 / (a + tail)
    near = h.clamp_min(-5.0)
    phi = (-0.5 * near.square()).exp() / math.sqrt(math.tau)
    cumulative = 0.5 * torch.special.erfc(-near * math.sqrt(0.5))
    moment = phi + near * cumulative
    far = h < -5
    log_far = (tail / (a + tail)).log() - 0.5 * a.square() - 0.5 * math.log(math.tau)
    return torch.where(far, log_far, moment.log()), torch.where(far, 1 / tail, cumulative / moment)
