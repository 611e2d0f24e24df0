"""Noise levels for methods that descend: from coarse to fine, then at the last level to rest.

A denoiser at noise level sigma sees the prior blurred by sigma, on which a descent meets few local
optima. So the levels fall geometrically from max(49/255, 1.5 sigma_0), for data of noise sigma_0,
over the first two thirds of a run; the last third stays at the last level and converges there.

Reference: K. Zhang et al. (2021). Plug-and-Play Image Restoration with Deep Denoiser Prior. IEEE
TPAMI. https://arxiv.org/abs/2008.13751 (the first level, and sigma_0 as the last).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .. import schedules
from ..errors import InputError
from ..problem import Problem, domain_of
from .pnp import HIGHEST, LOWEST, noise_of


def check(iterations: int, sigma: float | None) -> None:
    """Raise `InputError` unless these are a number of steps and a noise level, or None."""
    if iterations < 1:
        raise InputError(f"iterations={iterations}; at least one is needed")
    if sigma is not None and not 0 < sigma < math.inf:
        raise InputError(
            f"sigma={sigma}; it is a noise level in units of the image, > 0, for example 0.02"
        )


def plan(problem: Problem[Any, Any], iterations: int, sigma: float | None, share: float) -> Tensor:
    """The noise level of each step, `(iterations,)`, float64 on the CPU.

    Args:
        problem: whose data have noise sigma_0.
        iterations: how many steps.
        sigma: the last level; by default `share * sigma_0`, but what the prior can denoise.
        share: a number in [0, 1].

    Raises:
        InputError: the prior can't denoise at `sigma`.
    """
    noise, (low, high) = noise_of(problem), domain_of(problem.prior).sigma
    if sigma is not None and not low <= sigma <= high:
        raise InputError(f"sigma={sigma:g}, but {problem.prior!r} denoises {low:g} to {high:g}")
    last = sigma or min(max(share * noise, LOWEST, low), high)
    first = min(max(HIGHEST, 1.5 * noise), high)
    falling = 1 + 2 * (iterations - 1) // 3
    if falling == 1 or not last < first:
        return torch.full((iterations,), last, dtype=torch.float64)
    levels = schedules.geometric(first, last, falling) + (last,) * (iterations - falling)
    return torch.tensor(levels, dtype=torch.float64)
