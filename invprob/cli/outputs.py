"""The files that `invprob solve` writes.

    -o clean.png              clean.png
    -o clean.png --samples 3  clean.png (their mean), clean-std.tif, clean-sample-0.png, -1, -2,
                              clean-panel.png
    -o run/                   run/estimate.png, or run/mean.png, run/std.tif, run/sample-0.png, ...

The standard deviation is a 32-bit TIFF in the unit of the image, so that its values can be read
back; the panel shows it in colours beside the mean and the samples.

Where it was said which values of the measurement's file are black and white, TIFF and NPY files
hold values in the measurement's unit again. PNG and JPEG files are pictures to look at: black is
black and white is white.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from ..errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from ..result import Result


def named(text: str) -> Path:
    """The file or folder of this name; `InputError` for an empty one, as of an unset variable."""
    if not text:
        raise InputError("it is empty; name an image file or a folder")
    return Path(text)


@frozen
class Outputs:
    """Where the estimate, the samples and what is made of them go.

    Attributes:
        estimate: the one image.
        samples: one file for each.
        std: their standard deviation.
        panel: a picture of all.
        bits: per number, as `write_image` takes them.
        black: the value of the measurement's file that means 0.
        white: the one that means 1; `None` for the file's own, and then black is 0.
    """

    estimate: Path
    samples: tuple[Path, ...] = ()
    std: Path | None = None
    panel: Path | None = None
    bits: int | None = None
    black: float = 0.0
    white: float | None = None

    @classmethod
    def of(
        cls,
        output: Path,
        *,
        count: int,
        bits: int | None = None,
        black: float = 0.0,
        white: float | None = None,
    ) -> Outputs:
        """The files for `-o output`, with `count` samples.

        Raises:
            InputError: the suffix names no format for images, or one without that depth.
        """
        from ..formats import depth

        inside = os.path.isdir(output) or not output.suffix
        pictures = ".png" if white is None else ".tif"
        suffix = pictures if inside else output.suffix

        def named(word: str, suffix: str = suffix) -> Path:
            name = f"{word}{suffix}" if inside else f"{output.stem}-{word}{suffix}"
            return (output if inside else output.parent) / name

        estimate = named("mean" if count > 1 else "estimate") if inside else output
        depth(estimate, bits)
        if count == 1:
            return cls(estimate, bits=bits, black=black, white=white)
        samples = tuple(named(f"sample-{i}") for i in range(count))
        std, panel = named("std", ".tif"), named("panel", ".png")
        return cls(estimate, samples, std, panel, bits, black, white)

    def __iter__(self) -> Iterator[Path]:
        """Every file."""
        return iter(path for path in (self.estimate, *self.samples, self.std, self.panel) if path)

    def check(self, measurement: Path, *, force: bool) -> None:
        """Make the folder; refuse to write over the input, or without `force` over anything.

        Raises:
            InputError: a file is in the way, or can't be written.
        """
        from ..files import check_writable

        for path in self:
            if os.path.exists(path) and path.samefile(measurement):
                raise InputError(f"{path} is the input; write the result to another file")
            if os.path.exists(path) and not force:
                raise InputError(f"{path} exists already; type --force to write over it")
        for path in self:
            check_writable(path, make_folder=True)

    def check_checkpoint(self, path: Path, resume: Path | None, *, force: bool) -> None:
        """Refuse to keep a run where a result goes, or over a file; with `force` over another run.

        Raises:
            InputError: a file is in the way.
        """
        from ..checkpoint import is_checkpoint

        if any(path.absolute() == one.absolute() for one in self):
            raise InputError(f"{path} is where the result goes; keep the run in another file")
        if not path.is_file() or (resume is not None and path.absolute() == resume.absolute()):
            return
        if not is_checkpoint(path):
            raise InputError(f"{path} exists and is no checkpoint; keep the run in another file")
        if not force:
            raise InputError(
                f"{path} exists already; type --resume {path} to go on from it, or --force to "
                "write over it"
            )

    def write(self, result: Result) -> None:
        """Write a result of one measurement.

        Raises:
            OSError: a file can't be written after all; the message says where the images are kept.
        """
        try:
            self._write(result)
        except OSError as error:
            raise OSError(f"{_said(error)}; {self._keep(result)}") from error

    def _keep(self, result: Result) -> str:
        """Keep the images in the temporary folder, and say where, or why not."""
        from ..images import write_image

        images = [(self.estimate, result.x), *zip(self.samples, result.samples, strict=False)]
        try:
            folder = Path(tempfile.mkdtemp(prefix="invprob-"))
            for path, x in images:
                kept = folder / f"{path.stem}.npy"
                write_image(kept, x, black=self.black, white=self.white)
        except OSError as error:
            return f"nor can a copy in the temporary folder: {_said(error)}"
        what = folder / f"{self.estimate.stem}.npy" if len(images) == 1 else f"{folder}{os.sep}"
        return f"the result is kept in {what}, with every value: move it to a disk with space"

    def warn_if_clipped(self, result: Result) -> None:
        """Warn if files of the depth that was asked for do not hold the values of a result."""
        if self.bits is None:
            return
        written = result.samples.flatten(0, 1) if self.samples else result.x
        if lost := self.clipped(self.estimate, written):
            warnings.warn(f"{lost}; {self.keeper()} keeps them", stacklevel=2)

    def warn_of_others(self) -> None:
        """Warn if samples of a run that had more of them lie beside those of this one."""
        for first in self.samples[:1]:
            head, tail = first.name[: -len(f"0{first.suffix}")], first.suffix
            other = re.compile(rf"{re.escape(head)}\d+{re.escape(tail)}")
            names = {path.name for path in self.samples}
            found = sorted(
                path
                for path in first.parent.iterdir()
                if other.fullmatch(path.name) and path.name not in names
            )
            if found:
                more = f" and {len(found) - 1} more" if len(found) > 1 else ""
                warnings.warn(
                    f"left from another run: {found[0]}{more}; this one has {len(names)} samples",
                    stacklevel=2,
                )

    def _write(self, result: Result) -> None:
        self.write_image(self.estimate, result.x)
        for path, sample in zip(self.samples, result.samples, strict=False):
            self.write_image(path, sample)
        if self.std is not None:
            from ..images import write_image

            white = None if self.white is None else self.white - self.black
            write_image(self.std, result.std, white=white)
        if self.panel is not None:
            result.plot().savefig(self.panel)

    def write_image(self, path: Path, x: Tensor) -> None:
        """Write one image, in the measurement's unit if the format is for numbers."""
        from ..images import write_image

        black, white = self._ends(path)
        write_image(path, x, bits=self.bits, black=black, white=white)

    def read_image(self, path: Path) -> Tensor:
        """What `write_image` wrote."""
        from ..images import read_image

        black, white = self._ends(path)
        return read_image(path, black=black, white=white)

    def span(self, path: Path) -> tuple[float, float]:
        """The least and the greatest value that a file holds, in the unit of [0, 1]."""
        from ..formats import depth

        bits, (black, white) = depth(path, self.bits), self._ends(path)
        if bits == 32:
            return -math.inf, math.inf
        highest = 2.0**bits - 1
        scale = (highest if white is None else white) - black
        return (0.0 - black) / scale, (highest - black) / scale

    def clipped(self, path: Path, x: Tensor) -> str:
        """How many values the file does not hold, in words; empty if it holds all."""
        low, high = self.span(path)
        share = float(((x < low) | (x > high)).double().mean())
        if share == 0:
            return ""
        return f"{share:.1%} of the values were outside [{low:.4g}, {high:.4g}] and are clipped"

    def keeper(self) -> str:
        """Which file would hold every value."""
        from ..formats import holds_numbers

        if holds_numbers(self.estimate):
            return f"{self.estimate} without --bits"
        return f"{self.estimate.with_suffix('.tif')}"

    def _ends(self, path: Path) -> tuple[float, float | None]:
        from ..formats import holds_numbers

        return (self.black, self.white) if holds_numbers(path) else (0.0, None)


def _said(error: OSError) -> str:
    """Which file can't be written, and why."""
    if error.strerror is None or error.filename is None:
        return f"a file can't be written: {error}"
    return f"{error.filename} can't be written: {error.strerror}"
