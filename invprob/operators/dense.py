"""Any matrix, for images small enough that it fits into memory.

    y = H x,   x flattened in the order of its axes

The decomposition is `torch.linalg.svd`'s, in float64, computed on first use and kept: O(n³) time
and O(n²) memory for n pixels, so 64 x 64 pixels are near the end of what is comfortable. The
structured operators need no matrix.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import SVD, Invertible, Shape
from ..errors import InputError
from .factors import Factors, decompose
from .memo import Memo
from .planes import constant, given_shape


def _matrix(value: object) -> Tensor:
    if isinstance(value, Tensor) and value.layout != torch.strided:
        raise InputError(
            f"matrix is sparse ({value.layout}); from_scipy(matrix, image_shape) takes it as it "
            "is, and Dense(matrix.to_dense(), image_shape) has a decomposition"
        )
    matrix = constant(value, "matrix")
    if matrix.ndim != 2 or not bool(matrix.any()):
        raise InputError(
            f"matrix has shape {tuple(matrix.shape)} and largest value "
            f"{float(matrix.abs().max())}; give one of shape (measurements, pixels), not zero"
        )
    return matrix


@frozen(eq=False, repr=False)
class Dense:
    """H x = matrix @ x.flatten(), y of shape `(B, m)`.

    Args:
        matrix: `(m, n)`, real.
        image_shape: the shape of the images, without the batch; n pixels in all.

    Raises:
        InputError: matrix is not a finite, nonzero matrix, or its columns are not the image's
            pixels; in use: another image shape, or nothing to invert (`inverse`).

    >>> import torch, invprob as ip
    >>> sums = ip.Dense([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]], image_shape=(1, 2, 2))
    >>> sums
    Dense(2x4, image_shape=(1, 2, 2))
    >>> sums.forward(torch.tensor([[[[0.1, 0.2], [0.3, 0.4]]]]))
    tensor([[0.3000, 0.7000]])
    """

    matrix: Tensor = field(converter=_matrix)
    _shape: Shape = field(alias="image_shape", converter=given_shape)
    _memo: Memo[Factors] = field(factory=Memo, init=False)
    _casts: Memo[Tensor] = field(factory=lambda: Memo(8), init=False)

    def __attrs_post_init__(self) -> None:
        pixels = math.prod(self._shape)
        if self.matrix.shape[1] != pixels:
            raise InputError(
                f"a matrix of shape {tuple(self.matrix.shape)} takes {self.matrix.shape[1]} "
                f"pixels, but images of shape {self._shape} have {pixels}"
            )

    @classmethod
    def from_file(cls, file: str | Path, image_shape: Shape) -> Dense:
        """The matrix in a .npy file, as `numpy.save` writes it.

        Args:
            file: of an array `(m, n)`.
            image_shape: the shape of the images, without the batch; n pixels in all.

        Raises:
            InputError: the file can't be read as such, or its array is no such matrix.
        """
        try:
            matrix = np.load(Path(file), allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{file} can't be read as a matrix: {error}; give a .npy file from numpy.save"
            ) from None
        if not isinstance(matrix, np.ndarray):
            raise InputError(f"{file} holds several arrays; give a .npy file with one matrix")
        return cls(matrix, image_shape)

    def forward(self, x: Tensor, /) -> Tensor:
        """The product with each image."""
        self.out_shape(tuple(x.shape[1:]))
        return x.flatten(1) @ self._cast("matrix", self.matrix, x).mT

    def adjoint(self, y: Tensor, /) -> Tensor:
        """The product with the transposed matrix."""
        shape = self.image_shape(tuple(y.shape[1:]))
        return (y @ self._cast("matrix", self.matrix, y)).reshape(-1, *shape)

    def takes(self) -> Shape:
        """The image shape given."""
        return self._shape

    def out_shape(self, shape: Shape, /) -> Shape:
        """The number of rows; `InputError` for another image shape than the one given."""
        if tuple(shape) != self._shape:
            raise InputError(f"{self!r} does not take images of shape {tuple(shape)}")
        return (self.matrix.shape[0],)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The image shape given; `InputError` for another number of measurements than of rows."""
        if tuple(shape) != (self.matrix.shape[0],):
            raise InputError(
                f"{self!r} makes measurements of shape ({self.matrix.shape[0]},), not "
                f"{tuple(shape)}; give y of shape (B, {self.matrix.shape[0]})"
            )
        return self._shape

    def is_orthogonal(self) -> bool:
        """Whether the matrix is square and orthogonal to 1e-12."""
        m, n = self.matrix.shape
        eye = torch.eye(n, dtype=torch.float64)
        return m == n and float((self.matrix.mT @ self.matrix - eye).abs().max()) < 1e-12

    def withdrawn(self) -> Mapping[type, str]:
        """No inverse, unless the matrix is square."""
        m, n = self.matrix.shape
        if m == n:
            return {}
        return {Invertible: f"its matrix of {m}x{n} is not square"}

    def svd(self, shape: Shape, /) -> SVD:
        """The decomposition of the matrix; the spectral domain is flat, `(n,)`."""
        self.out_shape(shape)
        u, s, v = self._factors()
        return SVD(
            s.clone(),
            lambda w: (w @ self._cast("v", v, w).mT).reshape(-1, *self._shape),
            lambda x: x.flatten(1) @ self._cast("v", v, x),
            lambda w: w @ self._cast("u", u, w).mT,
            lambda y: y @ self._cast("u", u, y),
        )

    def inverse(self, y: Tensor, /) -> Tensor:
        """The image that the matrix takes to y; `InputError` for a singular matrix."""
        shape = self.image_shape(tuple(y.shape[1:]))
        u, s, v = self._nonsingular()
        w = y @ self._cast("u", u, y) / s.to(y)
        return (w @ self._cast("v", v, y).mT).reshape(-1, *shape)

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """H⁻ᵀ x; `InputError` for a singular matrix."""
        self.out_shape(tuple(x.shape[1:]))
        u, s, v = self._nonsingular()
        w = x.flatten(1) @ self._cast("v", v, x) / s.to(x)
        return w @ self._cast("u", u, x).mT

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """The sum of the logarithms of the singular values."""
        self.out_shape(shape)
        return self._nonsingular()[1].log().sum()

    def _factors(self) -> Factors:
        return self._memo.get("svd", lambda: decompose(self.matrix))

    def _cast(self, name: str, matrix: Tensor, x: Tensor) -> Tensor:
        """One of the matrices, in the precision and on the device of x."""
        return self._casts.get((name, x.dtype, x.device), lambda: matrix.to(x))

    def _nonsingular(self) -> Factors:
        u, s, v = self._factors()
        rank = int((s > 0).sum())
        if u.shape[0] != u.shape[1] or rank < u.shape[1]:
            raise InputError(
                f"{self!r} can't be inverted: its rank is {rank}, but images have "
                f"{self.matrix.shape[1]} pixels; svd(shape) works for all"
            )
        return u, s, v

    def __repr__(self) -> str:
        m, n = self.matrix.shape
        return f"Dense({m}x{n}, image_shape={self._shape})"
