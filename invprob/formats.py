"""Pixels of image files, as the numbers that the file holds.

`read` and `write` know the formats; what the numbers mean (white levels, transparency, the shape
of a tensor) is the business of `invprob.images`. Pillow does PNG, JPEG, BMP and WebP, tifffile
does TIFF, numpy its own arrays. Pillow has no 16-bit colour, so its PNG reader is run twice, for
the high and for the low bytes, and 16-bit PNG files are written here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

DEPTHS = {
    ".png": (8, 16),
    ".jpg": (8,),
    ".jpeg": (8,),
    ".tif": (32, 16, 8),
    ".tiff": (32, 16, 8),
    ".npy": (32,),
}
"""The bits per number that a format can be written in, the default first."""

ALPHA = ((1,), (2,))
"""What a TIFF file's tag ExtraSamples says of transparency; 0 is a channel of anything."""

READABLE = (*DEPTHS, ".bmp", ".webp")
"""The formats that can be read."""


def check_readable(path: Path, /) -> None:
    """Raise `InputError` if the suffix names no format that can be read."""
    if path.suffix.lower() not in READABLE:
        raise _unknown(path, READABLE)


def depth(path: Path, bits: int | None, /) -> int:
    """How many bits per number to write to a file, where `bits` are wished for.

    Raises:
        InputError: the suffix names no format, or one that doesn't have that depth.
    """
    suffix = path.suffix.lower()
    if suffix not in DEPTHS:
        raise _unknown(path, DEPTHS)
    depths = DEPTHS[suffix]
    if bits is None or bits in depths:
        return depths[0] if bits is None else bits
    can = " or ".join(map(str, sorted(depths)))
    more = "" if 16 in depths else "; .png and .tif have 16"
    raise InputError(f"bits={bits}: a {suffix} file is written in {can} bits{more}")


def _unknown(path: Path, known: Iterable[str]) -> InputError:
    hint = ""
    if path.suffix.lower() in (".fits", ".fit", ".fts"):
        hint = (
            "; astropy reads FITS: numpy.save('image.npy', astropy.io.fits.getdata(path))"
            if known is READABLE
            else "; astropy makes FITS of .npy: astropy.io.fits.writeto(path, numpy.load('x.npy'))"
        )
    return InputError(
        f"{path} ends in {path.suffix!r}, which names no known format; use one of "
        + ", ".join(known)
        + hint
    )


def read(path: Path, page: int | None, /) -> tuple[NDArray[Any], bool]:
    """The pixels of a file, and whether their last channel is transparency.

    Returns:
        `(H, W)` or `(H, W, C)`, of the file's own type.

    Raises:
        InputError: a kind of pixel that is neither gray nor RGB, or no such page.
        Exception: of any kind, whatever the decoder raises, for a damaged file.
    """
    if is_tiff(path):
        return _read_tiff(path, page)
    if page is not None:
        raise InputError(f"page={page}: only a TIFF file has pages, and {path} is none")
    if path.suffix.lower() == ".npy":
        return _real(np.load(path, allow_pickle=False), path), False
    return _read_pillow(path)


def read_stack(path: Path, /) -> list[tuple[NDArray[Any], bool]]:
    """What `read` gives, of every page of a TIFF file that is no preview of another.

    Raises:
        InputError: a kind of pixel that is neither gray nor RGB.
        Exception: as in `read`.
    """
    import tifffile

    if not is_tiff(path):
        return [read(path, None)]
    with tifffile.TiffFile(path) as file:
        pages: list[Any] = list(file.pages)
        return [
            _read_page(path, page) for page in pages if not page.is_reduced or page is pages[0]
        ]


