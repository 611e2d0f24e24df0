"""Correlated noise: y = A w, where w is any noise of x and A an invertible filter after it.

The noise is filtered and the image with it; A w is known exactly from y, so every capability of
the noise has its counterpart at w = A⁻¹ y:

    log p(y | x) = log p_w(A⁻¹ y | x) - log |det A|        (without the last term on a lattice)
    ∇ₓ           = ∇ₓ log p_w at A⁻¹ y                     and so prox and sampling
    ∇_y          = A⁻ᵀ ∇_w log p_w at A⁻¹ y
    s(y) = f(x, y)  is  Aᵀ s = f_w(x, A⁻¹ y).

Nothing is approximate. `Gaussian(sigma, operator=H)` puts a linear map before the noise, y = H x +
sigma n; this puts one after it. Both may be used at once.

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384 (algorithm 4)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from attrs import evolve, field, frozen
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import (
    ChecksMeasurement,
    Invertible,
    Linearised,
    LinearOperator,
    Shape,
    Spectrum,
    Surrogate,
)
from ..errors import InputError
from ..streams import generator
from .checks import DARKEST
from .delegation import a_likelihood, equation_of, image_shape_of, withdrawn_by
from .observed import Observed
from .pixelwise import OnLattice
from .rows import normal

LOST = 1e-2
"""The error of A⁻¹ A z, for a z of size 1, from which on A counts as singular."""


def invertible(_: object, __: object, operator: object) -> None:
    """A validator: a linear operator that can be undone."""
    for capability in (LinearOperator, Invertible):
        if isinstance(operator, type) or (lack := lacks(operator, capability)):
            reason = "it is a class; give an instance" if isinstance(operator, type) else lack
            raise InputError(
                f"A={operator!r} can't correlate noise, which takes an invertible linear map: "
                f"{reason}. CorrelationFilter() and CircularBlur(kernel) without zeros can be "
                "undone; to blur the image before the noise use Gaussian(sigma, operator=H)"
            )


def undone(operator: Any, y: Tensor, /) -> Tensor:
    """A⁻¹ y; `InputError` if A is singular, or so nearly that y's precision does not suffice."""
    w: Tensor = operator.inverse(y)
    probe = normal(y[:1], generator(0))
    error = float((operator.inverse(operator.forward(probe)) - probe).abs().amax())
    if not error <= LOST:
        raise InputError(
            f"A={operator!r} can hardly be inverted: in {y.dtype} A⁻¹ A z differs from a standard "
            f"normal z by {error:.2g}; give a filter that blurs less, or more digits: y.double()"
        )
    return w


def log_abs_det(operator: Any, y: Tensor, /) -> Tensor:
    """The number log |det A| for a measurement like y, `()`."""
    value: Tensor = operator.log_abs_det(tuple(y.shape[1:]))
    return value.to(y)


