"""Image files in and out.

`read_image` gives `(1, C, H, W)` in float32, C = 1 for gray and 3 for colour, or as many channels
as are asked for. Integers are divided by their white level, 255 or 65535, so images live in [0, 1]
as everywhere in invprob; a floating-point file holds its own unit and is read as it is.
`write_image` is the inverse: 8 and 16 bits are clipped to [0, 1] and rounded, 32 bits keep every
value.

| format | reads | writes |
|---|---|---|
| PNG  | 1 to 16 bits, gray, colour, palette | 8, 16 bits |
| JPEG | 8 bits, gray, colour | 8 bits |
| TIFF | 1, 8, 16 bits, floating point; one page of many | 8, 16 bits, 32 (floating point) |
| FITS | any numbers; one plane of many (`pip install "invprob[fits]"`) | the same |
| NPY  | any numbers, `(H, W)` or `(H, W, C)` | 32 (floating point) |
| BMP, WebP | 8 bits | |

**Instruments.** Counts and other raw numbers fill a file's range as they like. `black` and `white`
say which of its values mean 0 and 1, and numbers of any type can then be read:

    image = (value - black) / (white - black),        value = black + (white - black) image

the second when it is written. Every noise level is in the unit of the image: read noise of 5 is
sigma = 5 / (white - black), and the `peak` of photon counts is the mean count at `white`.

Pixel values are taken as they are: no colour profile and no gamma is applied, and bad pixels that
a file has as NaN stay NaN. The rows of a FITS file stay in its order, in which the first is the
one that FITS viewers draw at the bottom. A FITS file that is written `like` another has its
header: the coordinates on the sky, and the unit of the values (`BUNIT`) where they are in it. A
PNG, JPEG or TIFF file that is written `like` another picture has its colour profile (ICC), if both
are gray or both in colour.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from . import formats
from .channels import PICTURES
from .errors import InputError
from .files import replacing
from .pixels import read_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE = {("u", 1): 255.0, ("u", 2): 65535.0, ("b", 1): 1.0, **{("f", n): 1.0 for n in (2, 4, 8)}}
"""The value that means 1, by a file's type of number; other types have none."""


def read_image(
    path: str | os.PathLike[str],
    *,
    page: int | None = None,
    black: float = 0.0,
    white: float | None = None,
    channels: int | None = None,
) -> Tensor:
    """The image in a PNG, JPEG, TIFF, FITS, NPY, BMP or WebP file.

    Args:
        path: the file; its suffix names the format.
        page: which page of a TIFF file, or plane of a FITS file, from 0; needed only if there are
            several.
        black: the file's value that means 0; it takes `white` too.
        white: the file's value that means 1; by default 255 or 65535 for integers, 1 for
            floating point.
        channels: how many the image has; by default 1 or 3. Other counts are read from NPY files,
            `(H, W, C)`, and TIFF files: C numbers for each pixel, C planes
            (`planarconfig="separate"`), or C pages whose axis the file calls C (ImageJ, OME).

    Returns:
        `(1, C, H, W)`, float32: in [0, 1] for integer pixels, as it is for floating-point ones.

    Raises:
        InputError: the file is missing, damaged, or of a kind that has no meaning in [0, 1]; or
            it has other channels; or white is not above black.

    >>> import pathlib, tempfile, torch, invprob as ip
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "gray.png"
    >>> ip.write_image(path, torch.full((1, 1, 4, 6), 0.2))
    >>> ip.read_image(path).shape
    torch.Size([1, 1, 4, 6])
    >>> round(float(ip.read_image(path, black=1, white=101)[0, 0, 0, 0]), 3)    # (51 - 1) / 100
    0.5
    """
    check_ends(black, white)
    pixels = read_pixels(path, page, PICTURES if channels is None else (channels,))
    if channels not in (None, pixels.shape[2]):
        raise InputError(f"{path} has C={pixels.shape[2]}, and channels={channels} is asked for")
    return in_unit(pixels, path, black, white)


def in_unit(
    pixels: NDArray[Any], path: str | os.PathLike[str], black: float, white: float | None, /
) -> Tensor:
    """`(1, C, H, W)`, float32, of the numbers in a file; see `read_image`.

    Raises:
        InputError: their type has no white level, and none was given.
    """
    if white is None and (white := white_of(pixels)) is None:
        raise InputError(
            f"{path} holds {pixels.dtype} numbers, which have no white level of their own; say "
            "which value means 1: read_image(path, white=...)",
            typed=f"--white {float(pixels.max()):g} for the brightest value in the file, --white "
            "NUMBER for the instrument's",
        )
    image = ((pixels.astype(np.float64) - black) / (white - black)).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]


def white_of(pixels: NDArray[Any], /) -> float | None:
    """The value that means 1 in a file with such numbers; `None` if their type has none."""
    return WHITE.get((pixels.dtype.kind, pixels.dtype.itemsize))


