"""How much memory a run takes, said before a large one, and refused where there is not as much.

All samples of an image are drawn together, so that their chains can be compared, and memory goes
with their number. Measured on colour images of 3 megapixels, in images of 32 bits:

    PnP, 1 estimate                     28        Restart, 1 sample                  24
    Restart, 4 samples                  47        AnnealedLangevin, 4 samples        54

which `FIXED` + `EACH` times the samples says to a fifth, beside `BESIDE` for the program and a
tile of its network. Whether a run is refused is asked of `AT_LEAST` alone, which none of them
stays below, and of all memory that the machine has: what else runs there is not known.
"""

from __future__ import annotations

import math
import os
from typing import Any

from ..errors import InputError

FIXED, EACH, AT_LEAST = 13, 11, 10
"""Images; more for each sample; and so many for each at least."""
BESIDE = 2**30
"""Bytes of the rest."""
LARGE = 3 * 2**30
"""Bytes that are worth a word."""


def what_it_takes(problem: Any, samples: int | None, /) -> str:
    """The memory of a large run, in words; empty for a small one, or on another device.

    Args:
        problem: what is to be solved, once.
        samples: how many samples of it.

    Raises:
        InputError: the machine has less.
    """
    if problem.y.device.type != "cpu":
        return ""
    image = math.prod(problem.image_shape) * problem.y.element_size()
    count = samples or 1
    needed = BESIDE + (FIXED + EACH * count) * image
    if needed < LARGE:
        return ""
    pixels = math.prod(problem.image_shape[-2:]) / 1e6
    what = f"{count} samples" if count > 1 else "one image"
    takes = f"{what} of {pixels:.1f} megapixels: about {_gibibytes(needed)} of memory"
    has = memory_of_the_machine()
    if has is not None and BESIDE + AT_LEAST * count * image > has:
        instead = "cut the image in parts"
        if count > 1:
            instead = "draw them one by one: --samples 1, with --seed 0, 1, ... and other names"
        raise InputError(f"{takes}, and the machine has {_gibibytes(has)}; {instead}")
    return takes


def memory_of_the_machine() -> int | None:
    """Bytes; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # there is no sysconf, or no such name
        return None


def _gibibytes(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"