@frozen
class Correlated:
    """y = A w with w ~ p_w(w | x).

    Args:
        noise: the law of w, any likelihood whose measurement A can be applied to.
        A: the filter, an invertible linear operator.

    Raises:
        InputError: noise is no likelihood, or A can't be inverted; for some filters that depends
            on the image's size, and is found out in use.

    >>> import torch, invprob as ip
    >>> A = ip.CircularBlur(torch.tensor([[0.2, 0.8]]))
    >>> noise = ip.Correlated(ip.Gamma(alpha=26), A)
    >>> y = noise.sample(torch.full((1, 1, 4, 4), 0.5), ip.generator(0))
    >>> noise.log_prob(y, torch.full_like(y, 0.5)).shape
    torch.Size([1])

    Formulas: help("invprob.likelihoods.correlated").
    """

    noise: Any = field(validator=a_likelihood)
    A: Any = field(validator=invertible)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Draw w, and filter it."""
        y: Tensor = self.A.forward(self.noise.sample(x, generator))
        return y

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """That of the noise at A⁻¹ y, minus log |det A|; on a lattice it stays what it is."""
        value: Tensor = self.noise.log_prob(self.A.inverse(y), x)
        if _counts(self.noise):
            return value
        return value - log_abs_det(self.A, y)

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """That of the noise at A⁻¹ y."""
        gradient: Tensor = self.noise.grad_x(self.A.inverse(y), x)
        return gradient

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """A⁻ᵀ times that of the noise at A⁻¹ y."""
        score: Tensor = self.A.inverse_adjoint(self.noise.score_y(self.A.inverse(y), x))
        return score

    def equation(self, y: Tensor, x: Tensor, /) -> Tensor:
        """A⁻ᵀ times that of the noise at A⁻¹ y, whose `match_score` solves it."""
        score: Tensor = self.A.inverse_adjoint(equation_of(self.noise, self.A.inverse(y), x))
        return score

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """That of the noise at A⁻¹ y, for the score Aᵀ s."""
        image: Tensor = self.noise.match_score(self.A.inverse(y), self.A.adjoint(s), x)
        return image

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """That of the noise at A⁻¹ y."""
        image: Tensor = self.noise.prox(self.A.inverse(y), v, step)
        return image

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """That of the noise at A⁻¹ y."""
        image: Tensor = self.noise.sample_given(self.A.inverse(y), v, rho, generator)
        return image

    def annealed_score(
        self, y: Tensor, x: Tensor, prior_score: Tensor, sigma: Tensor, /
    ) -> Tensor:
        """That of the noise at A⁻¹ y."""
        score: Tensor = self.noise.annealed_score(self.A.inverse(y), x, prior_score, sigma)
        return score

    def spectrum(self, shape: Shape, /) -> Spectrum:
        """That of the noise, which observes A⁻¹ y."""
        spectrum: Spectrum = self.noise.spectrum(shape)
        return evolve(spectrum, observe=lambda y: spectrum.observe(self.A.inverse(y)))

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """That of the noise at A⁻¹ y."""
        surrogate: Surrogate = self.noise.surrogate(self.A.inverse(y), x, sigma)
        return surrogate

    def linearised(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Linearised:
        """That of the noise at A⁻¹ y."""
        linear: Linearised = self.noise.linearised(self.A.inverse(y), x, sigma)
        return linear

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if A can't be inverted, or A⁻¹ y is impossible for the noise."""
        w = self.undo(y)
        if isinstance(self.noise, ChecksMeasurement):
            rounding = 64 * torch.finfo(w.dtype).eps * w.abs().amax()  # of A⁻¹ A
            hidden = (w.abs() <= rounding) & (rounding > DARKEST / 10)
            if not _counts(self.noise):
                w = torch.where(hidden, rounding, w)  # a black pixel can't be told from a dark one
            try:
                self.noise.check_measurement(w)
            except InputError as error:
                raise InputError(f"in A⁻¹ y, {error}", typed=error.typed) from None

    def undo(self, y: Tensor, /) -> Tensor:
        """The unfiltered w = A⁻¹ y; `InputError` if A does not fit y, or can't be inverted."""
        made = tuple(self.A.out_shape(tuple(y.shape[1:])))
        if made != tuple(y.shape[1:]):
            raise InputError(
                f"A={self.A!r} makes {made} of measurements of shape {tuple(y.shape[1:])}; noise "
                "is correlated by a map that keeps the shape"
            )
        return undone(self.A, y)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The noise's: A keeps the shape of a measurement."""
        return image_shape_of(self.noise, shape)

    def withdrawn(self) -> Mapping[type, str]:
        """What the noise does not have either."""
        return withdrawn_by(self.noise)


def _counts(noise: object) -> bool:
    """Whether measurements are discrete, so that p(y | x) is a probability, which A leaves."""
    if isinstance(noise, Correlated | Observed):
        return _counts(noise.noise)
    return lacks(noise, OnLattice) is None
