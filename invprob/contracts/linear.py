"""A likelihood as Gaussian noise on a linear measurement, near one image.

Exactly, for a linear operator with Gaussian noise; near one image, for any other noise that sees
H x. It is what is left where H has no singular basis: products with H and Hᵀ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from attrs import frozen
from torch import Tensor

from .parts import Map


@frozen(eq=False)
class Linearised:
    """A linear measurement that stands in for p(y | x) near one image: `w = H x + sd n`.

    Attributes:
        w: what it takes for measured, `(B, *measurement)`.
        sd: noise of each entry, > 0; it broadcasts to w, and is +inf where y says nothing.
        forward: H, `(B, *image)` to `(B, *measurement)`.
        adjoint: Hᵀ, `(B, *measurement)` to `(B, *image)`.
        inverse: from rates, `(B,)`, to about the inverse of I + rate Hᵀ diag(sd)⁻² H, symmetric
            and positive definite: a preconditioner. None where there is none.
    """

    w: Tensor
    sd: Tensor
    forward: Map
    adjoint: Map
    inverse: Callable[[Tensor], Map] | None = None


@runtime_checkable
class LocallyLinear(Protocol):
    """A likelihood that looks like Gaussian noise on a linear measurement near any image."""

    def linearised(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Linearised:
        """The measurement with the gradient and curvature of p(y | x) within about `sigma` of x.

        `sigma` > 0 is `()` or `(B,)`. As it falls, the gradient Hᵀ (w - H x) / sd² at x becomes
        that of log p(y | x).
        """
