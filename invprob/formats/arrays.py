"""NPY files: arrays of numpy, of any real numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read(path: Path, /) -> NDArray[Any]:
    """The array in a file."""
    return real(np.load(path, allow_pickle=False), path)


def dtype(path: Path, /) -> np.dtype[Any]:
    """Of which type the numbers in a file are."""
    found: np.dtype[Any] = np.load(path, mmap_mode="r", allow_pickle=False).dtype
    return found


def real(pixels: NDArray[Any], path: Path, /) -> NDArray[Any]:
    """The same pixels, if they are real numbers."""
    if pixels.dtype.kind not in "buif":
        raise InputError(f"{path} holds {pixels.dtype}; an image is made of real numbers")
    return pixels


def write(file: BinaryIO, pixels: NDArray[Any], /) -> None:
    """Write pixels `(H, W, C)`, gray ones as `(H, W)`."""
    np.save(file, pixels[..., 0] if pixels.shape[2] == 1 else pixels)
