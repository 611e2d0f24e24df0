"""Coloured Gaussian noise: y = x + Aᵀ (u n), filtered *noise* on an image that is not filtered.

    Sigma = Aᵀ u² A,    r̃ = A⁻ᵀ (y - x)
    log p(y | x) = -½ ‖r̃ / u‖² - sum of log u - log |det A| - ½ m log 2 pi

With one noise level, u = sigma, all is exact and closed: in the right singular basis of A = U S Vᵀ
it is white noise whose level sigma s differs between coordinates. With u = a x + b the noise that
is filtered depends on the image, no pixel stands alone any more, and two things change:

* r̃ depends on x in two ways, so ∇ₓ = A⁻¹ (r̃ / u²) + a r̃² / u³ - a / u;
* the score equation A s = -r̃ / u², that is x = y + Aᵀ (u(x)² A s), is solved by a damped fixed
  point. Started at y it finds the root that is y at s = 0, which is right while n > -1 / (2 a).

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384 (models 2 and 4)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from attrs import field, frozen
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import (
    Annealed,
    HasSVD,
    Proximal,
    SamplesGivenGaussian,
    Shape,
    Spectral,
    Spectrum,
)
from ..operators.memo import Memo
from . import spectral
from .checks import positive
from .correlated import invertible, log_abs_det
from .delegation import demand
from .rows import normal, per_row, total
from .signal_dependent import SignalDependent


def _sigma(value: float) -> float:
    return positive(value, "sigma", "a noise level for images in [0, 1]: 25 / 255")


def _a(value: float) -> float:
    return positive(value, "a", "0.1, say; if it is 0 use ColouredGaussian(b, A)")


def _b(value: float) -> float:
    return positive(value, "b", "the noise level of a black pixel, 0.05, say")


SWEEPS = 200


@frozen(eq=False)
class ColouredGaussian:
    """y = x + Aᵀ (sigma n): Gaussian noise with the covariance sigma² AᵀA.

    Args:
        sigma: the noise level before the filter, in units of the image (25 / 255).
        A: the filter, an invertible linear operator that keeps the shape.

    Raises:
        InputError: sigma is not positive and finite, or A can't be inverted (for some filters
            that depends on the image's size, and is found out in use).

    >>> import torch, invprob as ip
    >>> noise = ip.ColouredGaussian(sigma=0.1, A=ip.CircularBlur(torch.tensor([[0.2, 0.8]])))
    >>> noise.sample(torch.zeros(1, 1, 4, 4), ip.generator(0)).shape
    torch.Size([1, 1, 4, 4])
    """

    sigma: float = field(converter=_sigma)
    A: Any = field(validator=invertible)
    _memo: Memo[Spectrum] = field(factory=Memo, init=False, repr=False)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Draw x + Aᵀ (sigma n)."""
        noise: Tensor = self.A.adjoint(self.sigma * normal(x, generator))
        return x + noise

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """-½ ‖A⁻ᵀ (y - x) / sigma‖² - m log sigma - log |det A| - ½ m log 2 pi."""
        whitened = self.A.inverse_adjoint(y - x) / self.sigma
        constant = math.log(self.sigma) + 0.5 * math.log(math.tau)
        return -total(0.5 * whitened.square() + constant) - log_abs_det(self.A, y)

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """(AᵀA)⁻¹ (y - x) / sigma²."""
        gradient: Tensor = self.A.inverse(self.A.inverse_adjoint(y - x)) / self.sigma**2
        return gradient

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """-(AᵀA)⁻¹ (y - x) / sigma²."""
        return -self.grad_x(y, x)

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """The root y + sigma² AᵀA s, a closed form; x is ignored."""
        image: Tensor = y + self.sigma**2 * self.A.adjoint(self.A.forward(s))
        return image

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """((AᵀA)⁻¹ / sigma² + I / step)⁻¹ (…), in the singular basis of A."""
        demand(self, Proximal)
        return spectral.prox(self._spectrum(v), y, v, step)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """The Gaussian p(y | x) N(x; v, rho²), sampled exactly."""
        demand(self, SamplesGivenGaussian)
        return spectral.sample_given(self._spectrum(v), y, v, rho, generator)

    def annealed_score(
        self, y: Tensor, x: Tensor, prior_score: Tensor, sigma: Tensor, /
    ) -> Tensor:
        """The score of p(x_sigma | y), coordinate by coordinate: see `spectral`."""
        demand(self, Annealed)
        return spectral.annealed_score(self._spectrum(x), y, x, prior_score, sigma)

    def spectrum(self, shape: Shape, /) -> Spectrum:
        """Pseudo-observations Vᵀ y with noise sigma s, for images of this shape."""
        demand(self, Spectral)
        svd = self.A.svd(shape)
        return Spectrum(self.sigma * svd.s, svd.v, svd.vt, svd.vt)

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if A can't be inverted for measurements of y's shape."""
        self.A.inverse(y)

    def withdrawn(self) -> Mapping[type, str]:
        """What needs the singular basis of A, where it has none."""
        lack = lacks(self.A, HasSVD)
        if lack is None:
            return {}
        why = f"its filter {self.A!r} has no SVD: {lack}"
        hint = "; to iterate instead: ip.iterative_prox(noise, steps=20)"
        reasons: dict[type, str] = {Proximal: why + hint}
        return reasons | dict.fromkeys((Annealed, Spectral, SamplesGivenGaussian), why)

    def _spectrum(self, x: Tensor) -> Spectrum:
        def make() -> Spectrum:
            svd = self.A.svd(tuple(x.shape[1:]))
            return Spectrum((self.sigma * svd.s).to(x), svd.v, svd.vt, svd.vt)

        return self._memo.get((x.shape[1:], x.dtype, x.device), make)


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
    """

    a: float = field(converter=_a)
    b: float = field(converter=_b)
    A: Any = field(validator=invertible)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Draw x + Aᵀ ((a x + b) n)."""
        noise: Tensor = self.A.adjoint(self._level(x) * normal(x, generator))
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

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if A can't be inverted for measurements of y's shape."""
        self.A.inverse(y)

    def _level(self, x: Tensor) -> Tensor:
        return SignalDependent(self.a, self.b).level(x)
