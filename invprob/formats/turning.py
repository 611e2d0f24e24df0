"""Pictures that were stored lying on a side, upright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORIENTATION = 0x0112
"""The number of the tag that says how a picture lies, of TIFF and of EXIF."""


def turned(pixels: NDArray[Any], orientation: int, /) -> NDArray[Any]:
    """The pixels upright, by what a file's tag Orientation says of its first row and column."""
    if orientation in (5, 6, 7, 8):  # the first row is a side of the picture
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels
