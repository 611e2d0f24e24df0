"""A mask: some pixels were observed, the others were not (inpainting).

    y = M x,   M = diag(mask)

The measurement keeps the image's shape; what was not observed is 0 in it. M is its own singular
value decomposition, U = V = I and s = mask, so nothing is ever permuted: coordinate j of the
spectral domain *is* pixel j.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Literal

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import SVD, Shape
from ..counts import real
from ..errors import InputError
from ..streams import generator
from .from_files import read_single
from .planes import broadcasts, constant, refuse_batch, sides

WHITE = 0.97
"""Above this share of the brightest pixel a mask is white.

Of scratches that were painted with an antialiased brush 0.5 takes a quarter for measured, 0.9 a
twentieth, and 0.97 none; in JPEG files of quality 80 a hundredth of them, and 1 to 2 percent of
the picture, where white rings, count as missing as well. Photographs with such scratches in them
are restored to 30 dB with 0.5 and 36 with the others; painted white under a softer mask in JPEG,
to 26, 29 (0.9) and 34."""

SOFT = 0.2
"""An image with more gray than this is no mask."""


def _observed(mask: object) -> Tensor:
    values = constant(mask, "mask")
    refuse_batch(tuple(values.shape), "mask")
    strange = values[(values != 0) & (values != 1)]
    if strange.numel():
        raise InputError(
            f"mask has {strange.numel()} values other than 0 and 1, the first is "
            f"{float(strange[0]):.4g}; give True (or 1) where a pixel was observed: mask > 0.5"
        )
    if not bool(values.any()):
        raise InputError(
            f"mask of shape {tuple(values.shape)} is 0 everywhere: nothing was observed; "
            "True (or 1) marks the observed pixels"
        )
    return values.bool()


def _read(file: Path) -> Tensor:
    """The gray levels of a mask's file, `(H, W)`."""
    from ..formats import holds_numbers
    from ..images import in_unit, white_of

    pixels = read_single(file)
    white = white_of(pixels) or max(1.0, float(pixels.max()))
    if holds_numbers(file) and ((pixels == 0) | (pixels == 1)).all():
        white = 1.0
    return in_unit(pixels, file, 0.0, white)[0].mean(0)


def _same(x: Tensor) -> Tensor:
    return x


