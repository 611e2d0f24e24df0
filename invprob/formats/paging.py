"""Which page of a file is meant, where it holds several images."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError


def chosen(
    path: Path, number: int | None, count: int, what: str, more: str = "", whole: str = "", /
) -> int:
    """The number of the page, from 0.

    Args:
        path: the file, for the message.
        number: what was asked for; a negative one counts from the end.
        count: how many the file has.
        what: they are, for the message.
        more: advice where there are several.
        whole: what a file with one image may be instead, for which pages were asked.

    Raises:
        InputError: there is no such page, or none was named of several.
    """
    if count > 1 and number is None:
        raise InputError(
            f"{path} has {count} {what}, and one is taken at a time: page=0 is the first{more}",
            typed=f"--page 0, and so on to --page {count - 1}; solve takes --page all as well",
        )
    if not -count <= (number or 0) < count:
        has = f"has {what} 0 to {count - 1}" if count > 1 else f"holds one image, page=0{whole}"
        raise InputError(f"page={number}: {path} {has}")
    return (number or 0) % count
