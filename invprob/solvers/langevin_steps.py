"""How long a Langevin step may be, and a ladder of noise levels for steps of one length.

Of a measurement with noise sd_j, the image at noise sigma is along coordinate j no narrower than

    tau_j² = sigma²                        not measured
             sigma² (1 - sigma² / sd_j²)   sigma < sd_j
             sigma² - sd_j²                sigma > sd_j

so a step c tau_j² is stable for c < 2 at every level, and a step c sigma² in all coordinates only
where c sigma² < 2 tau_j²: not near a noise level of the data, where tau_j is 0. Kawar, Vaksman and
Elad have the noise level of the data on the ladder, skip it, and so keep a whole level away, at
sd_j ratio and sd_j / ratio, where c < 2 (1 - ratio²) is stable. `plain_levels` does the same for
data of any noise level: it puts a level on sd_j, moving the others by less than one.

Reference: B. Kawar, G. Vaksman, M. Elad (2021). Stochastic Image Denoising by Sampling from the
Posterior Distribution. ICCV Workshops. https://arxiv.org/abs/2101.09552 (Algorithms 1 and 2).
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from .. import schedules
from ..errors import InputError
from .diffusion import APART

SLACK = 1e-3
"""A noise level of the data this near to a level of the ladder, in levels, lies on it."""


def plain_levels(
    sd: Tensor, first: float, last: float, ratio: float, step_size: float
) -> list[float]:
    """The levels after `first` that take a step `step_size` sigma², falling by `ratio` or more.

    Each noise level of the data is a level of the ladder, and is skipped. So is the last one if it
    is less than a level below the data's noise and the step would overshoot there. Noise levels of
    the data that are less than a level apart, as of a blur, have no room for that: where the
    ladder passes them it is as without data, and `check_plain_step` may refuse it.

    Args:
        sd: the noise of each coordinate, inf where it was not measured; any shape.
        first: the level to start at, in units of the image.
        last: the level to end at, below `first`.
        ratio: of neighbouring levels, in (0, 1).
        step_size: c.
    """
    rung = -math.log(ratio)
    apart = _apart(_distinct(sd), rung)
    inside = [level for level in apart.tolist() if last < level * APART and level < first * APART]
    ladder: list[float] = []
    for high, low in itertools.pairwise([first, *reversed(inside), last]):
        count = max(1, math.floor(math.log(high / low) / rung + SLACK))
        ladder += schedules.geometric(high, low, count + 1)[1:]
    room = _room(apart, torch.tensor(ladder, dtype=torch.float64)).tolist()
    least = min(step_size / 2, 1 - ratio ** (2 * (1 - SLACK)))
    return [level for level, free in zip(ladder, room, strict=True) if free > least]


def check_plain_step(sd: Tensor, plan: Tensor, step_size: float) -> None:
    """Raise `InputError` if a step `step_size` sigma² overshoots at a level, in some coordinate.

    Args:
        sd: the noise of each coordinate, inf where it was not measured; any shape.
        plan: the levels, `(steps,)`, float64, on the CPU; the last one takes no step.
        step_size: c.
    """
    room = _room(_distinct(sd), plan)[:-1]
    if not len(room):
        return
    least, where = (float(found) for found in (room.min(), plan[room.argmin()]))
    if not step_size < 2 * least:
        raise InputError(
            f"step_size={step_size:.4g} with plain_step=True would explode: the level "
            f"{where:.4g} is so close to a noise level of the data that only steps below "
            f"{2 * least:.2g} do not overshoot. Leave plain_step out, for a step that adapts"
        )


def _room(noises: Tensor, levels: Tensor) -> Tensor:
    """The least tau² / sigma² at each level: that of the noise levels next to it."""
    place = torch.searchsorted(noises, levels)
    above = torch.cat((noises, noises.new_full((1,), math.inf)))[place]
    below = torch.cat((noises.new_zeros(1), noises))[place]
    shares = torch.maximum(below / levels, levels / above)
    return (1 - shares) * (1 + shares)


def _distinct(sd: Tensor) -> Tensor:
    """The noise levels of what was measured, rising, float64, on the CPU."""
    found: Tensor = torch.unique(sd[sd.isfinite()].cpu().double())
    return found


def _apart(noises: Tensor, rung: float) -> Tensor:
    """Those that are at least a level from all others; what differs by rounding is one."""
    found = noises[_gaps(noises)[:-1] >= SLACK * rung]
    gaps = _gaps(found)
    return found[torch.minimum(gaps[:-1], gaps[1:]) >= (1 - SLACK) * rung]


def _gaps(noises: Tensor) -> Tensor:
    """The logarithms of the ratios of neighbours, inf before the first and after the last."""
    end = noises.new_full((1,), math.inf)
    return torch.cat((end, noises.log().diff(), end))
