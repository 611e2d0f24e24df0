"""Files that appear whole or not at all, and whether they could be written.

A new file is written beside its final name and renamed at the end. Whether that will work is asked
before a long run, by making such a draft and taking it away again: a folder that belongs to
somebody else, a name that is too long or a folder of that name cost a second, and not the run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import InputError


@contextmanager
def replacing(path: Path, /) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` at the end, if all went well.

    Raises:
        OSError: it can't be written; the message names `path`, and not the draft.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(draft, "wb") as file:
            yield file
        draft.replace(path)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        _remove(draft)


def check_writable(path: Path, /, *, make_folder: bool = False) -> None:
    """Raise `InputError` unless a file can be written, which is tried beside it.

    Args:
        path: the file; if there is one, it stays as it is.
        make_folder: whether to make its folder first.
    """
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(21, "it is a folder")
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.touch()
        finally:
            _remove(draft)
    except OSError as error:
        raise _not_written(path, error) from error


@contextmanager
def folder_made_for(path: Path, /) -> Iterator[None]:
    """The folder of a file, and those above it; what is made and stays empty goes at the end.

    Raises:
        InputError: it can't be made.
    """
    missing = [folder for folder in path.parents if not os.path.exists(folder)]
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _not_written(path, error) from error
        yield
    finally:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()


def _not_written(path: Path, error: OSError) -> InputError:
    why = error.strerror
    if isinstance(error, FileExistsError | NotADirectoryError):
        why = f"{next(one for one in path.parents if os.path.exists(one))} is no folder"
    return InputError(f"{path} can't be written: {why}; name a file in a folder of yours")


def _remove(draft: Path) -> None:
    """Take a draft away; where it could not be made there is none."""
    try:
        draft.unlink(missing_ok=True)
    except OSError:
        pass
