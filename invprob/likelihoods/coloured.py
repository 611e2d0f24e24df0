"""Coloured Gaussian noise: y = x + Aᵀ (sigma n), filtered *noise* on an image that is not.

    Sigma = sigma² Aᵀ A
    log p(y | x) = -½ ‖A⁻ᵀ (y - x) / sigma‖² - m log sigma - log |det A| - ½ m log 2 pi

All is exact and closed: in the right singular basis of A = U S Vᵀ it is white noise whose level
sigma s differs between coordinates. For a filter without such a basis the prox is one positive
definite system, solved by conjugate gradients (`descent`), and a draw is the prox of perturbed
data. `coloured_signal_dependent` is the model in which sigma depends on the image.

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384 (model 2)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import (
    Annealed,
    HasSVD,
    Shape,
    Spectral,
    Spectrum,
)
from ..operators.memo import Memo
from . import spectral
from .checks import a_level, finite
from .correlated import invertible, log_abs_det, undone
from .delegation import demand
from .descent import quadratic_prox
from .rows import normal, per_row, total


def _sigma(value: float) -> float:
    return a_level(value, "sigma", "a noise level for images in [0, 1]: 25 / 255")


@frozen
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

    Formulas: help("invprob.likelihoods.coloured").
    """

    sigma: float = field(converter=_sigma)
    A: Any = field(validator=invertible)
    _memo: Memo[Spectrum] = field(factory=Memo, init=False, repr=False, eq=False)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Draw x + Aᵀ (sigma n)."""
        noise: Tensor = self.A.adjoint(self.sigma * normal(x, generator))
        return finite(x, self) + noise

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
        """The root of (AᵀA)⁻¹ (x - y) / sigma² + (x - v) / step, in the singular basis of A.

        Where A has none it is solved by conjugate gradients, to the tolerance of `descent`.
        """
        if self._no_svd():
            return quadratic_prox(self, y, v, step)
        return spectral.prox(self._spectrum(v), y, v, step)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """The Gaussian p(y | x) N(x; v, rho²), sampled exactly; see `gaussian`."""
        if self._no_svd():
            perturbed, scale = self.sample(y, generator), per_row(rho, v)
            start = v + scale * normal(v, generator)
            return self.prox(perturbed, start, scale.square().flatten())
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
        """Raise `InputError` if A can't be inverted for measurements like y."""
        undone(self.A, y)

    def withdrawn(self) -> Mapping[type, str]:
        """What needs the singular basis of A, where it has none."""
        lack = self._no_svd()
        if lack is None:
            return {}
        why = f"its filter {self.A!r} has no SVD: {lack}"
        return dict.fromkeys((Annealed, Spectral), why)

    def _no_svd(self) -> str | None:
        return lacks(self.A, HasSVD)

    def _spectrum(self, x: Tensor) -> Spectrum:
        def make() -> Spectrum:
            svd = self.A.svd(tuple(x.shape[1:]))
            return Spectrum((self.sigma * svd.s).to(x), svd.v, svd.vt, svd.vt)

        return self._memo.get((x.shape[1:], x.dtype, x.device), make)
