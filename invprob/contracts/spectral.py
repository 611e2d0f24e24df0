"""The singular basis: a likelihood as independent Gaussian observations of coordinates.

Exactly, for a linear operator with Gaussian noise (`Spectrum`, the same for every y); near one
image, for any other noise (`Surrogate`, for one y).
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from attrs import frozen
from torch import Tensor

from .parts import Map, Shape


@frozen(eq=False)
class Spectrum:
    """A linear-Gaussian measurement in the right singular basis: `w = Vᵀx + sd n`.

    This is all that a spectral solver may know of H, U and the noise (pseudo-observations,
    Kawar et al. 2021, SNIPS). Attributes:
        sd: noise of each coordinate, sigma / s, `(*spectral)`; +inf where nothing was measured.
        v: V, `(B, *spectral)` to `(B, *image)`.
        vt: Vᵀ, `(B, *image)` to `(B, *spectral)`.
        observe: y to w = (Uᵀ y) / s, `(B, *measurement)` to `(B, *spectral)`; 0 where sd is inf.
    """

    sd: Tensor
    v: Map
    vt: Map
    observe: Map


@runtime_checkable
class Spectral(Protocol):
    """A linear-Gaussian likelihood whose singular value decomposition is at hand."""

    def spectrum(self, shape: Shape, /) -> Spectrum:
        """The pseudo-observations for images of this shape."""


@frozen(eq=False)
class Surrogate:
    """A Gaussian that stands in for p(y | x) near one image: `w = Vᵀx + sd n`.

    Attributes:
        w: what it takes for measured, `(B, *spectral)`.
        sd: noise of each coordinate, `(B, *spectral)`; +inf where y says nothing.
        v: V, `(B, *spectral)` to `(B, *image)`.
        vt: Vᵀ, `(B, *image)` to `(B, *spectral)`.
    """

    w: Tensor
    sd: Tensor
    v: Map
    vt: Map


@runtime_checkable
class LocallyGaussian(Protocol):
    """A likelihood that looks like a Gaussian near any image: what a sampler makes of it."""

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian with the gradient and curvature of p(y | x) within about `sigma` of x.

        `sigma` > 0 is `()` or `(B,)`. As it falls, the gradient V (w - Vᵀx) / sd² of the Gaussian
        at x becomes that of log p(y | x).
        """
