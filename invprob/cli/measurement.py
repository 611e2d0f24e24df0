"""Reading a measurement, and a word about its unit before anything is made of it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

DIM = 0.1
"""A measurement that never exceeds this has probably another white level than its file's type."""


def read_measurement(path: Path, page: int | None, black: float, white: float | None, /) -> Tensor:
    """The image in a file, `(1, C, H, W)`; warns where its white level looks wrong.

    Raises:
        InputError: as in `read_image`.
    """
    from ..images import check_ends, in_unit, read_pixels, white_of

    check_ends(black, white)
    pixels = read_pixels(path, page)
    y = in_unit(pixels, path, black, white)
    top = float(y.max())
    if white is None and 0 < top < DIM:
        warnings.warn(
            f"max(y) = {top:.3g}: is white really {white_of(pixels):g} in {path}? If the image is "
            f"not that dark, say which value is white: --white {float(pixels.max()):g}, or what "
            "the instrument's is",
            stacklevel=1,
        )
    return y
