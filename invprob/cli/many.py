"""`invprob solve` of many images: one after the other, with the same parts, each as if alone.

Every image is a problem of its own and has the seed for itself, so its result is the same whatever
else is in the list, to the last bit; and so is the noise of a sampler, which images of one size
have in common. An image that fails costs a message, and the others go on.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from attrs import define, field

from ..channels import Channels
from ..errors import IncompatibleError, InputError, InvprobError
from .batch import Image
from .cropping import cropped, what_is_cropped
from .masks import what_is_measured
from .outputs import Outputs
from .run import Run
from .unknown_noise import with_noise

if TYPE_CHECKING:
    from torch import Tensor

    from ..problem import Problem
    from ..result import Result

FAILURES = (InvprobError, OSError, RuntimeError, MemoryError)
"""What may be wrong with one image and not with the others."""

FULL = {errno.ENOSPC, errno.EDQUOT}
"""A full disk, which is wrong with all of them."""


@define
class Report:
    """What became of the images, a line for each.

    Attributes:
        count: how many images there are.
        kept: what an interruption leaves, in words.
    """

    count: int
    kept: str
    _begun: int = field(default=0, init=False)
    _solved: int = field(default=0, init=False)
    _failed: list[str] = field(factory=list, init=False)
    _said: set[str] = field(factory=set, init=False)

    @property
    def none_solved(self) -> bool:
        """Whether all that came before has failed."""
        return self._solved == 0

    @contextlib.contextmanager
    def image(self, image: Image) -> Iterator[None]:
        """Work on the next image; what is wrong with it is said, and no more.

        Raises:
            IncompatibleError: the parts don't go together, which is wrong with all images.
            OSError: the disk is full, or nobody reads on.
            KeyboardInterrupt: with what is left.
        """
        self._begun += 1
        try:
            yield
        except KeyboardInterrupt:
            where = f"interrupted at image {self._begun} of {self.count}"
            raise KeyboardInterrupt(f"{where}; {self.kept}") from None
        except BrokenPipeError:  # of what is said: `invprob solve noisy/ ... | head`
            raise
        except FAILURES as error:
            full = {getattr(one, "errno", None) for one in (error, error.__cause__)} & FULL
            if full or (isinstance(error, IncompatibleError) and self.none_solved):
                raise
            self._fails(image, error)

    def solved(self, image: Image, result: Result, path: Path | None = None) -> None:
        """The line of a result, and where that is; advice on what is wrong with it, once."""
        self._solved += 1
        found, _, advice = result.in_a_line().partition(". ")
        wrote = "" if path is None else f"; wrote {path}"
        typer.echo(f"{self._begun}/{self.count} {image}: {found}{wrote}")
        self.say_once(advice)

    def say_once(self, text: str) -> None:
        """A line that is true of several images; the first time only."""
        if text and text not in self._said:
            typer.echo(text)
            self._said.add(text)

    def end(self) -> None:
        """Name the images that failed, and exit with status 1 if there are any."""
        if self._failed:
            names = ", ".join(self._failed)
            typer.echo(f"{len(self._failed)} of {self.count} failed: {names}", err=True)
            raise typer.Exit(1)

    def _fails(self, image: Image, error: BaseException) -> None:
        ours = isinstance(error, InvprobError | OSError)
        said = str(error) if ours else f"{type(error).__name__}: {error}"
        if typed := getattr(error, "typed", ""):
            said += f" (on the command line: {typed})"
        head = f"{self._begun}/{self.count} {image} failed: "
        typer.secho(head, fg=typer.colors.RED, err=True, nl=False)
        typer.echo(said, err=True)
        self._failed.append(str(image))


def solve_each(run: Run, images: Sequence[Image], *, force: bool) -> None:
    """Solve for images whose results go to files of their own.

    Raises:
        Exit: with status 1, at the end: some images failed.
    """
    kept = "results are written as they come, and the same command leaves those that exist alone"
    report = Report(len(images), kept)
    for image in images:
        with report.image(image):
            outputs = image.place()
            outputs.check_free(image.file, force=force)
            its, problem = _posed(run, image, report)
            outputs.check_holds(problem)
            with outputs.checked(image.file, force=force):
                result = _solved(its, image, problem, report)
                outputs.write(shown := cropped(result, its.noise))
            outputs.warn_if_clipped(shown)
            outputs.warn_of_others()
            first = outputs.estimate
            report.solved(image, result, first.parent if outputs.samples else first)
    report.end()


def solve_stack(run: Run, images: Sequence[Image], outputs: Outputs, *, force: bool) -> None:
    """Solve for the pages of one file, whose results are the pages of another.

    A page that fails is empty: NaN, or black where the file holds whole numbers.

    Raises:
        InputError: the results can't be pages of such a file, or a file is in the way.
        Exit: with status 1, at the end: some pages failed.
    """
    with outputs.checked(images[0].file, force=force):
        check_alike(images, outputs.estimate, outputs.encoding.channels)
        kept = "nothing is written, since the pages of one file are written together"
        report = Report(len(images), kept)
        found: list[Tensor | None] = []
        for image in images:
            found.append(None)
            with report.image(image):
                its, problem = _posed(run, image, report)
                try:
                    outputs.check_holds(problem, len(images))
                except InputError as error:  # so it is with every page
                    raise IncompatibleError(str(error)) from None
                result = _solved(its, image, problem, report)
                shown = cropped(result, its.noise)
                found[-1] = shown.x.cpu()
                outputs.warn_if_clipped(shown)
                report.solved(image, result)
        if stack := _filled(found, whole=outputs.encoding.bits not in (None, 32)):
            import torch

            outputs.write_stack(torch.cat(stack))
            empty = "" if None not in found else ", of which those that failed are empty"
            pages = f"{len(stack)} page{'s'[: len(stack) > 1]}"
            typer.echo(f"wrote {outputs.estimate}, {pages}{empty}")
    report.end()


def _posed(run: Run, image: Image, report: Report) -> tuple[Run, Problem[Any, Any]]:
    """The parts for one image, whose noise may be its own, and what is to be solved."""
    its, noise = with_noise(run, image.file, image.page)
    report.say_once(noise)
    return its, its.problem(image.file, image.page, warn=report.none_solved)


def _solved(run: Run, image: Image, problem: Problem[Any, Any], report: Report) -> Result:
    """The result for one image; what there is to say of all of them is said once."""
    from .hot import remark_on
    from .memory import what_it_takes

    method, reason = run.method(problem)
    report.say_once(reason)
    report.say_once(what_is_measured(run.noise, problem.y, warn=report.none_solved))
    report.say_once(what_it_takes(problem, run.samples))
    report.say_once(remark_on(run, problem, image.file, image.page))
    result = run.solve(problem, method)
    if part := what_is_cropped(result.x, run.noise):
        report.say_once(f"written: {part}")
    return result


def check_alike(images: Sequence[Image], output: Path, channels: Channels) -> None:
    """Raise `InputError` unless all pages can be pages of one file."""
    from ..formats import is_fits
    from ..pixels import read_pixels

    shapes = set()
    for image in images:
        with contextlib.suppress(InputError):  # it is said when its turn comes
            shapes.add(read_pixels(image.file, image.page, channels).shape)
    if len(shapes) > 1:
        sizes = ", ".join(map(str, sorted(shapes)))
        raise InputError(f"{images[0].file} has pages of shapes {sizes}; name a folder, -o clean/")
    if is_fits(output) and len(images) > 1 and any(shape[2] > 1 for shape in shapes):
        raise InputError(
            f"{output}: a FITS file has no colour pages; name a .tif file, or a folder"
        )


def _filled(found: Sequence[Tensor | None], *, whole: bool) -> list[Tensor]:
    """The images, with empty ones in the place of those that there are not."""
    like = next((x for x in found if x is not None), None)
    if like is None:
        return []
    empty = like.new_full(like.shape, 0.0 if whole else float("nan"))
    return [empty if x is None else x for x in found]
