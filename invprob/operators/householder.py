"""An orthonormal basis that starts with a given vector, without storing it.

For a unit vector u with u₁ >= 0, and v = u + e₁,

    V = v vᵀ / (1 + u₁) - I

is symmetric, orthogonal, its own inverse, and V e₁ = u: a Householder reflection, up to its sign,
which is chosen so that nothing cancels. The other columns complete the basis: they span what an
operator with the single row uᵀ is blind to. A product costs O(n).

A. S. Householder, Unitary Triangularization of a Nonsymmetric Matrix, J. ACM 5 (1958).
"""

from __future__ import annotations

from torch import Tensor

from ..contracts import Shape


def first(x: Tensor, axes: Shape, /) -> Tensor:
    """A view of the entries with index 0 along these axes, which stay, with length 1."""
    for axis in axes:
        x = x.narrow(axis, 0, 1)
    return x


def axis_of(unit: Tensor, axes: Shape, /) -> Tensor:
    """The vector v = u + e₁ for vectors u that lie along these axes; `u₁ >= 0`."""
    v = unit.clone()
    first(v, axes).add_(1)
    return v


def reflect(x: Tensor, v: Tensor, axes: Shape, /) -> Tensor:
    """V x for the vectors along these axes.

    Args:
        x: `(B, ...)`.
        v: what `axis_of` made; broadcasts with x.
        axes: the axes that one vector fills, negative.

    >>> import torch
    >>> v = axis_of(torch.tensor([0.6, 0.8]), (-1,))
    >>> reflect(torch.tensor([1.0, 0.0]), v, (-1,))
    tensor([0.6000, 0.8000])
    """
    return v * ((v * x).sum(axes, keepdim=True) / first(v, axes)) - x