def check_ends(black: float, white: float | None, /) -> None:
    """Raise `InputError` unless black lies below white, and white is said where black is."""
    if white is None:
        if black != 0:
            raise InputError(
                f"black={black:g} alone does not say what is white; give white as well, the "
                "value at which the instrument saturates, for example",
                typed=f"--black {black:g} --white NUMBER",
            )
    elif not -math.inf < black < white < math.inf:
        raise InputError(
            f"black={black:g} and white={white:g}: white is the larger of two finite numbers"
        )


def write_image(
    path: str | os.PathLike[str],
    x: Tensor,
    /,
    *,
    bits: int | None = None,
    black: float = 0.0,
    white: float | None = None,
    like: str | os.PathLike[str] | None = None,
) -> None:
    """Write one image, or a stack; the file appears whole or not at all.

    Args:
        path: the file; its suffix, .png, .jpg, .tif, .fits or .npy, names the format.
        x: `(1, C, H, W)`, `(C, H, W)` or `(H, W)`, in [0, 1], C = 1 or 3, in TIFF and NPY files
            any; a TIFF file also takes `(N, C, H, W)`, and a FITS file `(N, 1, H, W)`, a page for
            each of N.
        bits: 8 or 16 (clipped and rounded) or 32 (floating point, not clipped). By default 8 for
            PNG and JPEG, 32 for TIFF, FITS and NPY.
        black: the value that stands for 0 in the file; it takes `white` too.
        white: the value that stands for 1; by default 255 or 65535 for 8 and 16 bits, else 1.
        like: where x is from: if both are FITS files and have as many rows and columns, the header
            of that one is kept; of other pictures the colour profile, if both are gray or both in
            colour; of TIFF files how other channels are stored.

    Raises:
        InputError: x is not one finite image, the format or its depth is unknown, or there is no
            such folder; or white is not above black.
        OSError: the file can't be written.

    >>> import pathlib, tempfile, torch, invprob as ip
    >>> path, x = pathlib.Path(tempfile.mkdtemp()) / "x.tif", torch.rand(1, 3, 4, 6)
    >>> ip.write_image(path, x)
    >>> bool(torch.equal(ip.read_image(path), x))
    True
    """
    if isinstance(path, Tensor):
        raise InputError("path is a tensor: the file comes first, write_image(path, x)")
    path = Path(path)
    bits = formats.depth(path, bits)
    check_ends(black, white)
    if not path.parent.is_dir():
        raise InputError(
            f"there is no folder {path.parent} to write {path.name} to; make it first"
        )
    own = 1.0 if bits == 32 else 2.0**bits - 1
    span = (own if white is None else white) - black
    pixels = _of_depth(black + span * _images(x, path), bits)
    source = None if like is None else Path(like)
    with replacing(path) as file:
        formats.write(file, path, pixels, like=source, unit=white is not None)


def sample_photo() -> Tensor:
    """A photo to try things on: a cat, `(1, 3, 256, 256)` in [0, 1].

    The photo is by Stefan van der Walt, CC0 1.0 (`invprob/samples/README.md`).

    >>> import invprob as ip
    >>> ip.sample_photo().shape
    torch.Size([1, 3, 256, 256])
    """
    return read_image(Path(__file__).parent / "samples" / "cat.png")


def _images(x: Tensor, path: Path) -> NDArray[np.float64]:
    """`(N, H, W, C)` of a tensor that is one finite image, or many, and that a file can hold."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise InputError(f"an image is a tensor of floating-point numbers in [0, 1], not {kind}")
    shape = tuple(x.shape)
    while x.ndim in (2, 3):
        x = x[None]
    many, any_channels = formats.has_pages(path), formats.holds_channels(path)
    if x.ndim == 4 and x.shape[1] not in PICTURES and x.numel() and not any_channels:
        raise InputError(
            f"x has shape {shape}, which is not one image of C = 1 or 3 channels; .tif and .npy "
            "files hold any number of them"
        )
    if x.ndim != 4 or x.numel() == 0 or (len(x) > 1 and not many):
        raise InputError(
            f"x has shape {shape}, which is not one image: (1, C, H, W), (C, H, W) or (H, W)"
            + ("; write the rows of a batch one by one, x[0], or as a .tif" if x.ndim > 3 else "")
        )
    missing = x.isnan().flatten(1).all(1) if len(x) > 1 else torch.zeros(1, dtype=torch.bool)
    if not bool(torch.isfinite(x[~missing]).all()) or bool(missing.all()):
        raise InputError("x has values that are not finite, which no file can show")
    return np.ascontiguousarray(x.detach().cpu().double().permute(0, 2, 3, 1).numpy())


def _of_depth(values: NDArray[np.float64], bits: int) -> NDArray[Any]:
    if bits == 32:
        return values.astype(np.float32)
    levels: NDArray[Any] = np.rint(np.nan_to_num(values).clip(0, 2**bits - 1))
    return levels.astype(np.uint8 if bits == 8 else np.uint16)
