"""Measurements that are no images, in NPY files: coefficients of a transform, sums of pixels.

What `Hadamard` measures of images (C, H, W) is (C, M), what `Fourier` does (C, H, W, 2), and what
`Dense` and `Stack` do (M,). An array of that shape is such a measurement if it can't be that of an
image, gray or in colour, but can be one as it stands: the likelihood says of which shapes there
are images, gray, in colour or of as many channels as the prior takes. Its numbers are in the unit
of [0, 1], or of `--black` and `--white`, as those of images are.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..channels import PICTURES, Channels, may_have
from ..contracts import InfersImageShape, Shape
from ..errors import InputError
from ..files import replacing
from ..formats import arrays, suffix
from ..images import check_ends, white_of
from ..operators.structure import operator_of


def is_no_image(y: Tensor, x: Tensor, /) -> bool:
    """Whether a measurement `(1, ...)` of an image `(1, C, H, W)` is none that files hold."""
    return y.ndim != 4 or not may_have(y.shape[1], x.shape[1:2])


def read_coefficients(
    path: str | PathLike[str],
    noise: Any,
    black: float,
    white: float | None,
    channels: Channels = PICTURES,
    /,
) -> Tensor | None:
    """The measurement in a NPY file, `(1, *measurement)`; None if it is to be read as an image.

    Args:
        path: the file.
        noise: how it arose.
        black: the value that means 0.
        white: the one that means 1.
        channels: what images have besides 1 and 3; `None` for any.

    Raises:
        InputError: whole numbers of which nobody said what is white, or real and imaginary parts
            that are of no image that the operator takes.
    """
    path = Path(path)
    if suffix(path) != ".npy" or not path.is_file() or not isinstance(noise, InfersImageShape):
        return None
    try:
        numbers = arrays.read(path)
    except (ValueError, EOFError, OSError):
        return None  # what is wrong with it is said when it is read as an image
    images = _of_images(numbers.shape, channels)
    if any(_made(noise, shape, channels) for shape in images):
        return None
    if not _made(noise, numbers.shape, PICTURES if numbers.ndim == 3 else channels):
        if numbers.ndim == 4 and numbers.shape[-1] == 2:  # no image, nor a stack of them
            noise.image_shape(numbers.shape)
        return None
    check_ends(black, white)
    if white is None and (white := white_of(numbers)) is None:
        raise InputError(
            f"{path} holds {numbers.dtype} numbers, which have no white level of their own",
            typed="--white NUMBER, the file's value that means 1",
        )
    unit = (numbers.astype(np.float64) - black) / (white - black)
    return torch.from_numpy(unit.astype(np.float32))[None]


def write_coefficients(path: Path, y: Tensor, black: float, white: float | None, /) -> None:
    """Write one measurement, `(1, *measurement)`, to a NPY file.

    Raises:
        InputError: the file is none.
    """
    if suffix(path) != ".npy":
        raise InputError(
            f"measurements of shape {tuple(y.shape[1:])} are no images; a NPY file holds them: "
            f"-o {path.with_suffix('.npy')}"
        )
    check_ends(black, white)
    span = (1.0 if white is None else white) - black
    with replacing(path) as file:
        np.save(file, (black + span * y[0].cpu().double()).numpy().astype(np.float32))


def _of_images(shape: Shape, channels: Channels) -> list[Shape]:
    """The shapes of images that an array `(H, W)` or `(H, W, C)` may hold."""
    if len(shape) == 2:
        return [(1, *shape)]
    return [(shape[2], *shape[:2])] if len(shape) == 3 and may_have(shape[2], channels) else []


def _made(noise: InfersImageShape, shape: Shape, channels: Channels) -> bool:
    """Whether a measurement of this shape is made of an image of such channels."""
    operator = operator_of(noise)
    try:
        image = noise.image_shape(tuple(shape))
        made = operator is None or tuple(operator.out_shape(image)) == tuple(shape)
    except InputError:
        return False
    return made and len(image) == 3 and may_have(image[0], channels)
