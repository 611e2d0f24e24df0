"""The numbers in image files, `(H, W, C)`, as they are: C = 1 for gray, 3 for colour.

Other channel counts are read where they are asked for. An axis is that of the channels because
the file says so: it is the last one in NPY files, and TIFF files have tags and descriptions.

What they mean is said in `invprob.images`, and by users in `invprob.units`. Transparency is
dropped, with a warning if any pixel is transparent. A channel is transparency where the file's
format says so: one more channel of a NPY file, or of a TIFF file without that tag, is none. Where
so many channels are asked for, a TIFF file's last one is no transparency, whatever its tag says:
`tifffile` calls the last of four so unless it is told `photometric="minisblack"`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import formats
from .channels import PICTURES, Channels, may_have
from .errors import FileWarning, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

FEW = 5
"""A last axis so short is of channels, and not of a row's pixels."""


def read_pixels(
    path: str | os.PathLike[str], page: int | None = None, channels: Channels = PICTURES, /
) -> NDArray[Any]:
    """The numbers in a file, `(H, W, C)`, of the file's own type.

    Args:
        path: the file.
        page: which image of the file.
        channels: what C may be besides 1 and 3; `None` for any.

    Raises:
        InputError: the file is missing, damaged, or no image, or one of other channels.
    """
    path = Path(path)
    pixels, transparent = _decoded(path, lambda: formats.read(path, page, channels))
    return _opaque(pixels, path, transparent, channels)


def read_stack(
    path: str | os.PathLike[str], channels: Channels = PICTURES, /
) -> list[NDArray[Any]]:
    """The numbers in every image of a TIFF or FITS file, or in another's one image.

    Raises:
        InputError: as in `read_pixels`.
    """
    path = Path(path)
    pages = _decoded(path, lambda: formats.read_stack(path, channels))
    return [_opaque(pixels, path, transparent, channels) for pixels, transparent in pages]


def pages_of(path: str | os.PathLike[str], channels: Channels = PICTURES, /) -> list[int | None]:
    """What `read_pixels` takes as the page, for each image in a file; `[None]` without pages.

    Raises:
        InputError: the file is missing, damaged, or no image.
    """
    path = Path(path)
    return [*_decoded(path, lambda: formats.pages(path, channels))] or [None]


def is_picture(path: str | os.PathLike[str], /) -> bool:
    """Whether a file's numbers are those of a picture, of 8 bits or in a format for pictures.

    Raises:
        InputError: the file is missing, damaged, or no image.
    """
    path = Path(path)
    return _decoded(path, lambda: formats.is_picture(path))


def _decoded(path: Path, read: Callable[[], T]) -> T:
    """What a decoder makes of a file; `InputError` of whatever it raises."""
    if not path.exists():
        what = "file" if path.suffix else "file or folder"
        raise InputError(f"there is no {what} {path}; the current folder is {Path.cwd()}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give one of the image files in it")
    formats.check_readable(path)
    try:
        return read()
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a decoder may raise anything on a damaged file
        if isinstance(error, OSError) and error.errno is not None:
            raise InputError(f"{path} can't be read: {error.strerror}") from error
        again = (
            "write an array of numbers with numpy.save"
            if formats.suffix(path) == ".npy"
            else "open it in an image viewer and save it again"
        )
        kind = formats.suffix(path)[1:].upper()
        raise InputError(
            f"{path} can't be read as a {kind} file, it is damaged or of another format: {error}; "
            f"{again}"
        ) from error


def _opaque(
    pixels: NDArray[Any], path: Path, transparent: bool, channels: Channels
) -> NDArray[Any]:
    """`(H, W, C)`: without the alpha channel, which is the last one if it is there."""
    if pixels.ndim == 2 and pixels.size:
        return pixels[..., None]
    if formats.is_tiff(path) and pixels.shape[-1] in set(channels or ()) - set(PICTURES):
        transparent = False
    if not _is_image(pixels, channels, transparent):
        also = "".join(f", (H, W, {n})" for n in sorted({*(channels or ())} - {1, 3}))
        raise InputError(
            f"{path} holds an array of shape {pixels.shape}; an image is "
            + ("(H, W) or (H, W, C)" if channels is None else f"(H, W){also} or (H, W, 3)")
            + _advice(pixels.shape, channels)
        )
    if not transparent:
        return pixels
    alpha = pixels[..., -1]
    clear = alpha < (1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max)
    if clear.any():
        warnings.warn(
            f"{path}: transparency is dropped, and {clear.mean():.1%} of the pixels have some",
            FileWarning,
            stacklevel=4,
        )
    return pixels[..., :-1]


def _is_image(pixels: NDArray[Any], channels: Channels, transparent: bool) -> bool:
    """Whether an array is `(H, W, C)`; where any C will do, it is less than H and W."""
    if pixels.ndim != 3 or 0 in pixels.shape:
        return False
    count = pixels.shape[2] - transparent
    few = channels is not None or count in PICTURES or count < min(pixels.shape[:2])
    return few and may_have(count, channels)


def _advice(shape: tuple[int, ...], channels: Channels) -> str:
    """What to do with an array that is not one image."""
    if len(shape) == 3 and (shape[0] in (1, 3) or shape[0] in (channels or ())):
        return ": move the channels last, np.moveaxis(array, 0, -1)"
    if len(shape) == 3 and channels is None:
        return (
            ", of fewer channels than rows and columns: np.moveaxis(array, 0, -1) if they are "
            "first"
        )
    if len(shape) == 3 and shape[2] <= FEW and set(channels or ()) <= set(PICTURES):
        return ": save its channels one by one, array[..., 0] and so on"
    return "; save one image of the stack by itself" if len(shape) > 2 else ""
