"""Linear operators: how an image becomes a measurement before the noise."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from attrs import frozen
from torch import Tensor

from .parts import Map, Shape


@runtime_checkable
class LinearOperator(Protocol):
    """A linear map H from images to measurements, and its adjoint.

    One that changes the shape says of what images a measurement is by `image_shape(shape)` (see
    `InfersImageShape`), or `Problem` is told the image's shape.
    """

    def forward(self, x: Tensor, /) -> Tensor:
        """H x, from `(B, *image)` to `(B, *measurement)`."""

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Hᵀ y, from `(B, *measurement)` to `(B, *image)`."""

    def out_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape for an image of this shape; `InputError` if it can't be."""


@frozen(eq=False)
class SVD:
    """H = U S Vᵀ for images of one shape, as functions: nothing dense.

    The spectral domain has one coordinate for each pixel, in any array shape; `s` has that shape.
    `v` and `vt` are orthogonal maps between it and the image. `ut` takes a measurement to the
    spectral domain (zero where `s` is zero); `u` is its adjoint, so Uᵀ U = I where `s > 0`.

    Attributes:
        s: singular values, `(*spectral)`, all >= 0, not sorted; zero where H is blind.
        v: V, `(B, *spectral)` to `(B, *image)`.
        vt: Vᵀ, `(B, *image)` to `(B, *spectral)`.
        u: U, `(B, *spectral)` to `(B, *measurement)`.
        ut: Uᵀ, `(B, *measurement)` to `(B, *spectral)`.
    """

    s: Tensor
    v: Map
    vt: Map
    u: Map
    ut: Map


@runtime_checkable
class HasSVD(Protocol):
    """A linear map whose singular value decomposition is at hand."""

    def svd(self, shape: Shape, /) -> SVD:
        """The decomposition for images of this shape."""


@runtime_checkable
class Invertible(Protocol):
    """A linear map that can be undone."""

    def inverse(self, y: Tensor, /) -> Tensor:
        """A⁻¹ y."""

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """A⁻ᵀ x."""

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """Log |det A| for images of this shape, a tensor of shape `()`."""
