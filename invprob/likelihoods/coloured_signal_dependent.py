"""Coloured signal-dependent noise: y = x + Aᵀ (u n) with u = a x + b > 0.

    r̃ = A⁻ᵀ (y - x)
    log p(y | x) = -½ ‖r̃ / u‖² - sum of log u - log |det A| - ½ m log 2 pi

The noise depends on the image before it is filtered, so neither a pixel nor a singular direction
stands alone:

* r̃ depends on x in two ways, so ∇ₓ = A⁻¹ (r̃ / u²) + a r̃² / u³ - a / u.
* The score equation A s = -r̃ / u², that is x = y + Aᵀ (u(x)² A s), is solved by a damped fixed
  point. Started at y it finds the root that is y at s = 0, which is right while n > -1 / (2 a).
* The prox is a minimum found by Newton's method with conjugate gradients (`descent`), downhill
  from the better of v and y. The objective is not convex, so that is a local minimum.
* The Gaussian that stands in for p(y | x) near x (`surrogate`) has its gradient. Its curvature
  A⁻¹ diag(1 / u²) A⁻ᵀ is diagonal in A's singular basis only where u is one number, so the median
  of u takes its place: sd = s median(u), w = Vᵀx + sd² Vᵀ∇ₓ. What is approximate is the curvature,
  and by as much as u varies. So that iterations are stable, pixels that are known better than
  most, and better than sigma tells apart, count as known as well as that.

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384 (model 4)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from attrs import field, frozen
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import SVD, HasSVD, LocallyGaussian, Map, Surrogate
from .checks import a_level, positive
from .correlated import invertible, log_abs_det, undone
from .delegation import demand
from .descent import minimise
from .rows import normal, per_row, total
from .signal_dependent import SignalDependent

SWEEPS = 200


def _a(value: float) -> float:
    return positive(value, "a", "0.1, say; if it is 0 use ColouredGaussian(b, A)")


def _b(value: float) -> float:
    return a_level(value, "b", "the noise level of a black pixel, 0.05, say")


@frozen
class ColouredSignalDependent:
    """y = x + Aᵀ ((a x + b) n): signal-dependent Gaussian noise, filtered.

    Args:
        a: how much the noise grows with the brightness, without a unit.
        b: the noise of a black pixel before the filter, in units of the image.
        A: the filter, an invertible linear operator that keeps the shape.

    Raises:
        InputError: a or b is not positive and finite, or A can't be inverted.

    >>> import torch, invprob as ip
    >>> A = ip.CircularBlur(torch.tensor([[0.2, 0.8]]))
    >>> noise = ip.ColouredSignalDependent(a=0.1, b=0.05, A=A)
    >>> x = torch.full((1, 1, 4, 4), 0.5)
    >>> y = noise.sample(x, ip.generator(0))
    >>> bool((noise.match_score(y, noise.score_y(y, x), y) - x).abs().max() < 1e-5)
    True

    Formulas: help("invprob.likelihoods.coloured_signal_dependent").
    """

    a: float = field(converter=_a)
    b: float = field(converter=_b)
    A: Any = field(validator=invertible)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Draw x + Aᵀ ((a x + b) n).

        Raises:
            InputError: a x + b is not positive.
        """
        level = SignalDependent(self.a, self.b).positive_level(x)
        noise: Tensor = self.A.adjoint(level * normal(x, generator))
        return x + noise

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """-½ ‖r̃ / u‖² - sum of log u - log |det A| - ½ m log 2 pi; -inf where a x + b <= 0."""
        residual = self.A.inverse_adjoint(y - x)
        plain = SignalDependent(self.a, self.b).log_density(x + residual, x)
        return total(plain) - log_abs_det(self.A, y)

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """A⁻¹ (r̃ / u²) + a r̃² / u³ - a / u."""
        u = self._level(x)
        n = self.A.inverse_adjoint(y - x) / u
        gradient: Tensor = self.A.inverse(n / u) + self.a * (n.square() - 1) / u
        return gradient

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """-A⁻¹ (r̃ / u²)."""
        score: Tensor = -self.A.inverse(self.A.inverse_adjoint(y - x) / self._level(x).square())
        return score

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """One solution of x = y + Aᵀ (u(x)² A s), by a damped fixed point from x."""
        target = self.A.forward(s)

        def residual(x: Tensor) -> Tensor:
            right: Tensor = y + self.A.adjoint((self.a * x + self.b).square() * target)
            return right - x

        change = residual(x)
        size = total(change.square())
        damping = torch.ones_like(size)
        best, smallest = x, size
        for _ in range(SWEEPS):
            trial = best + per_row(damping, x) * change
            change_there = residual(trial)
            size = total(change_there.square())
            better = size < smallest
            if not bool((better | (damping > 1e-3)).any()):
                break
            damping = torch.where(better, (1.2 * damping).clamp_max(1), damping / 2)
            keep = per_row(better, x) > 0
            best = torch.where(keep, trial, best)
            change = torch.where(keep, change_there, change)
            settled = size <= 4 * torch.finfo(x.dtype).eps ** 2 * total(best.square())
            smallest = torch.where(better, size, smallest)
            if bool(settled.all()):
                break
        return best

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """A minimum of -step log p(y | x) + ½ ‖x - v‖², downhill from the better of v and y."""
        rate = per_row(step, v)
        plain = SignalDependent(self.a, self.b)

        def objective(x: Tensor) -> Tensor:
            misfit = plain.log_density(x + self.A.inverse_adjoint(y - x), x)
            return total(0.5 * (x - v).square() - rate * misfit)

        def gradient(x: Tensor) -> Tensor:
            return x - v - rate * self.grad_x(y, x)

        def curvature(x: Tensor) -> Map:
            u = self._level(x)
            n: Tensor = self.A.inverse_adjoint(y - x) / u
            weight, lean = rate / u.square(), self.a * (3 * n.square() - 1)

            def product(d: Tensor) -> Tensor:
                filtered: Tensor = self.A.inverse_adjoint(d)
                across: Tensor = self.A.inverse(weight * (filtered + 2 * self.a * n * d))
                alone = weight * (2 * n * filtered + lean * d)
                return d + across + self.a * alone

            return product

        black = 0.01 * self.b / self.a  # inside the support, close to where u is 0
        starts = (point.clamp_min(black - self.b / self.a) for point in (v, y))
        first, second = starts
        better = per_row(objective(first) <= objective(second), v) > 0
        return minimise(objective, gradient, curvature, torch.where(better, first, second))

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian that stands in for p(y | x) near x, in A's singular basis."""
        demand(self, LocallyGaussian)
        svd: SVD = self.A.svd(tuple(x.shape[1:]))
        s, u = svd.s.to(x), self._level(x)
        middle = u.flatten(1).median(1).values
        told = torch.minimum(middle, sigma.to(x) / s.min())
        blurred = torch.maximum(u, per_row(told, u))
        n = self.A.inverse_adjoint(y - x) / blurred
        pull = self.A.inverse(n / blurred) + self.a * (n.square() - 1) / blurred
        sd, at = s * per_row(middle, svd.vt(x)), svd.vt(x)
        return Surrogate(at + sd.square() * svd.vt(pull), sd, svd.v, svd.vt)

    def withdrawn(self) -> Mapping[type, str]:
        """The surrogate, where A has no decomposition."""
        lack = lacks(self.A, HasSVD)
        return {LocallyGaussian: f"its filter {self.A!r} has no SVD: {lack}"} if lack else {}

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if A can't be inverted for measurements like y."""
        undone(self.A, y)

    def _level(self, x: Tensor) -> Tensor:
        return SignalDependent(self.a, self.b).level(x)
