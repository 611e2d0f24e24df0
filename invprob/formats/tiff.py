"""TIFF files, by tifffile: gray, colour and other channels, of any depth, one page or many.

The channels of an image are stored pixel by pixel `(H, W, C)`, or one plane after the other
`(C, H, W)`, which the tag PlanarConfiguration says; or each is a page, as microscopes write them,
where the description of the file (ImageJ, OME) calls the axis of the pages C. Such pages are one
image only for those who ask for images of so many channels, and gray images for all others.

ImageJ has no room for the tags of each page in a file of more than 4 GB, and writes those of the
first alone, with the numbers of all pages behind them.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from attrs import frozen

from ..channels import PICTURES, Channels
from ..errors import InputError
from . import arrays, pictures
from .paging import chosen
from .turning import turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA = ((1,), (2,))
"""What a file's tag ExtraSamples says of transparency; 0 is a channel of anything."""

LAYOUTS = ("contig", "separate", "pages")
"""Channels pixel by pixel, one plane after the other, and page by page."""

JPEG = 6, 7, 33007, 34892
"""Kinds of compression whose decoder turns YCbCr into RGB."""
SEPARATE = 2
"""What the tag PlanarConfiguration says of channels that are stored one after the other."""


@frozen(eq=False)
class Frame:
    """A gray or colour image of a file.

    Attributes:
        page: with its tags.
        number: which of all that lie behind the tags of this one page; `None` for its own.
    """

    page: Any
    number: int | None = None

    def pixels(self) -> NDArray[Any]:
        """The numbers, as the file orders the axes of a page."""
        if self.number is None:
            own: NDArray[Any] = self.page.asarray()
            return own
        every = self.page.parent.series[0].asarray(out="memmap")
        return np.array(every.reshape(-1, *self.page.shape)[self.number], self.page.dtype)


def read(path: Path, number: int | None, channels: Channels, /) -> tuple[NDArray[Any], bool]:
    """The pixels of an image, and whether their last channel is transparency.

    Raises:
        InputError: a kind of pixel that is neither gray nor RGB, or no such page.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        if groups := _groups(file, channels):
            return _read_group(path, groups[chosen(path, number, len(groups), "images")])
        behind, whole = _behind_one(file), _of_planes(file.pages[0])
        number = chosen(path, number, len(behind or file.pages), "pages", "", whole)
        return _read_frame(path, behind[number] if behind else Frame(file.pages[number]))


def _behind_one(file: Any) -> list[Frame]:
    """All images, if they lie behind the tags of the only page; none if each has a page."""
    if len(file.pages) > 1:
        return []
    page, series = file.pages[0], file.series[0]
    if series.dataoffset is None or series.size <= page.size:
        return []
    return [Frame(page, number) for number in range(series.size // page.size)]


def _of_planes(page: Any) -> str:
    """What an array `(3, H, W)` has become that was written as it is, if this is one."""
    if page.planarconfig != SEPARATE or page.samplesperpixel == 1:
        return ""
    return (
        f", of {page.samplesperpixel} planes that are read as the channels of one image, which the"
        ' file says they are; pages are written by tifffile.imwrite(path, array, photometric="'
        'minisblack")'
    )


def pages(path: Path, channels: Channels, /) -> list[int]:
    """The numbers of the images that are no preview of another."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        several: list[Any] = _groups(file, channels) or _behind_one(file)
        if several:
            return list(range(len(several)))
        every: list[Any] = list(file.pages)
        return [number for number, page in enumerate(every) if not (page.is_reduced and number)]


def read_stack(path: Path, channels: Channels, /) -> list[tuple[NDArray[Any], bool]]:
    """What `read` gives, of every image that is no preview of another."""
    import tifffile

    numbers = pages(path, channels)
    with tifffile.TiffFile(path) as file:
        if groups := _groups(file, channels):
            return [_read_group(path, group) for group in groups]
        frames = _behind_one(file) or [Frame(file.pages[number]) for number in numbers]
        return [_read_frame(path, frame) for frame in frames]


def dtype(path: Path, /) -> np.dtype[Any]:
    """Of which type the numbers of a file's first image are."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        return np.dtype(file.pages[0].dtype)


def layout(path: Path, /) -> str:
    """How a file stores the channels of its first image: one of `LAYOUTS`."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page: Any = file.pages[0]
        if page.samplesperpixel == 1:
            return "pages"
        return "separate" if page.planarconfig == SEPARATE else "contig"


def _groups(file: Any, channels: Channels) -> list[list[Frame]]:
    """The frames of each image, where these are its channels and so many are asked for."""
    if not set(channels or ()) - set(PICTURES):
        return []
    series = file.series[0]
    count = series.shape[-3] if series.axes.endswith("CYX") else 1
    pages = list(series.pages)
    every = _behind_one(file) or [Frame(page) for page in pages]
    whole = len(file.series) == 1 and len(every) == math.prod(series.shape[:-2])
    if not whole or None in pages or count in PICTURES or count not in (channels or ()):
        return []
    return [every[start : start + count] for start in range(0, len(every), count)]


def _read_group(path: Path, group: list[Frame]) -> tuple[NDArray[Any], bool]:
    """The pixels of an image each of whose channels is a frame."""
    return np.stack([_read_frame(path, frame)[0] for frame in group], -1), False


def _read_frame(path: Path, frame: Frame) -> tuple[NDArray[Any], bool]:
    """The pixels of a frame, and whether the file says that they have alpha."""
    page = frame.page
    try:
        pixels = arrays.real(frame.pixels(), path)
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
    if kind == "YCBCR" and page.compression in JPEG and page.samplesperpixel == 3:
        kind = "RGB"  # to which the decoder has made it
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
    upright = turned(pixels, int(page.tags.valueof("Orientation", 1)))
    return upright, page.extrasamples[-1:] in ALPHA


def write(
    file: BinaryIO, pixels: NDArray[Any], profile: bytes | None = None, layout: str = "contig", /
) -> None:
    """Write images.

    Args:
        file: where to.
        pixels: `(N, H, W, C)`; gray ones and those in colour are a page for each of N.
        profile: of their colours.
        layout: how the channels of images are stored that are no pictures, one of `LAYOUTS`.
    """
    import tifffile

    count = pixels.shape[3]
    stack, options = pixels, dict[str, Any](photometric="minisblack", planarconfig=layout)
    if count == 1:
        stack, options = pixels[..., 0], {"photometric": "minisblack"}
    elif count == 3:
        options = {"photometric": "rgb"}
    elif layout != "contig":
        stack = np.moveaxis(pixels, 3, 1)
    if count not in PICTURES and layout == "pages":
        options = {"imagej": True, "metadata": {"axes": "TCYX"[len(stack) == 1 :]}}
    tifffile.imwrite(file, stack[0] if len(stack) == 1 else stack, iccprofile=profile, **options)
