"""Blur of a photograph: nothing is assumed beyond its borders.

    y = C K x,   K circular convolution, h x w pixels of kernel,   C the crop to its valid part

A photograph is cut out of a larger scene, and its pixels near the borders hold light from beyond
them. So the image is larger than the measurement, by h - 1 rows and w - 1 columns, and a pixel is
measured where the whole kernel lies inside of the image. Circular convolution of the larger image
wraps around as well, but what it wraps never reaches the crop: forward and adjoint are exact, a
pair of real FFTs each. What lies beyond the borders is estimated with the rest, worse the farther
out it is; `crop` is the part that the photograph shows.

A crop after a convolution has no fast singular basis. A prox is found by conjugate gradients under
Gaussian noise, and under other noise by splitting: K has a basis (`whole`), and where C looks at
nothing the data say nothing (`placed`). Almeida and Figueiredo do both so.

Against a blur that wraps around (`CircularBlur`) photographs do not ring, and borders that reflect
(`SeparableBlur`) are a guess, good for narrow kernels; the figures are in docs/files.md.

M. S. C. Almeida, M. A. T. Figueiredo (2013). Deconvolving Images with Unknown Boundaries Using the
Alternating Direction Method of Multipliers. IEEE TIP 22. https://arxiv.org/abs/1210.2687
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import HasSVD, Shape
from . import kernels
from .blur import CircularBlur
from .planes import plane


@frozen(eq=False, repr=False)
class Blur:
    """H x = the valid part of kernel * x: no pixel of it depends on what is beyond the image.

    y[i] = sum over j of kernel[j] x[i + h - 1 - j], for as many i as there are. Images are larger
    than their measurements by the kernel's size less one.

    Args:
        kernel: `(h, w)` for all channels, or `(C, h, w)`; see `CircularBlur`.

    Raises:
        InputError: kernel is not finite, empty, zero, of less than two axes, or one for each image
            of a batch; in use: it is larger than the image.

    >>> import torch, invprob as ip
    >>> blur = ip.Blur.named("uniform3")
    >>> blur
    Blur(kernel=3x3)
    >>> x = torch.rand(1, 3, 16, 18)
    >>> blur.forward(x).shape, blur.crop(x).shape
    (torch.Size([1, 3, 14, 16]), torch.Size([1, 3, 14, 16]))
    """

    _whole: CircularBlur = field(converter=CircularBlur, alias="kernel")

    @classmethod
    def named(cls, kernel: str) -> Blur:
        """The blur with a kernel of this name: `uniform5`, `gaussian1.5`, `motion9@30`.

        Args:
            kernel: `uniformSIZE`, `gaussianSIGMA` or `motionLENGTH@ANGLE`, in pixels and degrees.

        Raises:
            InputError: no kernel is called so.
        """
        return cls(kernels.named(kernel))

    @classmethod
    def from_file(cls, file: str | Path) -> Blur:
        """The blur with a measured kernel, a point-spread function; see `CircularBlur.from_file`.

        Raises:
            InputError: the file holds no kernel.
        """
        return cls(kernels.from_file(file))

    @property
    def kernel(self) -> Tensor:
        """The kernel, float64."""
        return self._whole.kernel

    def forward(self, x: Tensor, /) -> Tensor:
        """The convolution of x with the kernel, where it needs nothing from beyond x."""
        return self.crop(self._whole.forward(x))

    def adjoint(self, y: Tensor, /) -> Tensor:
        """The correlation of y, zeros around it, with the kernel."""
        return self._whole.adjoint(self._placed(y))

    def crop(self, x: Tensor, /) -> Tensor:
        """The part of images `(..., H, W)` that a measurement shows: of its size, in its place."""
        height, width = self.out_shape(tuple(x.shape))[-2:]
        h, w = self.kernel.shape[-2:]
        top, left = h - 1 - h // 2, w - 1 - w // 2
        return x[..., top : top + height, left : left + width]

    def out_shape(self, shape: Shape, /) -> Shape:
        """Height and width less those of the kernel, and 1; `InputError` if it does not fit."""
        height, width = self._whole.out_shape(shape)[-2:]
        h, w = self.kernel.shape[-2:]
        return (*shape[:-2], height - h + 1, width - w + 1)

    def image_shape(self, shape: Shape, /) -> Shape:
        """Height and width and those of the kernel, less 1."""
        height, width = plane(shape, self)
        h, w = self.kernel.shape[-2:]
        return self._whole.image_shape((*shape[:-2], height + h - 1, width + w - 1))

    def acts_on(self) -> Literal["plane"] | None:
        """Each channel alone, unless channels have kernels of their own."""
        return self._whole.acts_on()

    def whole(self) -> CircularBlur:
        """The blur of which this is a part of the measurement."""
        return self._whole

    def placed(self, y: Tensor, /) -> tuple[Tensor, Tensor]:
        """A measurement in its place in one of `whole`, 0 around it; and True where it is."""
        placed = self._placed(y)
        seen = torch.zeros(placed.shape[1:], dtype=torch.bool, device=y.device)
        self.crop(seen).fill_(True)
        return placed, seen

    def withdrawn(self) -> Mapping[type, str]:
        """The decomposition, which a crop has not."""
        return {HasSVD: "a crop after a convolution has no fast basis; CircularBlur has one"}

    def _placed(self, y: Tensor) -> Tensor:
        whole = y.new_zeros((y.shape[0], *self.image_shape(tuple(y.shape[1:]))))
        self.crop(whole).copy_(y)
        return whole

    def __repr__(self) -> str:
        return f"Blur(kernel={'x'.join(map(str, self.kernel.shape))})"
