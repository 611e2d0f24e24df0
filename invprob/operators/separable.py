"""Blur along the rows and along the columns, with real borders.

    Y = A X Bᵀ

A and B are square and small, one side of the image each, banded. Their decompositions make that of
the whole (the singular value decomposition of a Kronecker product is the product of two),

    H = B (x) A,   V = V_B (x) V_A,   U = U_B (x) U_A,   s[i, j] = s_A[i] s_B[j],

so nothing is ever as large as the square of the image: O(n^1.5) time and O(n) memory for n pixels.
The array of singular values keeps the image's two axes, and is not sorted. Where none of them is
zero the blur has an inverse, in theory: it divides by the least of them, and noise with it.

The borders can be any of those in `boundaries`.
"""

from __future__ import annotations

from typing import Literal

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import SVD, Map, Shape
from ..errors import InputError
from . import kernels
from .boundaries import Boundary, convolution_matrix, known_boundary
from .factors import Factors, decompose
from .memo import Memo
from .planes import constant, plane


def _profile(value: object) -> Tensor:
    profile = constant(value, "a profile")
    if profile.ndim != 1 or not bool(profile.any()):
        raise InputError(
            f"a profile of shape {tuple(profile.shape)} and largest value "
            f"{float(profile.abs().max())}; give one axis of taps, not all of them 0"
        )
    return profile


def _two_sided(a: Tensor, b: Tensor) -> Map:
    """The map from x to a x bᵀ, in the precision of x."""
    return lambda x: a.to(x) @ x @ b.to(x).mT


@frozen(eq=False, repr=False)
class SeparableBlur:
    """H x = A x Bᵀ: one profile down the rows, one along the columns.

    Args:
        kernel_rows: taps `(h,)` of the convolution across the rows, the axis H; the centre is tap
            `h // 2`. Not longer than the image is high.
        kernel_columns: taps `(w,)` of the convolution across the columns, the axis W.
        boundary: "zero", "replicate", "reflect" or "circular"; see
            `invprob.operators.boundaries`.

    Raises:
        InputError: a profile is not one axis of finite numbers, or zero; the boundary is unknown;
            in use: a profile is longer than the image.

    >>> import torch, invprob as ip
    >>> blur = ip.SeparableBlur([0.5, 0.5], [1.0], boundary="replicate")
    >>> blur
    SeparableBlur(kernel=2x1, boundary='replicate')
    >>> blur.forward(torch.tensor([[[[0.0], [1.0], [0.0]]]])).flatten()
    tensor([0.5000, 0.5000, 0.0000])
    """

    kernel_rows: Tensor = field(converter=_profile)
    kernel_columns: Tensor = field(converter=_profile)
    boundary: Boundary = field(default="reflect", converter=known_boundary)
    _memo: Memo[Factors] = field(factory=Memo, init=False)
    _matrices: Memo[Tensor] = field(factory=lambda: Memo(8), init=False)

    @classmethod
    def named(cls, kernel: str, boundary: Boundary = "reflect") -> SeparableBlur:
        """The blur with a kernel of this name, if it is a product of two profiles.

        Args:
            kernel: `uniformSIZE` or `gaussianSIGMA`, in pixels.
            boundary: "zero", "replicate", "reflect" or "circular".

        Raises:
            InputError: no kernel is called so, or it is no product (a slanted motion).

        >>> import invprob as ip
        >>> ip.SeparableBlur.named("gaussian1")
        SeparableBlur(kernel=7x7, boundary='reflect')
        """
        square = kernels.named(kernel)
        rows, columns = square.sum(1), square.sum(0)
        if not torch.allclose(torch.outer(rows, columns), square * square.sum(), atol=1e-12):
            raise InputError(
                f"{kernel} is not a product of a profile down the rows and one along the columns; "
                f"Blur.named({kernel!r}) takes any kernel"
            )
        return cls(rows, columns / columns.sum(), boundary)

    def forward(self, x: Tensor, /) -> Tensor:
        """A x Bᵀ."""
        a, b = self._pair(x)
        return _two_sided(a, b)(x)

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Aᵀ y B."""
        a, b = self._pair(y)
        return _two_sided(a.mT, b.mT)(y)

    def out_shape(self, shape: Shape, /) -> Shape:
        """The image's shape; `InputError` if a profile does not fit into it."""
        height, width = plane(shape, self)
        h, w = len(self.kernel_rows), len(self.kernel_columns)
        if h > height or w > width:
            raise InputError(
                f"a kernel of {h}x{w} pixels is larger than an image of {height}x{width}, shape "
                f"{tuple(shape)}; crop the kernel or pad the image"
            )
        return tuple(shape)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape; `InputError` if a profile does not fit into it."""
        return self.out_shape(shape)

    def acts_on(self) -> Literal["plane"]:
        """Each channel alone."""
        return "plane"

    def svd(self, shape: Shape, /) -> SVD:
        """The product of two small decompositions, computed once per image size."""
        height, width = plane(self.out_shape(shape), self)
        u_rows, s_rows, v_rows = self._factors("rows", height)
        u_columns, s_columns, v_columns = self._factors("columns", width)
        return SVD(
            torch.outer(s_rows, s_columns).expand(shape).clone(),
            _two_sided(v_rows, v_columns),
            _two_sided(v_rows.mT, v_columns.mT),
            _two_sided(u_rows, u_columns),
            _two_sided(u_rows.mT, u_columns.mT),
        )

    def inverse(self, y: Tensor, /) -> Tensor:
        """A⁻¹ y B⁻ᵀ; `InputError` where a singular value is zero."""
        a, b = self._inverses(tuple(y.shape[1:]))
        return _two_sided(a, b)(y)

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """A⁻ᵀ x B⁻¹; `InputError` where a singular value is zero."""
        a, b = self._inverses(tuple(x.shape[1:]))
        return _two_sided(a.mT, b.mT)(x)

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """The sum of log s; `InputError` where a singular value is zero."""
        self._inverses(shape)
        return self.svd(shape).s.log().sum()

    def _inverses(self, shape: Shape) -> tuple[Tensor, Tensor]:
        height, width = plane(self.out_shape(shape), self)
        values = self._factors("rows", height)[1], self._factors("columns", width)[1]
        if any(bool((s == 0).any()) for s in values):
            raise InputError(
                f"{self!r} can't be inverted for images of shape {tuple(shape)}: singular values "
                "of it are zero; a shorter kernel has none, and svd(shape) works for all"
            )
        return self._inverse_of("rows", height), self._inverse_of("columns", width)

    def _inverse_of(self, axis: str, size: int) -> Tensor:
        def make() -> Tensor:
            u, s, v = self._factors(axis, size)
            return (v / s) @ u.mT

        return self._matrices.get(("inverse of", axis, size), make)

    def _pair(self, x: Tensor) -> tuple[Tensor, Tensor]:
        height, width = plane(self.out_shape(tuple(x.shape[1:])), self)
        return self._matrix("rows", height), self._matrix("columns", width)

    def _matrix(self, axis: str, size: int) -> Tensor:
        profile = self.kernel_rows if axis == "rows" else self.kernel_columns
        return self._matrices.get(
            (axis, size), lambda: convolution_matrix(profile, size, self.boundary)
        )

    def _factors(self, axis: str, size: int) -> Factors:
        return self._memo.get((axis, size), lambda: decompose(self._matrix(axis, size)))

    def __repr__(self) -> str:
        taps = f"{len(self.kernel_rows)}x{len(self.kernel_columns)}"
        return f"SeparableBlur(kernel={taps}, boundary={self.boundary!r})"
