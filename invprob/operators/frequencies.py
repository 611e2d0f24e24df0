"""Some frequencies of the discrete Fourier transform: MRI, radio interferometry on a grid.

    y = M F x,   F = the orthonormal 2-D DFT of each channel,   M = diag(mask)

Images are real, so F x[-k] is the conjugate of F x[k]: one of the two tells all, and both tell it
twice. With the Hartley basis Q (see `fourier`), whose coordinates k and -k are
Re F x[k] -+ Im F x[k],

    M F = U S Vᵀ,   V = Q,   s[k]² = (m[k] + m[-k]) / 2,   U = M F Q / s.

So s is 1 where k and -k were measured, sqrt(1/2) where one of them was, and 0 where neither was;
of a frequency that is its own conjugate, such as 0, it is the mask. Each map is exact: one FFT, or
none. U maps to two real numbers for each frequency. The columns of U are orthonormal, as both
coordinates of a pair have |F Q w|² = (w[k]² + w[-k]²) / 2 at either of its frequencies.

Where a frequency is its own conjugate the imaginary part of a measurement is noise alone.

M. Lustig, D. Donoho, J. M. Pauly (2007). Sparse MRI: The application of compressed sensing for
rapid MR imaging. Magnetic Resonance in Medicine 58. Lines as in J. Zbontar et al. (2018), fastMRI.
https://arxiv.org/abs/1811.08839
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from attrs import field, frozen
from torch import Tensor

from ..arrays import plain
from ..contracts import SVD, Shape
from ..counts import real
from ..errors import InputError
from ..streams import generator
from .fourier import from_half, half_of_hartley, hartley, reflect
from .mask import Mask
from .planes import plane, sides

PLANE = (-2, -1)


def _size(value: int | tuple[int, int]) -> tuple[int, int]:
    size = sides(value)
    if len(size) != 2:
        raise InputError(f"size={value!r}; give the height and width of the images: (256, 256)")
    return size[0], size[1]


def _low(side: int, centre: float) -> Tensor:
    """True for a share of the frequencies along an axis, those around 0 and at least 0 itself."""
    if not 0 <= real(centre, "centre", "a share in [0, 1]") <= 1:
        raise InputError(f"centre={centre} is no share of the frequencies; give one in [0, 1]")
    width, k = max(1, round(centre * side)), torch.fft.fftfreq(side, 1 / side).round()
    low: Tensor = (k >= -(width // 2)) & (k <= (width - 1) // 2)
    return low


def _filled(always: Tensor, keep: float, seed: int) -> Tensor:
    """True in a share `keep` of all places: those of `always`, and a random choice of others."""
    count = round(keep * always.numel()) if 0 < real(keep, "keep", "a share in (0, 1]") <= 1 else 0
    if count < (least := int(always.sum())):
        raise InputError(
            f"keep={keep} of {always.numel()} is less than the centre, {least}, which is always "
            "measured; give a share in (0, 1] that is larger, or a smaller centre"
        )
    chosen = always.flatten().clone()
    others = (~chosen).nonzero()[:, 0]
    chosen[others[torch.randperm(len(others), generator=generator(seed))[: count - least]]] = True
    return chosen.reshape(always.shape)


@frozen(eq=False, repr=False)
class Fourier:
    """H x = the orthonormal DFT of x where a mask is True, and 0 elsewhere.

    Images are real, `(C, H, W)`; measurements are `(C, H, W, 2)`, real and imaginary parts as
    `torch.view_as_real` has them, and their noise is that of each part. What the mask leaves out
    is 0 and counts as no data. `measurement` takes complex arrays. A mean of 0.5 in [0, 1] is
    0.5 sqrt(H W) at frequency 0.

    Args:
        mask: True (or 1) where a frequency was measured, in the order of `torch.fft`, 0 first;
            any shape that broadcasts to the image's: `(H, W)`, `(1, H, W)` or `(C, H, W)`. Of a
            mask with 0 in the middle, `torch.fft.ifftshift(mask, dim=(-2, -1))`. Where the data
            at -k are a copy of those at k, as in interferometry, True at one of the two.

    Raises:
        InputError: what is said of `Mask`; in use: mask does not broadcast to the image's shape.

    >>> import torch, invprob as ip
    >>> scan = ip.Fourier.lines(64, keep=0.25)
    >>> scan
    Fourier(25% of (64, 64))
    >>> y = scan.forward(torch.rand(1, 1, 64, 64))
    >>> y.shape
    torch.Size([1, 1, 64, 64, 2])
    >>> bool(torch.equal(scan.measurement(torch.view_as_complex(y)), y))
    True
    """

    _mask: Mask = field(converter=Mask, alias="mask")

    @classmethod
    def lines(
        cls, size: int | tuple[int, int], keep: float = 0.25, centre: float = 0.08, seed: int = 0
    ) -> Fourier:
        """Whole columns of frequencies: Cartesian MRI, with phase encoding along the width.

        Args:
            size: height and width of the images; one number for a square. Rows rather than
                columns: `Fourier(Fourier.lines((W, H)).mask.mT)`.
            keep: the share of the columns that is measured, in (0, 1].
            centre: the share of all columns that is measured around frequency 0, and is among
                those; frequency 0 always is. The others are chosen at random.
            seed: which choice.

        Raises:
            InputError: size is none, keep or centre is no share, or keep is less than centre.
        """
        height, width = _size(size)
        return cls(_filled(_low(width, centre), keep, seed).expand(height, width))

    @classmethod
    def random(
        cls, size: int | tuple[int, int], keep: float = 0.25, centre: float = 0.08, seed: int = 0
    ) -> Fourier:
        """Frequencies one by one: a block around frequency 0, and a random choice of others.

        Args:
            size: height and width of the images; one number for a square.
            keep: the share of the frequencies that is measured, in (0, 1].
            centre: the block's share of either side; frequency 0 is always measured.
            seed: which choice.

        Raises:
            InputError: size is none, keep or centre is no share, or keep is less than the block.

        >>> import invprob as ip
        >>> ip.Fourier.random((32, 48), keep=0.3, seed=1)
        Fourier(30% of (32, 48))
        """
        height, width = _size(size)
        block = _low(height, centre)[:, None] & _low(width, centre)
        return cls(_filled(block, keep, seed))

    @property
    def mask(self) -> Tensor:
        """True where a frequency was measured, in the order of `torch.fft`."""
        return self._mask.mask

    def measurement(self, data: Any, /, *, centred: bool = False) -> Tensor:
        """Complex k-space data as a measurement, real, `(B, C, H, W, 2)`.

        What the mask leaves out becomes 0, whatever it was. The transform is the orthonormal one:
        data of numpy's and torch's default are divided by `math.sqrt(H * W)`, and those of a
        scanner by what makes the image's white 1.

        Args:
            data: a complex array of torch or numpy, `(H, W)`, `(C, H, W)` or `(B, C, H, W)`, of
                all frequencies.
            centred: frequency 0 is in the middle of data, and pixel (H // 2, W // 2) of the image
                is the origin: `fftshift(fft2(ifftshift(x)))`, as scanners have it. The mask is
                in the order of `torch.fft` all the same, and so is what is returned.

        Raises:
            InputError: data are no complex array of such a shape.
        """
        given: Any = data if isinstance(data, Tensor) else plain(np.asarray(data))
        if "complex" not in str(given.dtype) or not 2 <= given.ndim <= 4:
            raise InputError(
                f"data are {given.dtype}, of shape {tuple(given.shape)}; give complex numbers "
                "(H, W), (C, H, W) or (B, C, H, W), one for each frequency"
            )
        k = torch.as_tensor(given).reshape((1,) * (4 - given.ndim) + tuple(given.shape))
        self.out_shape(tuple(k.shape[1:]))
        seen = self.mask.to(k.device)
        if centred:
            k = torch.where(seen, torch.fft.ifftshift(k, dim=PLANE), 0)
            k = torch.fft.fft2(torch.fft.fftshift(torch.fft.ifft2(k), dim=PLANE))
        return torch.view_as_real(torch.where(seen, k, 0))

    def forward(self, x: Tensor, /) -> Tensor:
        """The measured frequencies, 0 elsewhere."""
        self.out_shape(tuple(x.shape[1:]))
        return torch.view_as_real(torch.fft.fft2(x, norm="ortho")) * self._parts(x)

    def adjoint(self, y: Tensor, /) -> Tensor:
        """The real part of the inverse transform: the zero-filled image."""
        self.image_shape(tuple(y.shape[1:]))
        k = torch.view_as_complex((y * self._parts(y)).contiguous())
        image: Tensor = torch.fft.ifft2(k, norm="ortho").real
        return image

    def out_shape(self, shape: Shape, /) -> Shape:
        """The image's shape and 2; `InputError` if the mask does not broadcast to it."""
        plane(shape, self)
        return (*self._mask.out_shape(shape), 2)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape without its last axis."""
        if len(shape) < 3 or shape[-1] != 2:
            raise InputError(
                f"{self!r} measures real and imaginary parts, (B, C, H, W, 2), but the "
                f"measurement's shape is {tuple(shape)} without the batch; complex numbers become "
                "one by measurement(data)"
            )
        return self.out_shape(shape[:-1])[:-1]

    def takes(self) -> tuple[int | None, ...]:
        """The mask's shape, except where it is 1 and so fits any."""
        return self._mask.takes()

    def acts_on(self) -> Literal["plane"] | None:
        """Each channel alone, unless the mask differs between channels."""
        return self._mask.acts_on()

    def observed(self, shape: Shape, /) -> Tensor:
        """The mask: what it leaves out is 0 in the measurement, without noise."""
        self.image_shape(shape)
        return self.mask[..., None]

    def svd(self, shape: Shape, /) -> SVD:
        """V = Q (Hartley), s² = (m[k] + m[-k]) / 2, U = M F Q / s."""
        self.out_shape(shape)
        seen = self.mask.double().expand(shape)
        s = ((seen + reflect(seen)) / 2).sqrt()
        scale = torch.where(s > 0, 1 / s, 0)

        def u(w: Tensor) -> Tensor:
            kept = w * scale.to(w)
            mirrored = reflect(kept)
            parts = torch.stack([mirrored + kept, mirrored - kept], -1)
            return parts / 2 * self._parts(w)

        def ut(y: Tensor) -> Tensor:
            real, imaginary = (y * self._parts(y)).unbind(-1)
            return (real - imaginary + reflect(real + imaginary)) / 2 * scale.to(y)

        def v(w: Tensor) -> Tensor:
            return from_half(half_of_hartley(w), (shape[-2], shape[-1]))

        return SVD(s, v, hartley, u, ut)

    def _parts(self, like: Tensor) -> Tensor:
        return self.mask.to(like)[..., None]

    def __repr__(self) -> str:
        return f"Fourier({float(self.mask.double().mean()):.0%} of {tuple(self.mask.shape)})"
