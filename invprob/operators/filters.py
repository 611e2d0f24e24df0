"""A convolution kernel and its transfer functions, computed once per image size.

Shared by the operators that blur with circular borders. The kernel is kept in float64; half
spectra (see `fourier`) are handed out in the precision and on the device of the images.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import Shape
from ..errors import InputError
from .fourier import from_half, to_half, transfer
from .memo import Memo
from .planes import broadcasts, constant, plane, refuse_batch


def _kernel(value: object) -> Tensor:
    kernel = constant(value, "kernel")
    refuse_batch(tuple(kernel.shape), "kernel")
    if kernel.ndim < 2:
        raise InputError(
            f"kernel has shape {tuple(kernel.shape)}; give (h, w), or (C, h, w) for one a channel"
        )
    if not bool(kernel.any()):
        raise InputError(f"kernel of shape {tuple(kernel.shape)} is 0 everywhere")
    return kernel


def _rotation(g: Tensor) -> Tensor:
    return torch.where(g == 0, 1, g.sgn())


_DERIVED: dict[str, Callable[[Tensor], Tensor]] = {
    "transfer": lambda g: g,  # g: the convolution itself
    "phase": torch.sgn,  # g / |g|, 0 where g is: a partial isometry
    "rotation": _rotation,  # g / |g|, 1 where g is 0: orthogonal
    "inverse": torch.reciprocal,
}


@frozen(eq=False)
class Filter:
    """Circular convolution of the last two axes with a centred kernel, and filters made of it.

    Args:
        kernel: `(h, w)`, or anything that broadcasts to images, `(C, h, w)`.
    """

    kernel: Tensor = field(converter=_kernel)
    _memo: Memo[Tensor] = field(factory=lambda: Memo(8), init=False)

    def size(self, shape: Shape, /) -> tuple[int, int]:
        """Height and width of images of this shape; `InputError` if the kernel does not fit."""
        size = plane(shape, self)
        h, w = self.kernel.shape[-2:]
        if h > size[0] or w > size[1]:
            raise InputError(
                f"a kernel of {h}x{w} pixels is larger than an image of {size[0]}x{size[1]}, "
                f"shape {tuple(shape)}; crop the kernel or pad the image"
            )
        if not broadcasts(self.kernel.shape[:-2], tuple(shape[:-2])):
            refuse_batch(tuple(self.kernel.shape), "kernel", axes=len(shape))
            raise InputError(
                f"a kernel of shape {tuple(self.kernel.shape)} does not fit images of shape "
                f"{tuple(shape)}; give (h, w), or (C, h, w) with one kernel for each channel"
            )
        return size

    def transfer(self, shape: Shape, /) -> Tensor:
        """The eigenvalues g for images of this shape, `(..., H, W)`, complex, not broadcast."""
        size = self.size(shape)
        return self._memo.get(size, lambda: transfer(self.kernel, size))

    def half(self, which: str, x: Tensor, /) -> Tensor:
        """A half spectrum for images like x: "transfer", "phase", "rotation" or "inverse"."""
        shape = tuple(x.shape[1:])
        size = self.size(shape)

        def make() -> Tensor:
            g = self.transfer(shape)[..., : size[1] // 2 + 1]
            return _DERIVED[which](g).to(x.device, x.dtype.to_complex())

        return self._memo.get((which, size, x.dtype, x.device), make)

    def apply(self, which: str, x: Tensor, /) -> Tensor:
        """x, filtered."""
        return from_half(to_half(x) * self.half(which, x), self.size(tuple(x.shape[1:])))

    def apply_adjoint(self, which: str, x: Tensor, /) -> Tensor:
        """x, filtered with the adjoint."""
        return from_half(to_half(x) * self.half(which, x).conj(), self.size(tuple(x.shape[1:])))

    def per_channel(self) -> bool:
        """Whether channels may be filtered differently."""
        return self.kernel.ndim > 2 and max(self.kernel.shape[:-2]) > 1

    def taps(self) -> str:
        """The kernel's shape in a word, such as 5x5."""
        return "x".join(map(str, self.kernel.shape))

    def __repr__(self) -> str:
        return f"Filter(kernel={self.taps()})"
