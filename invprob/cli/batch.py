"""Which images `invprob solve` takes at once, and where the result of each goes.

    noisy/ -o clean/                       noisy/a.tif to clean/a.tif, noisy/b.jpg to clean/b.png
    a.tif b.tif -o clean/                  the same of files that are named
    noisy/ -o clean/ --samples 8           clean/a/mean.tif, clean/a/std.tif, clean/a/sample-0.tif
    cells.tif --page all -o clean/         clean/cells-00.tif, clean/cells-01.tif, ...
    cells.tif --page all -o clean.tif      one file of as many pages

A result has the format of its measurement, but for JPEG, BMP and WebP pictures, which become PNG;
and TIFF where it was said what is white, or other bits are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import evolve, frozen

from ..channels import Channels
from ..errors import InputError, InvprobError
from .encoding import Encoding
from .outputs import Outputs, Target


@frozen
class Image:
    """One image to solve for.

    Attributes:
        file: where its measurement is.
        page: which page of the file.
        outputs: where the result goes; `None` if it is a page of one file for all.
        failure: why the file can't be used at all.
    """

    file: Path
    page: int | None = None
    outputs: Outputs | None = None
    failure: InvprobError | None = None

    def place(self) -> Outputs:
        """Where the result goes.

        Raises:
            InvprobError: the failure.
        """
        if self.failure is not None:
            raise self.failure
        assert self.outputs is not None
        return self.outputs

    def __str__(self) -> str:
        """What to call it in a message."""
        return f"{self.file}" if self.page is None else f"{self.file} page {self.page}"


def is_batch(measurements: Sequence[Path], page: int | str | None) -> bool:
    """Whether more than one image may be meant."""
    return len(measurements) > 1 or page == "all" or measurements[0].is_dir()


def is_stack(measurements: Sequence[Path], page: int | str | None, output: Target) -> bool:
    """Whether the results are the pages of one file, as the measurements are."""
    from ..formats import has_pages

    alone = page == "all" and len(measurements) == 1 and not measurements[0].is_dir()
    return alone and not output.is_folder and has_pages(output.path)


def stack_of(file: Path, output: Target, samples: int | None, encoding: Encoding) -> list[Image]:
    """Every page of a file.

    Raises:
        InputError: the file can't be read, or samples are wanted, for which there is no page.
    """
    from ..formats import stem

    if samples is not None:
        raise InputError(
            f"-o {output} has a page for each estimate, and none for samples; name a folder for "
            f"them, -o {output.path.with_name(stem(output.path))}/, or leave --samples out"
        )
    return [Image(file, number) for number in pages_of(file, "all", encoding.channels)]


def files_of(paths: Iterable[Path]) -> list[Path]:
    """Files that were named, and those of folders that can be read, sorted; none twice.

    Raises:
        InputError: a folder has none.
    """
    from ..formats import READABLE, suffix

    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(
            file
            for file in path.iterdir()
            if suffix(file) in READABLE and file.is_file() and not file.name.startswith(".")
        )
        if not inside:
            raise InputError(
                f"no file in {path} ends in {', '.join(READABLE)}; folders within it are not "
                "searched, name them as well"
            )
        found += inside
    return list(dict.fromkeys(found))


def images_of(
    measurements: Sequence[Path],
    page: int | str | None,
    target: Target,
    samples: int,
    encoding: Encoding,
) -> list[Image]:
    """Every image, with a folder's place for its result.

    Raises:
        InputError: the results have no place, two have the same one, or one is where a
            measurement is.
    """
    from ..formats import depth, stem

    depth(Path("any.tif"), encoding.bits)
    files, output = files_of(measurements), target.path
    if output.is_file() and target.is_folder:
        raise InputError(f"-o {output} is a file, and no folder; name another")
    if not target.is_folder:
        folder = output.with_name(stem(output))
        many = f"{len(files)} files" if len(files) > 1 else f"all pages of {files[0]}"
        raise InputError(
            f"-o {output} is one file, and {many} are to be solved: name a folder for them, "
            f"-o {folder}/, or for the pages of one file a .tif file and --page all"
        )
    for path in measurements:
        if path.is_dir() and output.is_dir() and path.samefile(output):
            raise InputError(f"-o {output} is the folder of the measurements; name another")
    images = [
        image for file in files for image in _images_of(file, page, output, samples, encoding)
    ]
    _check_apart(images, files)
    return images


def pages_of(file: Path, page: int | str | None, channels: Channels) -> list[int | None]:
    """The pages of a file that are meant, as `read_pixels` takes them.

    Raises:
        InputError: the file can't be read.
    """
    from ..pixels import pages_of as every

    if page == "all":
        return every(file, channels)
    return [page if isinstance(page, int) else None]


def _images_of(
    file: Path, page: int | str | None, output: Path, samples: int, encoding: Encoding
) -> list[Image]:
    """The images of one file."""
    from ..formats import depth, stem

    encoding = evolve(encoding, like=file)
    end = encoding.suffix_among_many()
    try:
        pages = pages_of(file, page, encoding.channels)
        depth(output / f"x{end}", encoding.bits)
    except InvprobError as error:
        return [Image(file, failure=error)]
    digits = len(f"{len(pages) - 1}")
    found = []
    for number in pages:
        name = f"{stem(file)}-{number:0{digits}d}" if len(pages) > 1 else stem(file)
        outputs = (
            Outputs.within(output / name, end, count=samples, encoding=encoding)
            if samples > 1
            else Outputs(output / f"{name}{end}", encoding=encoding)
        )
        found.append(Image(file, number, outputs))
    return found


def _check_apart(images: Sequence[Image], files: Sequence[Path]) -> None:
    """Raise `InputError` if a result would take another's place, or a measurement's."""
    taken: dict[Path, Image] = {}
    inputs = {file.resolve() for file in files}
    for image in images:
        for path in image.outputs or ():
            place = path.resolve()
            if place in inputs:
                raise InputError(f"{path} is one of the inputs; name another folder")
            if place in taken:
                raise InputError(
                    f"{taken[place]} and {image} would both be written to {path}; rename one, or "
                    "solve them apart"
                )
            taken[place] = image
