"""The unit of numbers in image files, and a word where it looks wrong.

An 8-bit file's 255 and a 16-bit file's 65535 are white unless it is said which values are black
and white. Counts in such a file, of which 200 is bright, would be read as images that are almost
black: nothing else tells them from photographs of the night, so that is pointed out.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define, field

from .channels import PICTURES, Channels
from .errors import FileWarning
from .images import check_ends, in_unit, white_of
from .pixels import read_pixels, read_stack

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

DIM = 0.1
"""Images that never exceed this have probably another white level than their file's type."""
NEAR_BLACK = 0.05
"""A least value of that share of the greatest is one of an instrument without an offset."""
FAR_OUT = 1.5
"""A greatest value so far above all but a thousandth of them is no white."""


@define(eq=False)
class Unit:
    """Which values of files mean 0 and 1; it remembers the brightest file that it read.

    Attributes:
        black: the value that means 0.
        white: the value that means 1; `None` for that of each file's type.

    Raises:
        InputError: white is not above black, or not said where black is.

    >>> Unit(300, 8300).settings()
    {'black': 300.0, 'white': 8300.0}
    """

    black: float = field(default=0.0, converter=float)
    white: float | None = None
    _brightest: dict[float, tuple[float, Path]] = field(init=False, factory=dict, repr=False)
    _read: int = field(init=False, default=0, repr=False)

    def __attrs_post_init__(self) -> None:
        check_ends(self.black, self.white)
        self.white = None if self.white is None else float(self.white)

    def read(
        self,
        path: str | os.PathLike[str],
        page: int | None = None,
        channels: Channels = PICTURES,
        /,
    ) -> Tensor:
        """The image in a file, `(1, C, H, W)`, as `read_image` reads it.

        Args:
            path: the file.
            page: which image of the file.
            channels: what C may be besides 1 and 3; `None` for any.

        Raises:
            InputError: as in `read_image`.
        """
        return self.image(read_pixels(path, page, channels), path)

    def read_stack(
        self, path: str | os.PathLike[str], channels: Channels = PICTURES, /
    ) -> list[Tensor]:
        """The images in every page of a TIFF or FITS file, or the one in another file.

        Raises:
            InputError: as in `read_image`.
        """
        return [self.image(pixels, path) for pixels in read_stack(path, channels)]

    def warn_if_dim(self, what: str = "y") -> None:
        """Warn if no file of one type comes near to white, and it was not said what is white.

        Args:
            what: was read, for the message.
        """
        for own, (greatest, path) in self._brightest.items():
            if not 0 < greatest / own < DIM:
                continue
            images = "the image is" if self._read == 1 else "images are"
            warnings.warn(
                f"max({what}) = {greatest / own:.3g}: is white really {own:g} in {path}? If "
                f"{images} not that dark, say which value is white: --white {greatest:g}, or "
                "what the instrument's is",
                FileWarning,
                stacklevel=2,
            )

    def lift(self, pixels: NDArray[Any], /) -> str:
        """What to type to have the darkest pixel of a file half a level above black."""
        black, white = self.lifted(pixels)
        digits = 4 if abs(black) < 1000 else 7  # half a level shows
        return f"--black {black:.{digits}g} --white {white:.7g}"

    def lifted(self, pixels: NDArray[Any], /) -> tuple[float, float]:
        """Black and white that have the darkest pixel of a file half a level above black.

        Args:
            pixels: the file's numbers. A level is 1 where they are whole ones, and else a 255th
                of what is from black to white.
        """
        white = self.white or white_of(pixels) or float(pixels.max())
        level = 1.0 if pixels.dtype.kind in "bui" else (white - self.black) / 255
        return min(self.black, float(np.nanmin(pixels))) - level / 2, white

    def proposed(self, pixels: NDArray[Any], /) -> str:
        """What to type for black and white where nobody said them: about the ends of a file.

        Empty where they were said, or where the brightest pixel is about white.

        >>> import numpy as np
        >>> Unit().proposed(np.linspace(0, 70, 1000).astype("uint16").reshape(10, 100, 1))
        '--black 0 --white 70'
        """
        finite = pixels[np.isfinite(pixels)]
        if self.white is not None or not finite.size:
            return ""
        low, high, most = np.quantile(finite, (0.001, 0.999, 1))
        high = most if most < FAR_OUT * high else high
        own = white_of(pixels) or 1.0
        if not high > low or DIM * own < high <= own:
            return ""
        black = 0.0 if 0 <= finite.min() < NEAR_BLACK * high else float(low)
        return " ".join(
            f"--{name} {float(f'{value:.3g}'):g}"
            for name, value in (("black", black), ("white", high))
        )

    def settings(self) -> dict[str, object]:
        """What was said of the unit, by name."""
        return {} if self.white is None else {"black": self.black, "white": self.white}

    def image(self, pixels: NDArray[Any], path: str | os.PathLike[str], /) -> Tensor:
        """`(1, C, H, W)`, float32, of the numbers `(H, W, C)` in a file.

        Raises:
            InputError: their type has no white level, and none was said.
        """
        image = in_unit(pixels, path, self.black, self.white)
        self._read += 1
        self._remember(pixels, Path(path))
        return image

    def _remember(self, pixels: NDArray[Any], path: Path) -> None:
        own = white_of(pixels)
        if self.white is not None or own is None:
            return
        greatest = float(np.nanmax(pixels, initial=0))
        if greatest >= self._brightest.get(own, (0.0, path))[0]:
            self._brightest[own] = greatest, path
