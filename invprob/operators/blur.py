"""Blur with circular borders, any kernel: the image wraps around.

    y = F* diag(g) F x,   g = the DFT of the kernel, centred

Exact, in O(n log n): every map below is one real FFT, each way. With the Hartley basis Q (see
`fourier`) and the phase filter P = F* diag(g / |g|) F, which is real and orthogonal,

    H = U S Vᵀ,   V = Q,   U = P Q,   s = |g|,

for kernels of any size, symmetric or not. |g[-k]| = |g[k]|, so singular values come in pairs, and
the decomposition is one of many. Where g is zero, the blur is blind and s is zero (a uniform
kernel on an image whose side it divides, for example).

The measurement model wraps around; a photograph does not. Cut or taper its borders, or use a blur
with other borders (`SeparableBlur`).
"""

from __future__ import annotations

from attrs import field, frozen
from torch import Tensor

from ..contracts import SVD, Shape
from ..errors import InputError
from . import kernels
from .fourier import from_half, half_of_hartley, hartley_of_half, to_half, transfer
from .memo import Memo
from .planes import broadcasts, constant, plane


def _kernel(value: object) -> Tensor:
    kernel = constant(value, "kernel")
    if kernel.ndim < 2:
        raise InputError(
            f"kernel has shape {tuple(kernel.shape)}; give (h, w), or (C, h, w) for one a channel"
        )
    if not bool(kernel.any()):
        raise InputError(f"kernel of shape {tuple(kernel.shape)} is 0 everywhere")
    return kernel


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
        InputError: kernel is not finite, empty, zero, or of less than two axes; in use: it is
            larger than the image, or there is nothing to invert (`inverse`).

    >>> import torch, invprob as ip
    >>> blur = ip.CircularBlur(torch.full((1, 2), 0.5))
    >>> blur
    CircularBlur(kernel=1x2)
    >>> blur.forward(torch.tensor([[[[1.0, 0.0, 0.0, 0.0]]]])).round(decimals=3)
    tensor([[[[0.5000, 0.0000, 0.0000, 0.5000]]]])
    """

    kernel: Tensor = field(converter=_kernel)
    _memo: Memo[Tensor] = field(factory=lambda: Memo(8), init=False)

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

    def forward(self, x: Tensor, /) -> Tensor:
        """The convolution of x with the kernel."""
        return self._filter(x, self._half("transfer", x))

    def adjoint(self, y: Tensor, /) -> Tensor:
        """The correlation of y with the kernel."""
        return self._filter(y, self._half("transfer", y).conj())

    def out_shape(self, shape: Shape, /) -> Shape:
        """The image's shape; `InputError` if the kernel does not fit into it."""
        size = plane(shape, self)
        h, w = self.kernel.shape[-2:]
        if h > size[0] or w > size[1]:
            raise InputError(
                f"a kernel of {h}x{w} pixels is larger than an image of {size[0]}x{size[1]}, "
                f"shape {tuple(shape)}; crop the kernel or pad the image"
            )
        if not broadcasts(self.kernel.shape[:-2], tuple(shape[:-2])):
            raise InputError(
                f"a kernel of shape {tuple(self.kernel.shape)} does not fit images of shape "
                f"{tuple(shape)}; give (h, w), or (C, h, w) with one kernel for each channel"
            )
        return tuple(shape)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape; `InputError` if the kernel does not fit into it."""
        return self.out_shape(shape)

    def svd(self, shape: Shape, /) -> SVD:
        """V = Q (Hartley), U = P Q, s = |g|: each map is one FFT."""
        size = plane(self.out_shape(shape), self)

        def v(w: Tensor) -> Tensor:
            return from_half(half_of_hartley(w), size)

        def vt(x: Tensor) -> Tensor:
            return hartley_of_half(to_half(x), size[1])

        def u(w: Tensor) -> Tensor:
            return from_half(half_of_hartley(w) * self._half("phase", w), size)

        def ut(y: Tensor) -> Tensor:
            return hartley_of_half(to_half(y) * self._half("phase", y).conj(), size[1])

        return SVD(self._transfer(size).abs().expand(shape).clone(), v, vt, u, ut)

    def inverse(self, y: Tensor, /) -> Tensor:
        """The image whose blur is y; `InputError` where the transfer function has zeros."""
        self._check_invertible(tuple(y.shape[1:]))
        return self._filter(y, self._half("inverse", y))

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """H⁻ᵀ x; `InputError` where the transfer function has zeros."""
        self._check_invertible(tuple(x.shape[1:]))
        return self._filter(x, self._half("inverse", x).conj())

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """Sum of log |g|; `InputError` where the transfer function has zeros."""
        self._check_invertible(shape)
        size = plane(shape, self)
        return self._transfer(size).abs().log().expand(shape).sum()

    def __repr__(self) -> str:
        return f"CircularBlur(kernel={'x'.join(map(str, self.kernel.shape))})"

    def _filter(self, x: Tensor, half: Tensor) -> Tensor:
        return from_half(to_half(x) * half, plane(tuple(x.shape[1:]), self))

    def _transfer(self, size: tuple[int, int]) -> Tensor:
        return self._memo.get(size, lambda: transfer(self.kernel, size))

    def _half(self, which: str, x: Tensor) -> Tensor:
        """A half spectrum derived from the transfer function, for images like x."""
        size = plane(self.out_shape(tuple(x.shape[1:])), self)

        def make() -> Tensor:
            g = self._transfer(size)[..., : size[1] // 2 + 1]
            g = {"transfer": lambda: g, "phase": g.sgn, "inverse": g.reciprocal}[which]()
            return g.to(x.device, x.dtype.to_complex())

        return self._memo.get((which, size, x.dtype, x.device), make)

    def _check_invertible(self, shape: Shape) -> None:
        self.out_shape(shape)
        zeros = int((self._transfer(plane(shape, self)) == 0).sum())
        if zeros:
            raise InputError(
                f"{self!r} can't be inverted for images of shape {tuple(shape)}: its transfer "
                f"function is zero at {zeros} frequencies; a kernel without zeros (gaussian1) or "
                "another image size can be, and svd(shape) works for all"
            )