@frozen(eq=False, repr=False)
class Mask:
    """H x = mask * x: the pixels that were observed, and 0 elsewhere.

    Args:
        mask: True (or 1) where a pixel was observed, False (or 0) where it was not; any shape
            that broadcasts to the image's: `(H, W)`, `(1, H, W)` or `(C, H, W)`.

    Raises:
        InputError: mask has other values than 0 and 1, is 0 everywhere, or is one for each image
            of a batch, `(B, C, H, W)`, which has one in common; in use: it does not broadcast to
            the image's shape.

    >>> import torch, invprob as ip
    >>> half = ip.Mask(torch.tensor([[1, 0], [0, 1]]))
    >>> half
    Mask(50% of (2, 2))
    >>> half.forward(torch.full((1, 1, 2, 2), 0.25))
    tensor([[[[0.2500, 0.0000],
              [0.0000, 0.2500]]]])
    """

    mask: Tensor = field(converter=_observed)

    @classmethod
    def from_file(cls, file: str | Path) -> Mask:
        """The mask in an image file: white where a pixel was observed, black where not.

        Args:
            file: any image file; colours are averaged, and white is what is above 97 % of the
                brightest pixel: half of a scratch may be under the gray edge of a brush. In a
                NPY, TIFF or FITS file that holds only 0 and 1, of any type, 1 is white; whole
                numbers of a type without a white level have it at their greatest.

        Raises:
            InputError: the file can't be read, or it is no mask: many of its pixels are gray, or
                none is white.
        """
        gray = _read(Path(file))
        if 0 < (top := float(gray.max())) < 0.1:
            raise InputError(
                f"the values of {file} go from 0 to {255 * top:.3g} of 255, all of them black; a "
                "mask has 255 where a pixel was observed and 0 where it was not: multiply it by "
                f"{1 / top:.5g}"
            )
        white = gray > WHITE * top
        soft = float((~white & (gray > (1 - WHITE) * top)).double().mean())
        if soft > SOFT:
            raise InputError(
                f"{soft:.0%} of the pixels of {file} are neither black nor white; a mask is "
                "white where a pixel was observed and black where it was not"
            )
        mask = cls(white)
        if soft >= 0.0005:
            warnings.warn(
                f"{soft:.1%} of the pixels of {file} are gray, as a soft brush or JPEG leaves "
                "them; they count as missing",
                stacklevel=2,
            )
        return mask

    @classmethod
    def random(cls, shape: Shape | int, keep: float = 0.5, seed: int = 0) -> Mask:
        """A mask that observes a random share of the pixels: `round(keep * pixels)` of them.

        Args:
            shape: the mask's shape; `(H, W)` observes the same pixels in every channel. One number
                for a square.
            keep: the share that is observed, in (0, 1].
            seed: which mask.

        Raises:
            InputError: shape is none; keep is not in (0, 1], or so small that no pixel would be
                observed.

        >>> import invprob as ip
        >>> ip.Mask.random((64, 64), keep=0.2, seed=1)
        Mask(20% of (64, 64))
        """
        if not 0 < real(keep, "keep", "a number in (0, 1]") <= 1:
            raise InputError(f"keep={keep} is no share of the pixels; give a number in (0, 1]")
        if not (size := sides(shape)):
            raise InputError(f"shape={shape!r}; give the mask's height and width: (64, 64)")
        flat = torch.zeros(math.prod(size), dtype=torch.bool)
        count = round(keep * flat.numel())
        if count == 0:
            raise InputError(
                f"keep={keep} of {flat.numel()} pixels, shape {size}, observes nothing; "
                "give a larger keep"
            )
        flat[torch.randperm(flat.numel(), generator=generator(seed))[:count]] = True
        return cls(flat.reshape(size))

    def forward(self, x: Tensor, /) -> Tensor:
        """Mask * x."""
        self.out_shape(tuple(x.shape[1:]))
        return x * self.mask.to(x)

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Mask * y: a mask is symmetric."""
        return self.forward(y)

    def out_shape(self, shape: Shape, /) -> Shape:
        """The image's shape; `InputError` if the mask does not broadcast to it."""
        if not broadcasts(self.mask.shape, shape):
            refuse_batch(tuple(self.mask.shape), "mask", axes=len(shape))
            fitting = dict.fromkeys((tuple(shape[-2:]), tuple(shape)))
            raise InputError(
                f"a mask of shape {tuple(self.mask.shape)} does not fit images of shape "
                f"{tuple(shape)}; give one of shape {' or '.join(map(str, fitting))}"
            )
        return tuple(shape)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape; `InputError` if the mask does not broadcast to it."""
        return self.out_shape(shape)

    def svd(self, shape: Shape, /) -> SVD:
        """U = V = I, s = mask."""
        s = self.mask.double().expand(self.out_shape(shape)).clone()
        return SVD(s, _same, _same, self.forward, self.forward)

    def takes(self) -> tuple[int | None, ...]:
        """The mask's shape, except where it is 1 and so fits any."""
        sides = tuple(None if n == 1 else int(n) for n in self.mask.shape)
        return sides if len(sides) > 2 else (None, *sides)

    def acts_on(self) -> Literal["plane"] | None:
        """Each channel alone, unless the mask differs between channels."""
        return "plane" if all(n == 1 for n in self.mask.shape[:-2]) else None

    def diagonal(self, shape: Shape, /) -> Tensor:
        """The mask: H acts on each pixel by itself."""
        self.out_shape(shape)
        return self.mask.double()

    def observed(self, shape: Shape, /) -> Tensor:
        """The mask: what it leaves out is 0 in the measurement, without noise."""
        self.out_shape(shape)
        return self.mask

    def __repr__(self) -> str:
        return f"Mask({float(self.mask.double().mean()):.0%} of {tuple(self.mask.shape)})"
