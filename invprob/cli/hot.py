"""What `noise` and `solve` say of isolated pixels that stand out, and a mask without them.

It is a remark: nothing is changed, since a telescope's sharpest stars may be meant, which the mask
shows. Under noise that multiplies (speckle) bright pixels stand out by right, and nothing is said.
"""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..diagnostics.hot_pixels import are_many, hot_pixels
from ..errors import InputError
from ..problem import Problem
from .masks import share_measured
from .targets import multiplies

if TYPE_CHECKING:
    from .run import Run

SPECKLE = ("gamma", "rayleigh")
"""Laws of noise that multiplies."""


def remark(hot: Tensor, how: str, /) -> str:
    """How many pixels stand out, and what to do; empty if these are not many.

    Args:
        hot: which do, `(B, 1, H, W)`.
        how: the command that makes a mask of them.
    """
    if not are_many(hot):
        return ""
    return (
        f"{int(hot.sum())} isolated pixels stand out, as hot pixels do, and would be taken for "
        f"detail; a mask without them: {how}, then -A mask:file=mask.png"
    )


def remark_on(run: Run, problem: Problem[Any, Any], file: Path, page: int | None, /) -> str:
    """The same of a measurement that is an image, where no mask says what to leave out."""
    y = problem.y
    if y.ndim != 4 or y.shape[1] not in (1, 3) or share_measured(run.noise, y) < 1:
        return ""
    if multiplies(run.noise, problem.image_shape):
        return ""
    hot = hot_pixels(y)
    which = "" if page is None else f" --page {page}"
    if run.white is not None:  # what stands out is so many levels of what is white
        which += f" --black {run.black:.7g} --white {run.white:.7g}"
    return remark(hot, f"invprob noise {quote(str(file))}{which} --hot mask.png")


def check_mask(path: Path, /) -> None:
    """Raise `InputError` unless a mask can be written to this file, where there is none yet."""
    from ..files import check_writable
    from ..formats import depth

    depth(path, None)
    if os.path.exists(path):
        raise InputError(f"{path} exists already; name another file for the mask")
    check_writable(path)


def write_mask(path: Path, y: Tensor, hot: Tensor, /) -> str:
    """Write where a measurement is neither hot nor missing, in white; and say so."""
    from ..images import write_image

    good = y.isfinite().all(1, keepdim=True) & ~hot.to(y.device)
    write_image(path, good.float())
    share = float(hot.float().mean())
    return f"wrote {path}: {int(hot.sum())} isolated pixels ({share:.2%}) are black in it"
