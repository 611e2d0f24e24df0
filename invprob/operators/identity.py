"""The identity: the measurement is the image itself, plus noise (denoising).

Everything is exact: H = U = V = I and s = 1.
"""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor

from ..contracts import SVD, Shape


def _same(x: Tensor) -> Tensor:
    return x


@frozen
class Identity:
    """H x = x, for images of any shape.

    >>> import torch, invprob as ip
    >>> x = torch.rand(1, 3, 8, 8)
    >>> bool(torch.equal(ip.Identity().forward(x), x))
    True
    """

    def forward(self, x: Tensor, /) -> Tensor:
        """X itself."""
        return x

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Y itself."""
        return y

    def out_shape(self, shape: Shape, /) -> Shape:
        """The image's shape."""
        return tuple(shape)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape."""
        return tuple(shape)

    def svd(self, shape: Shape, /) -> SVD:
        """All singular values are 1."""
        return SVD(torch.ones(shape, dtype=torch.float64), _same, _same, _same, _same)

    def inverse(self, y: Tensor, /) -> Tensor:
        """Y itself."""
        return y

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """X itself."""
        return x

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """0."""
        return torch.zeros((), dtype=torch.float64)

    def is_orthogonal(self) -> bool:
        """It is."""
        return True

    def diagonal(self, shape: Shape, /) -> Tensor:
        """1: each pixel is measured by itself."""
        return torch.ones((), dtype=torch.float64)
