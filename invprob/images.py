"""Image files in and out.

`read_image` gives `(1, C, H, W)` in float32, C = 1 for gray and 3 for colour. Integers are divided
by their white level, 255 or 65535, so images live in [0, 1] as everywhere in invprob; a
floating-point TIFF holds its own unit and is read as it is. `write_image` is the inverse: 8 and 16
bits are clipped to [0, 1] and rounded, a 32-bit TIFF keeps every value.

| format | reads | writes |
|---|---|---|
| PNG  | 1 to 16 bits, gray, colour, palette | 8, 16 bits |
| JPEG | 8 bits, gray, colour | 8 bits |
| TIFF | 1, 8, 16 bits, floating point; one page of many | 8, 16 bits, 32 (floating point) |

Pixel values are taken as they are: no colour profile and no gamma is applied. Transparency is
dropped, with a warning if any pixel is transparent.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from . import formats
from .errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_image(path: str | os.PathLike[str], *, page: int | None = None) -> Tensor:
    """The image in a PNG, JPEG or TIFF file.

    Args:
        path: the file; its suffix names the format.
        page: which page of a TIFF file, from 0; needed only if there are several.

    Returns:
        `(1, C, H, W)`, float32: in [0, 1] for integer pixels, as it is for a floating-point TIFF.

    Raises:
        InputError: the file is missing, damaged, or of a kind that has no meaning in [0, 1].

    >>> import invprob as ip, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "gray.png"
    >>> ip.write_image(path, torch.full((1, 1, 4, 6), 0.2))
    >>> ip.read_image(path).shape
    torch.Size([1, 1, 4, 6])
    """
    path = Path(path)
    formats.depth(path, None)
    if not path.exists():
        raise InputError(f"there is no file {path}; the current folder is {Path.cwd()}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give one of the image files in it")
    if page is not None and not formats.is_tiff(path):
        raise InputError(f"page={page}: only a TIFF file has pages, and {path} is none")
    try:
        pixels = formats.read(path, page)
    except InputError:
        raise
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise InputError(
            f"{path} can't be read as a {path.suffix[1:].upper()} file, it is damaged or of "
            f"another format: {error}; open it in an image viewer and save it again"
        ) from error
    image = _to_unit(_opaque(pixels, path), path)
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]


def write_image(path: str | os.PathLike[str], x: Tensor, /, *, bits: int | None = None) -> None:
    """Write one image; the file appears whole or not at all.

    Args:
        path: the file; its suffix, .png, .jpg or .tif, names the format.
        x: `(1, C, H, W)`, `(C, H, W)` or `(H, W)`, C = 1 or 3, in [0, 1].
        bits: 8 or 16 (clipped to [0, 1] and rounded) or 32 (floating point, not clipped). By
            default 8 for PNG and JPEG, 32 for TIFF.

    Raises:
        InputError: x is not one finite image, the format or its depth is unknown, or there is no
            such folder.

    >>> import invprob as ip, tempfile, pathlib
    >>> path, x = pathlib.Path(tempfile.mkdtemp()) / "x.tif", torch.rand(1, 3, 4, 6)
    >>> ip.write_image(path, x)
    >>> bool(torch.equal(ip.read_image(path), x))
    True
    """
    path = Path(path)
    bits = formats.depth(path, bits)
    if not path.parent.is_dir():
        raise InputError(
            f"there is no folder {path.parent} to write {path.name} to; make it first"
        )
    pixels = _from_unit(_one_image(x), bits)
    with _replacing(path) as file:
        formats.write(file, path, pixels)


def sample_photo() -> Tensor:
    """A photo to try things on: a cat, `(1, 3, 256, 256)` in [0, 1].

    The photo is by Stefan van der Walt, CC0 1.0 (`invprob/samples/README.md`).

    >>> import invprob as ip
    >>> ip.sample_photo().shape
    torch.Size([1, 3, 256, 256])
    """
    return read_image(Path(__file__).parent / "samples" / "cat.png")


# --------------------------------------------------------------------------- reading


def _opaque(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    """`(H, W, 1 or 3)`: without the alpha channel."""
    if pixels.ndim == 2:
        return pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] > 4 or 0 in pixels.shape:
        raise InputError(
            f"{path} holds an array of shape {pixels.shape}; an image is (H, W) or (H, W, 3)"
        )
    if pixels.shape[2] in (1, 3):
        return pixels
    alpha = pixels[..., -1]
    clear = alpha < (1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max)
    if clear.any():
        warnings.warn(
            f"{path}: transparency is dropped, and {clear.mean():.1%} of the pixels have some",
            stacklevel=3,
        )
    return pixels[..., :-1]


def _to_unit(pixels: NDArray[Any], path: Path) -> NDArray[np.float32]:
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"{path} holds {pixels.dtype} numbers, which have no white level; divide them by it "
            "and save them as floating point (a 32-bit .tif)"
        )
    return (pixels / np.float64(np.iinfo(pixels.dtype).max)).astype(np.float32)


# --------------------------------------------------------------------------- writing


def _one_image(x: Tensor) -> NDArray[np.float64]:
    """`(H, W, C)` of a tensor that is one finite image."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise InputError(f"an image is a tensor of floating-point numbers in [0, 1], not {kind}")
    shape = tuple(x.shape)
    if x.ndim == 4 and shape[0] == 1:
        x = x[0]
    elif x.ndim == 2:
        x = x[None]
    if x.ndim != 3 or x.shape[0] not in (1, 3) or x.numel() == 0:
        raise InputError(
            f"x has shape {shape}, which is not one image: (1, C, H, W), (C, H, W) or (H, W) with "
            "C = 1 or 3" + ("; write the rows of a batch one by one, x[0]" if x.ndim > 3 else "")
        )
    if not bool(torch.isfinite(x).all()):
        raise InputError("x has values that are not finite, which no file can show")
    return np.ascontiguousarray(x.detach().cpu().double().permute(1, 2, 0).numpy())


def _from_unit(image: NDArray[np.float64], bits: int) -> NDArray[Any]:
    if bits == 32:
        return image.astype(np.float32)
    levels: NDArray[Any] = np.rint(image.clip(0, 1) * (2**bits - 1))
    return levels.astype(np.uint8 if bits == 8 else np.uint16)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` at the end, if all went well."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(draft, "wb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
