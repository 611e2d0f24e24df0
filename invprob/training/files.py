"""Which files are read to learn from, and what is said of those that can't be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import InputError
from ..formats import READABLE, suffix

SUFFIXES = tuple(one for one in READABLE if one != ".npy")
"""The formats of images; NPY files hold many, and not every training takes them."""

FEW, MANY = 3, 10
"""So many files that were left out are named when none remains, and when too few do."""

LEAST_PATCH = 16
"""Networks learn from patches of so many pixels on a side, or more."""


def image_files(
    paths: Iterable[Path], suffixes: Sequence[str] = (*SUFFIXES, ".npy")
) -> Iterator[Path]:
    """Files that were named, and in folders those with one of the suffixes, sorted.

    Raises:
        InputError: a path does not exist.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"there is no file or folder {path}; the current one is {Path.cwd()}")
        if not path.is_dir():
            yield path
            continue
        inside = (file for file in path.rglob("*") if file.is_file())
        yield from sorted(f for f in inside if suffix(f) in suffixes)


def besides(paths: Iterable[Path], held_out: Iterable[Path]) -> list[Path]:
    """The `image_files` without those of other paths.

    Raises:
        InputError: a path does not exist, or no file is left.
    """
    every, others = list(image_files(paths)), {path.resolve() for path in image_files(held_out)}
    rest = [path for path in every if path.resolve() not in others]
    if every and not rest:
        raise InputError("all images to learn from are held out: leave some to learn from")
    return rest


def left_out(path: Path, error: InputError) -> str:
    """The file, why it was left out, and what to type instead."""
    typed = f" (on the command line: {error.typed})" if error.typed else ""
    return f"{path}: {error}{typed}"


def too_small(image: Sequence[int], least: Sequence[int], *, patch: bool = True) -> InputError:
    """That an image is smaller than what is cut from it, and what would do.

    Args:
        image: its height and width.
        least: those of what is cut.
        patch: whether that is a square, of `LEAST_PATCH` pixels or more.
    """
    height, width = (min(pair) for pair in zip(image, least, strict=True))
    fits = f"--patch {min(image)}" if patch else f"--size {height},{width}"
    useful = not patch or min(image) >= LEAST_PATCH
    return InputError(f"smaller than {least[0]} x {least[1]}", typed=fits if useful else "")


def nothing_to_learn(
    paths: Sequence[Path], skipped: Sequence[str], suffixes: Sequence[str] = (*SUFFIXES, ".npy")
) -> InputError:
    """That there is no image left, with the first reasons."""
    *most, last = suffixes
    reasons = _listed(skipped, FEW) or f"no file ends in {', '.join(most)} or {last}"
    return InputError(
        f"no image to learn from in {', '.join(map(str, paths)) or 'nothing'}: {reasons}"
    )


def too_few(count: int, skipped: Sequence[str]) -> InputError:
    """That nothing is left to learn from once some are held out, and what else there was."""
    are = "1 image is" if count == 1 else f"{count} images are"
    left_out = f". Left out: {_listed(skipped, MANY)}" if skipped else ""
    return InputError(
        f"{are} too few: one at least is held out to see how well the others were learned"
        f"{left_out}"
    )


def _listed(reasons: Sequence[str], most: int) -> str:
    more = f"; and {len(reasons) - most} more" if len(reasons) > most else ""
    return "; ".join(reasons[:most]) + more
