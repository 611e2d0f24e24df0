"""Blur with circular borders, any kernel: the image wraps around.

    y = F* diag(g) F x,   g = the DFT of the kernel, centred

Exact, in O(n log n): forward and adjoint are a pair of real FFTs, each map of the decomposition is
one. With the Hartley basis Q (see `fourier`) and the phase filter P = F* diag(g / |g|) F, which is
real and orthogonal,

    H = U S Vᵀ,   V = Q,   U = P Q,   s = |g|,

for kernels of any size, symmetric or not. |g[-k]| = |g[k]|, so singular values come in pairs, and
the decomposition is one of many. Where g is zero, the blur is blind and s is zero (a uniform
kernel on an image whose side it divides, for example).

The measurement model wraps around; a photograph does not. `Blur` is for those.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import field, frozen
from torch import Tensor

from ..contracts import SVD, Shape
from ..errors import InputError
from . import kernels
from .filters import Filter
from .fourier import from_half, half_of_hartley, hartley_of_half, to_half


@frozen(eq=False, repr=False)
class CircularBlur:
    """H x = kernel * x, circular convolution of the last two axes.

    y[i] = sum over j of kernel[j] x[i - (j - c)], indices modulo the image's size. The centre c is
    `(h // 2, w // 2)`: the middle of an odd kernel.

    Args:
        kernel: `(h, w)` for all channels, or anything that broadcasts: `(C, h, w)` for one kernel
            per channel. Any sizes, even ones too; not larger than the image. Not normalised: give
            a kernel of sum 1 to keep the brightness.

    Raises:
        InputError: kernel is not finite, empty, zero, of less than two axes, or one for each image
            of a batch; in use: it is larger than the image, or there is nothing to invert
            (`inverse`).

    >>> import torch, invprob as ip
    >>> blur = ip.CircularBlur(torch.full((1, 2), 0.5))
    >>> blur
    CircularBlur(kernel=1x2)
    >>> blur.forward(torch.tensor([[[[1.0, 0.0, 0.0, 0.0]]]])).round(decimals=3)
    tensor([[[[0.5000, 0.0000, 0.0000, 0.5000]]]])
    """

    _filter: Filter = field(converter=Filter, alias="kernel")

    @classmethod
    def named(cls, kernel: str) -> CircularBlur:
        """The blur with a kernel of this name: `uniform5`, `gaussian1.5`, `motion9@30`.

        Args:
            kernel: `uniformSIZE`, `gaussianSIGMA` or `motionLENGTH@ANGLE`, in pixels and degrees.

        Raises:
            InputError: no kernel is called so.

        >>> import invprob as ip
        >>> ip.CircularBlur.named("uniform5")
        CircularBlur(kernel=5x5)
        """
        return cls(kernels.named(kernel))

    @classmethod
    def from_file(cls, file: str | Path) -> CircularBlur:
        """The blur with a measured kernel, a point-spread function.

        Args:
            file: an image of it, PNG, TIFF, FITS or NPY, with odd sides and the centre in the
                middle pixel; colours are averaged, and the values divided by their sum.

        Raises:
            InputError: the file can't be read, has an even side, or values that are negative, not
                finite, or all 0.
        """
        return cls(kernels.from_file(file))

    @property
    def kernel(self) -> Tensor:
        """The kernel, float64."""
        return self._filter.kernel

    def forward(self, x: Tensor, /) -> Tensor:
        """The convolution of x with the kernel."""
        return self._filter.apply("transfer", x)

    def adjoint(self, y: Tensor, /) -> Tensor:
        """The correlation of y with the kernel."""
        return self._filter.apply_adjoint("transfer", y)

    def out_shape(self, shape: Shape, /) -> Shape:
        """The image's shape; `InputError` if the kernel does not fit into it."""
        self._filter.size(shape)
        return tuple(shape)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape; `InputError` if the kernel does not fit into it."""
        return self.out_shape(shape)

    def acts_on(self) -> Literal["plane"] | None:
        """Each channel alone, unless channels have kernels of their own."""
        return None if self._filter.per_channel() else "plane"

    def svd(self, shape: Shape, /) -> SVD:
        """V = Q (Hartley), U = P Q, s = |g|: each map is one FFT."""
        size = self._filter.size(shape)

        def v(w: Tensor) -> Tensor:
            return from_half(half_of_hartley(w), size)

        def vt(x: Tensor) -> Tensor:
            return hartley_of_half(to_half(x), size[1])

        def u(w: Tensor) -> Tensor:
            return from_half(half_of_hartley(w) * self._filter.half("phase", w), size)

        def ut(y: Tensor) -> Tensor:
            return hartley_of_half(to_half(y) * self._filter.half("phase", y).conj(), size[1])

        return SVD(self._filter.transfer(shape).abs().expand(shape).clone(), v, vt, u, ut)

    def inverse(self, y: Tensor, /) -> Tensor:
        """The image whose blur is y; `InputError` where the transfer function has zeros."""
        self._nonzero(tuple(y.shape[1:]))
        return self._filter.apply("inverse", y)

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """H⁻ᵀ x; `InputError` where the transfer function has zeros."""
        self._nonzero(tuple(x.shape[1:]))
        return self._filter.apply_adjoint("inverse", x)

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """The sum of log |g|; `InputError` where the transfer function has zeros."""
        return self._nonzero(shape).abs().log().expand(shape).sum()

    def _nonzero(self, shape: Shape) -> Tensor:
        g = self._filter.transfer(shape)
        zeros = int((g == 0).sum())
        if zeros:
            raise InputError(
                f"{self!r} can't be inverted for images of shape {tuple(shape)}: its transfer "
                f"function is zero at {zeros} frequencies; a kernel without zeros (gaussian1) or "
                "another image size can be, and svd(shape) works for all"
            )
        return g

    def __repr__(self) -> str:
        return f"CircularBlur(kernel={self._filter.taps()})"
