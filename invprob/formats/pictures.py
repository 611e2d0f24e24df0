"""PNG, JPEG, BMP and WebP files, by Pillow.

Pillow has no 16-bit colour, so its PNG reader is run twice, for the high and for the low bytes,
and 16-bit PNG files are turned and written here. Inks (CMYK) become red, green and blue without
their profile, which is said: black is 1 - (1 - ink)(1 - black) in each.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import InputError
from .turning import ORIENTATION, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image


def read(path: Path, /) -> tuple[NDArray[Any], bool]:
    """The pixels of a PNG, JPEG, BMP or WebP file, uint8 or uint16, and whether with alpha."""
    from PIL import Image

    try:
        return _read(path)
    except Image.DecompressionBombError:
        raise InputError(
            f"{path} has more pixels than are read from such a file; save it as .tif"
        ) from None


def _read(path: Path) -> tuple[NDArray[Any], bool]:
    from PIL import Image, ImageOps

    with Image.open(path, formats=("PNG", "JPEG", "TIFF", "BMP", "WEBP")) as image:
        if _raw_mode(image).endswith(";16B"):
            pixels = _read_png_16(path, image)
            pixels = turned(pixels, image.getexif().get(ORIENTATION, 1))
            return pixels, pixels.shape[2:] == (4,)
        if image.mode == "CMYK":
            warnings.warn(
                f"{path}: inks (CMYK) are converted to RGB without their profile, so that colours "
                "are not quite those of the print; save it as RGB for better ones",
                stacklevel=7,
            )
        elif image.mode in ("YCbCr", "LAB", "HSV", "I", "F"):
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


def write(
    file: BinaryIO, pixels: NDArray[Any], name: str, profile: bytes | None = None, /
) -> None:
    """Write pixels `(H, W, 1 or 3)`, 8 or 16 bits, as "PNG" or "JPEG", with a colour profile."""
    if pixels.dtype == np.uint16:
        file.write(_png_16(pixels, profile))
        return
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    options = {"quality": 95, "subsampling": 0} if name == "JPEG" else {}
    image.save(file, format=name, icc_profile=profile, **options)


def _png_16(pixels: NDArray[Any], profile: bytes | None) -> bytes:
    """A 16-bit PNG file (ISO/IEC 15948), each row stored as its difference to the one above."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    rows = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))
    filtered = np.concatenate([np.full((height, 1), 2, np.uint8), rows], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 0, 0, 0, 0)
    colours = [(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))] if profile else []
    content = (b"IDAT", zlib.compress(filtered.tobytes()))
    chunks = [(b"IHDR", header), *colours, content, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
