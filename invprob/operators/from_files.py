"""Image files that say what an operator does: a mask, the kernel of a blur."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_single(file: Path, /) -> NDArray[Any]:
    """The numbers in a file that holds one image, `(H, W, C)`, of the file's own type.

    Raises:
        InputError: the file can't be read, or has several pages.
    """
    from ..pixels import read_stack

    pages = read_stack(file)
    if len(pages) > 1:
        raise InputError(f"{file} has {len(pages)} pages; save the one that is meant by itself")
    return pages[0]