def _real(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    """The same pixels, if they are real numbers."""
    if pixels.dtype.kind not in "buif":
        raise InputError(f"{path} holds {pixels.dtype}; an image is made of real numbers")
    return pixels


def write(file: BinaryIO, path: Path, pixels: NDArray[Any], /) -> None:
    """Write pixels `(H, W, 1 or 3)` in the format that the path's suffix names."""
    if is_tiff(path):
        _write_tiff(file, pixels)
    elif path.suffix.lower() == ".npy":
        np.save(file, pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    elif pixels.dtype == np.uint16:
        file.write(_png_16(pixels))
    else:
        _write_pillow(file, pixels, "PNG" if path.suffix.lower() == ".png" else "JPEG")


def is_tiff(path: Path, /) -> bool:
    """Whether the suffix says so."""
    return path.suffix.lower() in (".tif", ".tiff")


def holds_numbers(path: Path, /) -> bool:
    """Whether the format is for values of any unit, rather than for pictures."""
    return 32 in DEPTHS.get(path.suffix.lower(), ())


def _read_pillow(path: Path) -> tuple[NDArray[Any], bool]:
    """The pixels of a PNG, JPEG, BMP or WebP file, uint8 or uint16, and whether with alpha."""
    from PIL import Image, ImageOps

    with Image.open(path, formats=("PNG", "JPEG", "TIFF", "BMP", "WEBP")) as image:
        if _raw_mode(image).endswith(";16B"):
            pixels = _read_png_16(path, image)
            return pixels, pixels.shape[2:] == (4,)
        if image.mode in ("CMYK", "YCbCr", "LAB", "HSV", "I", "F"):
            raise InputError(f"{path} holds {image.mode} pixels; save it in gray or RGB")
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            gray = upright.mode in ("L", "LA", "La", "1")
            return np.asarray(upright.convert("LA" if gray else "RGBA")), True
        return np.asarray(upright.convert("L" if upright.mode in ("1", "L") else "RGB")), False


def _read_png_16(path: Path, image: Image) -> NDArray[Any]:
    """16-bit PNG pixels; Pillow gives colour one byte at a time."""
    from PIL import Image

    raw = _raw_mode(image)
    if raw == "I;16B":
        return np.asarray(image).astype(np.uint16)
    if raw not in ("RGB;16B", "RGBA;16B"):
        raise InputError(f"{path} is a 16-bit gray image with transparency; save it without")
    high = np.asarray(image).astype(np.uint16)
    with Image.open(path) as second:
        # The little-endian reading of a big-endian number finds its low byte.
        second.tile = [tile._replace(args=raw[:-1] + "L") for tile in second.tile]
        pixels: NDArray[Any] = high << 8 | np.asarray(second)
        return pixels


def _raw_mode(image: Image) -> str:
    """How the file stores a pixel, in Pillow's words."""
    args = image.tile[0].args if getattr(image, "tile", None) else ""  # type: ignore[attr-defined]
    return args if isinstance(args, str) else ""


def _read_tiff(path: Path, number: int | None) -> tuple[NDArray[Any], bool]:
    """What `_read_page` gives, of one page of a file."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        count = len(file.pages)
        if count > 1 and number is None:
            raise InputError(
                f"{path} has {count} pages, and one is taken at a time: page=0 is the first",
                typed=f"--page 0, and so on to --page {count - 1}",
            )
        if not -count <= (number or 0) < count:
            raise InputError(f"page={number}: {path} has pages 0 to {count - 1}")
        return _read_page(path, file.pages[number or 0])


def _read_page(path: Path, page: Any) -> tuple[NDArray[Any], bool]:
    """The pixels of a page, and whether the file says that they have alpha."""
    try:
        pixels = _real(page.asarray(), path)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        if max(np.atleast_1d(page.bitspersample)) > 8 or len(page.parent.pages) > 1:
            raise InputError(
                f"{path} is compressed ({error}): pip install imagecodecs, or save it without "
                "compression"
            ) from error
        return _read_pillow(path)
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


def _write_pillow(file: BinaryIO, pixels: NDArray[Any], name: str) -> None:
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    options = {"quality": 95, "subsampling": 0} if name == "JPEG" else {}
    image.save(file, format=name, **options)


def _write_tiff(file: BinaryIO, pixels: NDArray[Any]) -> None:
    import tifffile

    gray = pixels.shape[2] == 1
    tifffile.imwrite(
        file,
        pixels[..., 0] if gray else pixels,
        photometric="minisblack" if gray else "rgb",
    )


def _png_16(pixels: NDArray[Any]) -> bytes:
    """A 16-bit PNG file (ISO/IEC 15948), each row stored as its difference to the one above."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    rows = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))
    filtered = np.concatenate([np.full((height, 1), 2, np.uint8), rows], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
