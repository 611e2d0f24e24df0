"""TIFF files, by tifffile: gray and colour, of any depth, one page or many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import InputError
from . import arrays, pictures
from .paging import chosen

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA = ((1,), (2,))
"""What a file's tag ExtraSamples says of transparency; 0 is a channel of anything."""

SEPARATE = 2
"""What the tag PlanarConfiguration says of channels that are stored one after the other."""


def read(path: Path, number: int | None, /) -> tuple[NDArray[Any], bool]:
    """The pixels of a page, and whether their last channel is transparency.

    Raises:
        InputError: a kind of pixel that is neither gray nor RGB, or no such page.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        count, whole = len(file.pages), _of_planes(file.pages[0])
        return _read_page(path, file.pages[chosen(path, number, count, "pages", "", whole)])


def _of_planes(page: Any) -> str:
    """What an array `(3, H, W)` has become that was written as it is, if this is one."""
    if page.planarconfig != SEPARATE or page.samplesperpixel == 1:
        return ""
    return (
        f", of {page.samplesperpixel} planes that are read as the channels of one image, which the"
        ' file says they are; pages are written by tifffile.imwrite(path, array, photometric="'
        'minisblack")'
    )


def pages(path: Path, /) -> list[int]:
    """The numbers of the pages that are no preview of another."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        every: list[Any] = list(file.pages)
        return [number for number, page in enumerate(every) if not (page.is_reduced and number)]


def read_stack(path: Path, /) -> list[tuple[NDArray[Any], bool]]:
    """What `read` gives, of every page that is no preview of another."""
    import tifffile

    numbers = pages(path)
    with tifffile.TiffFile(path) as file:
        return [_read_page(path, file.pages[number]) for number in numbers]


def _read_page(path: Path, page: Any) -> tuple[NDArray[Any], bool]:
    """The pixels of a page, and whether the file says that they have alpha."""
    try:
        pixels = arrays.real(page.asarray(), path)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        if max(np.atleast_1d(page.bitspersample)) > 8 or len(page.parent.pages) > 1:
            raise InputError(
                f"{path} is compressed ({error}): pip install imagecodecs, or save it without "
                "compression"
            ) from error
        return pictures.read(path)
    kind = page.photometric.name
    if kind == "PALETTE":
        pixels = np.moveaxis(page.colormap[:, pixels], 0, -1)
    elif kind not in ("MINISBLACK", "MINISWHITE", "RGB"):
        raise InputError(f"{path} holds {kind} pixels; save it in gray or RGB")
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    if kind == "MINISWHITE":
        if pixels.dtype.kind != "u":
            raise InputError(
                f"{path} holds {pixels.dtype} numbers of which 0 is white, and none that is "
                "black; save it with 0 as black (MINISBLACK)"
            )
        pixels = np.iinfo(pixels.dtype).max - pixels
    pixels = np.moveaxis(pixels, 0, -1) if page.axes.startswith("S") else pixels
    upright = _turned(pixels, int(page.tags.valueof("Orientation", 1)))
    return upright, page.extrasamples[-1:] in ALPHA


def _turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The pixels upright, by what a file's tag Orientation says of its first row and column."""
    if orientation in (5, 6, 7, 8):  # the first row is a side of the picture
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels


def write(file: BinaryIO, pixels: NDArray[Any], profile: bytes | None = None, /) -> None:
    """Write pixels `(N, H, W, 1 or 3)`, a page for each of N, with a colour profile."""
    import tifffile

    gray = pixels.shape[3] == 1
    stack = pixels[..., 0] if gray else pixels
    tifffile.imwrite(
        file,
        stack[0] if len(stack) == 1 else stack,
        photometric="minisblack" if gray else "rgb",
        iccprofile=profile,
    )
