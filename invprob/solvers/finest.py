r"""The last step of a sampler where the prior knows no finer detail than the data's noise.

A sampler ends at the least noise level r that its prior denoises, and the last step puts the
posterior mean D(x, r) in place of x. That takes the variance r² J away, J being the Jacobian of
D, which is 1 along details that the prior knows nothing of. It is little, (r / sd)² of the
variance of what was measured with noise of sd, if the prior denoises far below that noise.
Networks do not always: those of diffusion models begin at 0.005, and measurements of the same
noise, or little more, would have samples without any spread. So there

    x <- D(x + r n, r)          which gives r² J² of r² J back, all of it where J is 0 or 1,
    Vᵀx <- w + sd n             along coordinates that were measured with sd <= r:

of these the prior can say nothing, and their posterior is what the data say. Where levels end far
below the noise, nothing is changed.

Exact: if the prior is flat, or certain, at the scale r. Approximate: a prior of variance p along
a direction ends with the share r⁴ / (p + r²)² of it missing; of the mean alone r² / (p + r²) is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..contracts import Denoises
from ..problem import Problem, domain_of
from ..streams import Streams
from . import diffusion

SHARE = 0.1
"""Of the data's noise: up to here a last level takes less than a hundredth of the variance."""

ROUNDING = 1e-6


def is_coarse(problem: Problem[Any, Any], level: float, least: float, /) -> bool:
    """Whether a level is the prior's last, and near the least noise of the data."""
    lowest = domain_of(problem.prior).sigma[0]
    return level <= lowest * (1 + ROUNDING) and level > SHARE * least


def last_call(
    problem: Problem[Denoises, Any], x: Tensor, level: Tensor, least: float, streams: Streams, /
) -> Tensor:
    """Samples `(B, *image)` from what a sampler ends with, noisy images `(B, *image)`.

    Args:
        problem: its prior is asked once.
        x: the noisy images.
        level: of their noise, `()`.
        least: the least noise of the data, or about that; only Gaussian noise counts.
        streams: random numbers are drawn only where the level is near the data's noise.
    """
    exact, r = diffusion.linear(problem), float(level)
    if exact is None or not is_coarse(problem, r, least):
        return problem.prior.denoise(x, level.to(x))
    denoised = problem.prior.denoise(x.add(streams.normal(x), alpha=r), level.to(x))
    spectrum = diffusion.spectrum(exact)
    known = spectrum.sd <= r
    if not bool(known.any()):
        return denoised
    seen, w = spectrum.vt(denoised), spectrum.observe(problem.y)
    sd = spectrum.sd.masked_fill(~known, 0)  # infinite where nothing was measured
    return spectrum.v(torch.where(known, w + sd * streams.normal(seen), seen))
