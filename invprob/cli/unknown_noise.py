"""`solve` without `-l`, `adapt` without `--sigma`: the noise is found in the image, and said.

It is found as `invprob noise` finds it, for each image by itself. Behind an operator the
measurement is looked at as if it were the image: noise is as white there, and 5 x 5 blurs were
seen to make what is found up to 4 % too little, averages of pixels 2 % too much. Where a mask is
black nothing counts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve

from ..errors import InputError
from .run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from ..diagnostics.noise_estimate import NoiseEstimate
    from ..units import Unit

NAME_IT = "say how the measurement arose, such as -l gaussian:sigma=25/255"


def with_noise(run: Run, file: Path, page: int | None, /) -> tuple[Run, str]:
    """The same run, with the noise of this image if none was named; and which, in words.

    Args:
        run: the parts; its noise is None where it was not named.
        file: the measurement.
        page: which of the file.

    Raises:
        InputError: what is found is nothing to rely on, or the prior can find none.
    """
    if run.noise is not None:
        return run, ""
    import torch

    from ..compatibility import lacks
    from ..contracts import Denoises
    from ..diagnostics.noise_level import estimate_noise
    from ..operators.structure import observed
    from ..units import Unit
    from .channels import channels_of
    from .noise import make_noise
    from .specs import make

    if reason := lacks(run.prior, Denoises):
        raise InputError(
            f"{run.prior!r} denoises nothing ({reason}), so it can't find the noise either; "
            f"{NAME_IT}"
        )
    unit = Unit(run.black, run.white)
    try:
        y = unit.read(file, page, channels_of(run.prior)).to(run.device)
    except InputError as error:
        if run.operator is None:
            raise
        raise InputError(f"{error}. Noise is found in images alone; {NAME_IT}") from error
    if run.operator is not None:
        seen = observed(make("operator", run.operator), tuple(y.shape[1:])).to(y.device)
        y = y.masked_fill(~seen.bool(), torch.nan)
    try:
        with proposing_ends(unit, file, page):
            found = estimate_noise(y, run.prior)
    except InputError as error:
        told = f"{file}: its noise can't be found: {error}"
        raise InputError(f"{told}; {NAME_IT}", typed=error.typed) from error
    if not found.is_usable:
        typed = f"-l gaussian:sigma={found.sigma:.2g}, to try it all the same"
        if found.apart and not found.is_white:
            typed += f"; {found.apart:.2g} if the noise was filtered or compressed"
        raise InputError(
            f"{file}: the noise that is found is nothing to rely on.\n{found}\nSo {NAME_IT}",
            typed=typed,
        )
    told = f"noise of {file}: {found.typed}, as found in it; if you know better: -l ..."
    noise, least = make_noise(found.typed, run.operator), None
    if was_rounded_to_black(found, y):
        least = float(y[y > 0].min()) / 2
        told += f"\nblack counts as {least:.2g}: speckle is never black, but was rounded to it"
    return evolve(run, noise=noise, least=least), told


def was_rounded_to_black(found: NoiseEstimate, y: Tensor, /) -> bool:
    """Whether a measurement has black pixels that its noise, speckle, can't have made."""
    return found.best.name == "gamma" and bool((y <= 0).any())


def even_noise(y: Tensor, prior: Any, unit: Unit, file: Path, page: int | None, /) -> float:
    """The level of noise that is the same at every brightness.

    Whether it is white is not asked: text and other sharp patterns look as if it were not.

    Args:
        y: the measurement, `(1, C, H, W)`.
        prior: a denoiser.
        unit: in which it was read.
        file: where it is.
        page: which of the file.

    Raises:
        InputError: there is none, or its level is not the same.
    """
    from ..diagnostics.noise_level import estimate_noise

    with proposing_ends(unit, file, page):
        found = estimate_noise(y, prior)
    if not found.is_explained or found.best.name != "gaussian":
        raise InputError(
            f"{file}: its noise is not of one level.\n{found}\nSo say what comes nearest",
            typed=f"--sigma {found.sigma:.2g}",
        )
    return found.sigma


@contextlib.contextmanager
def proposing_ends(unit: Unit, file: Path, page: int | None, /) -> Iterator[None]:
    """Put the file's own black and white in the place of what an error asks to type.

    Args:
        unit: in which it was read.
        file: the measurement.
        page: which of the file.
    """
    from ..diagnostics.noise_bands import ENDS
    from ..pixels import read_pixels

    try:
        yield
    except InputError as error:
        if ENDS not in error.typed or not (ends := unit.proposed(read_pixels(file, page, None))):
            raise
        typed = error.typed.replace(ENDS, f"{ends}, about the ends of the file")
        raise InputError(str(error), typed=typed) from error
