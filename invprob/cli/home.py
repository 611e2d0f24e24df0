"""Paths that begin with `~`, the home folder.

A shell puts the folder in its place at the beginning of a word, and nowhere else:
`--output=~/x.png` and `-A mask:file=~/mask.png` come as they were typed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError


def at_home(path: str | Path, /) -> Path:
    """The path, with the home folder in the place of `~`; `~name` stays if there is no such user.

    >>> at_home("~/x.png") == Path.home() / "x.png", at_home("a/~x.png") == Path("a/~x.png")
    (True, True)
    """
    return Path(os.path.expanduser(path))


def given(text: str, /) -> Path:
    """The path that was typed, `at_home`.

    Raises:
        InputError: it is empty, as that of a variable without a value: that names no file, and not
            the current folder.
    """
    if not text:
        raise InputError("it is empty; name a file, or a folder: . is the current one")
    return at_home(text)


def paths_at_home(command: Callable[..., None], /) -> Callable[..., None]:
    """The same command, given all its paths `at_home`."""

    @functools.wraps(command)
    def expanded(**values: Any) -> None:
        command(**{name: _expanded(value) for name, value in values.items()})

    return expanded


def _expanded(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_expanded(one) for one in value]
    return at_home(value) if isinstance(value, Path) else value
