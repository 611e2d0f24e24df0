"""Pixels of image files, as the numbers that the file holds.

`read` and `write` know the formats, each of which has a file here; what the numbers mean (white
levels, transparency, the shape of a tensor) is the business of `invprob.pixels` and
`invprob.images`. Pillow does PNG, JPEG, BMP and WebP, tifffile does TIFF, astropy FITS, numpy its
own arrays.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..channels import PICTURES, Channels
from ..errors import InputError
from . import arrays, fits, pictures, profiles, tiff

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIFF = (".tif", ".tiff")
FITS = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz", ".fits.fz")

DEPTHS = {
    ".png": (8, 16),
    ".jpg": (8,),
    ".jpeg": (8,),
    ".npy": (32,),
    **dict.fromkeys((*TIFF, *FITS[:-1]), (32, 16, 8)),
}
"""The bits per number that a format can be written in, the default first."""

READABLE = (*DEPTHS, ".fits.fz", ".bmp", ".webp")
"""The formats that can be read."""


def suffix(path: Path, /) -> str:
    """The end of a file's name that names its format, in lower case.

    >>> suffix(Path("sky.fits.gz")), suffix(Path("Sky.V2.FIT")), suffix(Path("sky.fits.png"))
    ('.fits.gz', '.fit', '.png')
    """
    found, before = path.suffix.lower(), Path(path.stem).suffix.lower()
    return before + found if before + found in FITS else found


def stem(path: Path, /) -> str:
    """A file's name without its suffix."""
    return path.name[: len(path.name) - len(suffix(path))]


def check_readable(path: Path, /) -> None:
    """Raise `InputError` if the suffix names no format that can be read."""
    if suffix(path) not in READABLE:
        raise _unknown(path, READABLE)
    if is_fits(path):
        fits.check_installed(path)


def depth(path: Path, bits: int | None, /) -> int:
    """How many bits per number to write to a file, where `bits` are wished for.

    Raises:
        InputError: the suffix names no format, or one that doesn't have that depth.
    """
    if suffix(path) not in DEPTHS:
        raise _unknown(path, DEPTHS)
    if is_fits(path):
        fits.check_installed(path)
    depths = DEPTHS[suffix(path)]
    if bits is None or bits in depths:
        return depths[0] if bits is None else bits
    can = " or ".join(map(str, sorted(depths)))
    more = "" if 16 in depths else "; .png and .tif have 16"
    raise InputError(f"bits={bits}: a {suffix(path)} file is written in {can} bits{more}")


def _unknown(path: Path, known: Iterable[str]) -> InputError:
    return InputError(
        f"{path} ends in {suffix(path)!r}, which names no known format; use one of "
        + ", ".join(known)
    )


def read(path: Path, page: int | None, channels: Channels, /) -> tuple[NDArray[Any], bool]:
    """The pixels of a file, and whether their last channel is transparency.

    Args:
        path: the file.
        page: which image of it.
        channels: what an image may have: several pages of a TIFF file may be its channels.

    Returns:
        `(H, W)` or `(H, W, C)`, of the file's own type.

    Raises:
        InputError: a kind of pixel that is neither gray nor RGB, or no such page.
        Exception: of any kind, whatever the decoder raises, for a damaged file.
    """
    if is_tiff(path):
        return tiff.read(path, page, channels)
    if is_fits(path):
        return fits.read(path, page), False
    if page is not None:
        raise InputError(f"page={page}: only TIFF and FITS files have pages, and {path} is none")
    if suffix(path) == ".npy":
        return arrays.read(path), False
    return pictures.read(path)


def pages(path: Path, channels: Channels, /) -> list[int]:
    """The numbers of the images that are no preview of another; none of a format without pages.

    Raises:
        Exception: of any kind, whatever the decoder raises, for a damaged file.
    """
    if is_tiff(path):
        return tiff.pages(path, channels)
    return fits.pages(path) if is_fits(path) else []


def read_stack(path: Path, channels: Channels, /) -> list[tuple[NDArray[Any], bool]]:
    """What `read` gives, of every image that is no preview of another.

    Raises:
        InputError: a kind of pixel that is neither gray nor RGB.
        Exception: as in `read`.
    """
    if is_tiff(path):
        return tiff.read_stack(path, channels)
    if is_fits(path):
        return [(pixels, False) for pixels in fits.read_stack(path)]
    return [read(path, None, channels)]


def write(
    file: BinaryIO,
    path: Path,
    pixels: NDArray[Any],
    /,
    *,
    like: Path | None = None,
    unit: bool = False,
) -> None:
    """Write pixels in the format that the path's suffix names.

    Args:
        file: where to.
        path: what it will be called.
        pixels: `(N, H, W, C)`; N is 1 where a file has no pages, and C is 1 or 3 where it holds
            pictures alone.
        like: a file of which is kept what says how its numbers are meant: the header, if both are
            FITS files, the colour profile, if none is and both are gray or in colour, and how
            other channels are stored, if both are TIFF files.
        unit: whether the values are in the unit of that file, whatever their type.
    """
    if is_tiff(path):
        stored = tiff.layout(like) if like is not None and is_tiff(like) else "contig"
        tiff.write(file, pixels, _profile_of(like, pixels), stored)
    elif is_fits(path):
        header = like if like is not None and is_fits(like) else None
        fits.write(file, pixels, header, unit=unit, compress=suffix(path).endswith(".gz"))
    elif suffix(path) == ".npy":
        arrays.write(file, pixels[0])
    else:
        name = "PNG" if suffix(path) == ".png" else "JPEG"
        pictures.write(file, pixels[0], name, _profile_of(like, pixels))


def _profile_of(like: Path | None, pixels: NDArray[Any]) -> bytes | None:
    """The colour profile of a file that is true of pixels which were made of its own."""
    if like is None or is_fits(like) or suffix(like) == ".npy" or pixels.shape[3] not in PICTURES:
        return None
    return profiles.kept(like, gray=pixels.shape[3] == 1, tiff=is_tiff(like))


def is_tiff(path: Path, /) -> bool:
    """Whether the suffix says so."""
    return suffix(path) in TIFF


def is_fits(path: Path, /) -> bool:
    """Whether the suffix says so."""
    return suffix(path) in FITS


def holds_channels(path: Path, /) -> bool:
    """Whether the format holds images of any number of channels."""
    return is_tiff(path) or suffix(path) == ".npy"


def is_picture(path: Path, /) -> bool:
    """Whether a file's numbers are those of a picture, which 8 bits hold, as PNG is for them.

    Raises:
        Exception: of any kind, whatever the decoder raises, for a damaged file.
    """
    if is_tiff(path):
        return tiff.dtype(path).itemsize == 1
    if suffix(path) == ".npy":
        return arrays.dtype(path).itemsize == 1
    return not is_fits(path)


def has_pages(path: Path, /) -> bool:
    """Whether one file holds any number of images."""
    return is_tiff(path) or is_fits(path)


def holds_numbers(path: Path, /) -> bool:
    """Whether the format is for values of any unit, rather than for pictures."""
    return 32 in DEPTHS.get(suffix(path), ())
