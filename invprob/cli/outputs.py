"""The files that `invprob solve` writes.

    -o clean.png              clean.png
    -o clean.png --samples 3  clean.png (their mean), clean-std.tif, clean-sample-0.png, -1, -2,
                              clean-panel.png
    -o run/                   run/estimate.png, or run/mean.png, run/std.tif, run/sample-0.png, ...

In a folder, a measurement of more than 8 bits (TIFF, FITS, NPY) has results of its own format.
The standard deviation is a 32-bit TIFF (beside FITS files one of these) in the unit of the image,
so that its values can be read back; the panel shows it in colours beside the mean and the samples.
What the numbers in the files mean is said in `invprob.cli.encoding`. All of them appear together,
so that an interruption leaves no part of a set of samples.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from ..errors import FileWarning, InputError
from .encoding import Encoding
from .home import at_home

if TYPE_CHECKING:
    from torch import Tensor

    from ..problem import Problem
    from ..result import Result


@frozen
class Target:
    """What `-o` names.

    Attributes:
        path: the file or folder.
        is_folder: whether it is one: there is one, or the name has no suffix, or a slash at its
            end.
    """

    path: Path
    is_folder: bool

    def __str__(self) -> str:
        """Its name."""
        return f"{self.path}"


def named(text: str) -> Target:
    """The file or folder of this name.

    Raises:
        InputError: it is empty, as of an unset variable, or an ending alone, `.png`.
    """
    from ..formats import READABLE

    if not text:
        raise InputError("it is empty; name an image file or a folder")
    path = at_home(text)
    if path.name.lower() in READABLE and not path.is_dir():
        raise InputError(f"it is an ending without a name; type -o NAME{path.name}")
    ends = ("/", os.sep)
    return Target(path, os.path.isdir(path) or not path.suffix or text.endswith(ends))


@frozen
class Outputs:
    """Where the estimate, the samples and what is made of them go.

    Attributes:
        estimate: the one image.
        samples: one file for each.
        std: their standard deviation.
        panel: a picture of all.
        encoding: how numbers are written.
    """

    estimate: Path
    samples: tuple[Path, ...] = ()
    std: Path | None = None
    panel: Path | None = None
    encoding: Encoding = field(factory=Encoding)

    @classmethod
    def of(cls, output: Target, *, count: int, encoding: Encoding) -> Outputs:
        """The files for `-o output`, with `count` samples.

        Raises:
            InputError: the suffix names no format for images, or one without that depth.
        """
        from ..formats import stem

        if output.is_folder:
            word = "mean" if count > 1 else "estimate"
            return cls._named(output.path / f"{word}{encoding.suffix()}", "", count, encoding)
        return cls._named(output.path, f"{stem(output.path)}-", count, encoding)

    @classmethod
    def within(cls, folder: Path, suffix: str, *, count: int, encoding: Encoding) -> Outputs:
        """The files of several samples in a folder of their own, in the format of that suffix.

        Raises:
            InputError: as in `of`.
        """
        return cls._named(folder / f"mean{suffix}", "", count, encoding)

    @classmethod
    def _named(cls, estimate: Path, head: str, count: int, encoding: Encoding) -> Outputs:
        """The estimate, and what lies beside it under names that begin with `head`."""
        from ..formats import depth, is_fits, stem

        depth(estimate, encoding.bits)
        if count == 1:
            return cls(estimate, encoding=encoding)
        end = estimate.name[len(stem(estimate)) :]
        samples = tuple(estimate.with_name(f"{head}sample-{i}{end}") for i in range(count))
        numbers = end if is_fits(estimate) else ".tif"
        std = estimate.with_name(f"{head}std{numbers}")
        return cls(estimate, samples, std, estimate.with_name(f"{head}panel.png"), encoding)

    def __iter__(self) -> Iterator[Path]:
        """Every file."""
        return iter(path for path in (self.estimate, *self.samples, self.std, self.panel) if path)

    def check_free(self, measurement: Path, *, force: bool) -> None:
        """Raise `InputError` where a file is in the way.

        Raises:
            InputError: a file is not to be written over, or is the input.
        """
        for path in self:
            if os.path.exists(path) and path.samefile(measurement):
                raise InputError(f"{path} is the input; write the result to another file")
            if os.path.exists(path) and not force:
                raise InputError(f"{path} exists already; type --force to write over it")

    @contextlib.contextmanager
    def checked(self, measurement: Path, *, force: bool) -> Iterator[None]:
        """Make the folder, which goes again if nothing is written in the block.

        Raises:
            InputError: as in `check_free`; or a file can't be written, or would hold next to none
                of the values.
        """
        from ..files import check_writable, folder_made_for

        self.check_free(measurement, force=force)
        self.encoding.check_levels(self.estimate)
        with folder_made_for(self.estimate):
            for path in self:
                check_writable(path)
            yield

    def check_holds(self, problem: Problem[Any, Any], pages: int = 1) -> None:
        """Raise `InputError` unless the files hold so many images of the result's channels."""
        from ..formats import is_fits

        if len(problem.image_shape) != 3:
            return
        channels = problem.image_shape[0]
        self.encoding.check_holds(self.estimate, channels)
        if pages > 1 and channels > 1 and is_fits(self.estimate):
            raise InputError(
                f"{self.estimate}: a FITS file has no colour pages; name a .tif file, or a folder"
            )

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
        except (OSError, InputError) as error:
            images = [(self.estimate, result.x), *zip(self.samples, result.samples, strict=False)]
            raise OSError(f"{_said(error)}; {self._keep(images)}") from error

    def write_stack(self, x: Tensor) -> None:
        """Write the estimates of all pages, `(N, C, H, W)`, as those of one file.

        Raises:
            OSError: as in `write`.
        """
        try:
            self.encoding.write(self.estimate, x)
        except (OSError, InputError) as error:
            raise OSError(f"{_said(error)}; {self._keep([(self.estimate, x)])}") from error

    def _keep(self, images: list[tuple[Path, Tensor]]) -> str:
        """Keep images in the temporary folder, and say where, or why not."""
        from ..formats import stem
        from ..images import write_image

        black, white = self.encoding.black, self.encoding.white
        try:
            folder = Path(tempfile.mkdtemp(prefix="invprob-"))
            for path, x in images:
                kept = folder / f"{stem(path)}{'.npy' if len(x) == 1 else '.tif'}"
                write_image(kept, x, black=black, white=white)
        except OSError as error:
            return f"nor can a copy in the temporary folder: {_said(error)}"
        what = kept if len(images) == 1 else f"{folder}{os.sep}"
        return f"the result is kept in {what}, with every value: move it to a disk with space"

    def warn_if_clipped(self, result: Result) -> None:
        """Warn if files of the depth that was asked for do not hold the values of a result."""
        if self.encoding.bits is None:
            return
        written = result.samples.flatten(0, 1) if self.samples else result.x
        if lost := self.encoding.clipped(self.estimate, written):
            keeper = self.encoding.keeper(self.estimate)
            warnings.warn(f"{lost}; {keeper} keeps them", FileWarning, stacklevel=2)

    def warn_of_others(self) -> None:
        """Warn if samples of a run that had more of them lie beside those of this one."""
        from ..formats import stem

        for first in self.samples[:1]:
            head, tail = stem(first)[:-1], first.name[len(stem(first)) :]
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
                    FileWarning,
                    stacklevel=2,
                )

    def _write(self, result: Result) -> None:
        """Write every file in a folder of drafts, and put them in their places together."""
        try:
            with tempfile.TemporaryDirectory(prefix=".invprob-", dir=self.estimate.parent) as made:
                drafts = {path: Path(made) / path.name for path in self}
                self.encoding.write(drafts[self.estimate], result.x)
                for path, sample in zip(self.samples, result.samples, strict=False):
                    self.encoding.write(drafts[path], sample)
                if self.std is not None:
                    self.encoding.write_difference(drafts[self.std], result.std)
                if self.panel is not None:
                    result.plot().savefig(drafts[self.panel])
                for path, draft in drafts.items():
                    draft.replace(path)
        except OSError as error:
            if error.errno is None:
                raise
            names = {path.name: path for path in self}
            place = names.get(Path(f"{error.filename}").name, self.estimate)
            raise OSError(error.errno, error.strerror, f"{place}") from error


def _said(error: OSError | InputError) -> str:
    """Which file can't be written, and why."""
    if isinstance(error, InputError) or error.strerror is None or error.filename is None:
        return f"a file can't be written: {error}"
    return f"{error.filename} can't be written: {error.strerror}"
