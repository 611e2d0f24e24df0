"""How numbers are written to the files of results, so that they mean what those read meant.

Where it was said which values of the measurement's file are black and white, TIFF, FITS and NPY
files hold values in the measurement's unit again. PNG and JPEG files are pictures to look at:
black is black and white is white. A FITS file has the header of the one that was measured, and a
picture its colour profile; differences have none, since they are no colours. Images of other
channels than pictures are stored as those of the measurement's file are.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from ..channels import PICTURES, Channels
from ..errors import InputError
from .channels import are_no_pictures

if TYPE_CHECKING:
    from torch import Tensor

FEWEST = 16
"""Levels from black to white; fewer hold no image."""

LEAST = 0.001
"""A share that is less than this is not said as a number."""


@frozen
class Encoding:
    """What numbers in files stand for.

    Attributes:
        bits: per number, as `write_image` takes them.
        black: the value of the measurement's file that means 0.
        white: the one that means 1; `None` for the file's own, and then black is 0.
        like: the measurement's file.
        channels: what images may have; `None` for any.
    """

    bits: int | None = None
    black: float = 0.0
    white: float | None = None
    like: Path | None = None
    channels: Channels = PICTURES

    def suffix(self) -> str:
        """The format of one result in a folder: PNG of a picture, or that among many.

        Raises:
            InputError: the measurement's file can't be read.
        """
        from ..pixels import is_picture

        shown = self._suits(".png") and (self.like is None or is_picture(self.like))
        return ".png" if shown else self.suffix_among_many()

    def suffix_among_many(self) -> str:
        """The measurement's format, PNG for what is not written, TIFF for what that can't hold."""
        from ..formats import DEPTHS, is_fits, suffix

        own = ".png" if self.like is None else suffix(self.like)
        if own not in DEPTHS and is_fits(Path(f"x{own}")):
            own = ".fits"
        if own not in DEPTHS or own in (".jpg", ".jpeg"):
            own = ".png"
        return own if self._suits(own) else ".tif"

    def _suits(self, end: str) -> bool:
        """Whether files of a format hold the numbers, the bits and the channels."""
        from ..formats import DEPTHS, holds_numbers

        numbers = self.white is not None or are_no_pictures(self.channels)
        deep = self.bits is None or self.bits in DEPTHS[end]
        return deep and (not numbers or holds_numbers(Path(f"x{end}")))

    def write(self, path: Path, x: Tensor) -> None:
        """Write one image, in the measurement's unit if the format is for numbers."""
        from ..images import write_image

        black, white = self._ends(path)
        write_image(path, x, bits=self.bits, black=black, white=white, like=self.like)

    def write_difference(self, path: Path, x: Tensor) -> None:
        """Write differences of images in 32 bits, of which 0 is 0 in any unit."""
        from ..formats import is_fits
        from ..images import write_image

        white = None if self.white is None else self.white - self.black
        same = is_fits(path) or x.shape[-3] not in PICTURES
        write_image(path, x, white=white, like=self.like if same else None)

    def read(self, path: Path, channels: int) -> Tensor:
        """What `write` wrote, an image of so many channels."""
        from ..images import read_image

        black, white = self._ends(path)
        return read_image(path, black=black, white=white, channels=channels)

    def check_holds(self, path: Path, channels: int) -> None:
        """Raise `InputError` unless a file holds images of so many channels."""
        from ..formats import holds_channels, suffix

        if channels not in PICTURES and not holds_channels(path):
            raise InputError(
                f"the image has {channels} channels, and a {suffix(path)} file is gray or in "
                f"colour; a .tif or .npy file holds them: -o {path.with_suffix('.tif')}"
            )

    def check_levels(self, path: Path) -> None:
        """Raise `InputError` where whole numbers from black to white are next to none."""
        from ..formats import depth

        bits, (black, white) = depth(path, self.bits), self._ends(path)
        if bits != 32 and white is not None and white - black < FEWEST:
            raise InputError(
                f"{bits} bits are whole numbers, and of these there are hardly any from black, "
                f"{black:g}, to white, {white:g}: leave --bits {bits} out for numbers as they are"
            )

    def clipped(self, path: Path, x: Tensor) -> str:
        """How many values the file does not hold, in words; empty if it holds all."""
        low, high = self._span(path)
        share = float(((x < low) | (x > high)).float().mean())
        if share == 0:
            return ""
        much = f"{share:.1%}" if share >= LEAST else f"fewer than {LEAST:.1%}"
        return f"{much} of the values were outside [{low:.4g}, {high:.4g}] and are clipped"

    def keeper(self, path: Path) -> str:
        """Which file would hold every value."""
        from ..formats import holds_numbers

        if holds_numbers(path):
            return f"{path} without --bits"
        return f"{path.with_suffix('.tif')}"

    def _span(self, path: Path) -> tuple[float, float]:
        """The least and the greatest value that a file holds, in the unit of [0, 1]."""
        from ..formats import depth

        bits, (black, white) = depth(path, self.bits), self._ends(path)
        if bits == 32:
            return -math.inf, math.inf
        highest = 2.0**bits - 1
        scale = (highest if white is None else white) - black
        return (0.0 - black) / scale, (highest - black) / scale

    def _ends(self, path: Path) -> tuple[float, float | None]:
        from ..formats import holds_numbers

        return (self.black, self.white) if holds_numbers(path) else (0.0, None)
