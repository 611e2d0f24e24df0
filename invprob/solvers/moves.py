"""Moves between noise levels: down by the reverse diffusion, up along the bridge to the data.

Of a restart from level r to r', in the singular basis; the formulas are those of `restart`.
"""

from __future__ import annotations

import math

import torch
from attrs import frozen
from torch import Tensor

from ..contracts import Spectrum, Surrogate


@frozen(eq=False)
class Bridge:
    """The law of x(r') after a restart down to b = kappa r', normal and independent.

    Attributes:
        mean: without any shift, `(N, *spectral)`.
        free: how much of a shift on the way down is left after the bridge, `(*spectral)`.
        width: the standard deviation, `(*spectral)`.
    """

    mean: Tensor
    free: Tensor
    width: Tensor


def part_way(
    spectrum: Spectrum | Surrogate,
    w: Tensor,
    x: Tensor,
    denoised: Tensor,
    sigma: float,
    level: float,
    kappa: float,
) -> Bridge:
    """A restart from x at noise level sigma down to kappa * level and back up to level."""
    below = kappa * level
    c, up = (below / sigma) ** 2, level**2 - below**2
    gain = up / ((spectrum.sd - level) * (spectrum.sd + level)).clamp_(min=0).add_(up)
    free = 1 - gain
    width = (below**2 * (1 - c) * free.square() + up * free).sqrt_()
    return Bridge(spectrum.vt(torch.lerp(denoised, x, c)).lerp_(w, gain), free, width)


def all_the_way(near: Surrogate, denoised: Tensor, twice: Tensor, level: float) -> Tensor:
    """(1 - k) D + k w + r' sqrt(1 - k) (n_old + n_new) / sqrt(2), with `twice` = n_old + n_new."""
    k = (level / near.sd).clamp_(max=1).square_()
    joined = torch.lerp(near.vt(denoised), near.w, k)
    width = k.neg_().add_(1).mul_(level**2 / 2).sqrt_()
    return near.v(joined.addcmul_(width, twice))


def diffuse(x: Tensor, ahead: Tensor, normal: Tensor, sigma: float, level: float) -> Tensor:
    """The reverse SDE from sigma to the next level, towards the extrapolated denoised image."""
    h = math.log(sigma / level)
    mean = torch.lerp(ahead, x, math.exp(-2 * h))
    return mean.add_(normal, alpha=level * math.sqrt(-math.expm1(-2 * h)))
