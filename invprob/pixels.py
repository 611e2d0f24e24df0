"""The numbers in image files, `(H, W, C)`, C = 1 for gray and 3 for colour, as they are.

What they mean is said in `invprob.images`, and by users in `invprob.units`. Transparency is
dropped, with a warning if any pixel is transparent. A channel is transparency where the file's
format says so: one more channel of a NPY file, or of a TIFF file without that tag, is refused.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import formats
from .errors import FileWarning, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

FEW = 5
"""A last axis so short is of channels, and not of a row's pixels."""


def read_pixels(path: str | os.PathLike[str], page: int | None = None, /) -> NDArray[Any]:
    """The numbers in a file, `(H, W, C)`, C = 1 or 3, of the file's own type.

    Raises:
        InputError: the file is missing, damaged, or no image.
    """
    path = Path(path)
    pixels, transparent = _decoded(path, lambda: formats.read(path, page))
    return _opaque(pixels, path, transparent)


def read_stack(path: str | os.PathLike[str], /) -> list[NDArray[Any]]:
    """The numbers in every page of a TIFF or FITS file, or in another's one image.

    Raises:
        InputError: the file is missing, damaged, or no image.
    """
    path = Path(path)
    pages = _decoded(path, lambda: formats.read_stack(path))
    return [_opaque(pixels, path, transparent) for pixels, transparent in pages]


def pages_of(path: str | os.PathLike[str], /) -> list[int | None]:
    """What `read_pixels` takes as the page, for each image in a file; `[None]` without pages.

    Raises:
        InputError: the file is missing, damaged, or no image.
    """
    path = Path(path)
    return [*_decoded(path, lambda: formats.pages(path))] or [None]


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
    except InputError:
        raise
    except Exception as error:  # a decoder may raise anything on a damaged file
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


def _opaque(pixels: NDArray[Any], path: Path, transparent: bool) -> NDArray[Any]:
    """`(H, W, 1 or 3)`: without the alpha channel, which is the last one if it is there."""
    if pixels.ndim == 2 and pixels.size:
        return pixels[..., None]
    if pixels.ndim != 3 or 0 in pixels.shape or pixels.shape[2] - transparent not in (1, 3):
        raise InputError(
            f"{path} holds an array of shape {pixels.shape}; an image is (H, W) or (H, W, 3)"
            + _advice(pixels.shape)
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


def _advice(shape: tuple[int, ...]) -> str:
    """What to do with an array that is not one image."""
    if len(shape) == 3 and shape[0] in (1, 3):
        return ": move the channels last, np.moveaxis(array, 0, -1)"
    if len(shape) == 3 and shape[2] <= FEW:
        return ": save its channels one by one, array[..., 0] and so on"
    return "; save one image of the stack by itself" if len(shape) > 2 else ""
