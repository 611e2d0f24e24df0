"""The one sum behind Poisson noise with Gaussian noise on top.

With k ~ Poisson(peak x) and y = k / peak + sigma n,

    p(y | x) = exp(-peak x - y² / 2 sigma²) / sqrt(2 pi sigma²) * Z(theta),
    Z(theta) = sum over k of exp(k theta - k² / 2 spread² - lgamma(k + 1)),

theta = log(peak x) + peak y / spread² and spread = peak sigma: all pixels share one function of
theta, and (log Z)' is the mean of k. The sum is taken where its terms are above exp(-40) of the
largest, and with a stride where they vary slowly, which is exact to rounding. Log Z is tabulated
once for each spread, in blocks as they are needed, and pixels look it up (`tables`; the error is
below 1e-11 of the mean). Where sigma is so small that the table would be long the sum is short,
and is taken for every pixel.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from .checks import inside
from .rows import in_pieces
from .tables import look_up, quintic

PER_UNIT, BLOCK, LONGEST = 32, 16, 2048


def tilted_counts(theta: Tensor, spread: float, /) -> tuple[Tensor, Tensor]:
    """The logarithm of Z(theta), and the mean of k."""
    least, greatest = theta.nan_to_num(0).aminmax()
    first, last = (math.floor(float(end) / BLOCK) for end in (least, greatest))
    if spread < 0.3 or last - first > LONGEST:
        log_sum, mean, _ = in_pieces(lambda column: _sum(column, spread), theta, nodes=256)
        return log_sum, mean
    cells = _cells(spread, first, last, theta.dtype, theta.device)
    value, slope = look_up(cells, (theta - first * BLOCK) * PER_UNIT)
    return value, slope * PER_UNIT


@lru_cache(maxsize=16)
def _cells(
    spread: float, first: int, last: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    blocks = [_block(spread, number) for number in range(first, last + 1)]
    return torch.cat(blocks).to(device, dtype)


@lru_cache(maxsize=4 * LONGEST)
def _block(spread: float, number: int) -> Tensor:
    """The table for theta from BLOCK * number to BLOCK * (number + 1)."""
    points = torch.arange(BLOCK * PER_UNIT + 1, dtype=torch.float64) / PER_UNIT
    values = _sum(points[:, None] + BLOCK * number, spread)
    return quintic(torch.stack(values, 1), 1 / PER_UNIT)


def _sum(theta: Tensor, spread: float) -> tuple[Tensor, Tensor, Tensor]:
    """The logarithm of Z for a column `(n, 1)`, and the mean and variance of k."""
    # The mode solves u + log u = d for u = (k + ½) / spread², up to 0.03 in the logarithm.
    d = theta + 0.5 / spread**2 - 2 * math.log(spread)
    u = inside(torch.where(d > 20, d, d.clamp_max(20).exp().log1p()))
    for _ in range(4):
        u = inside(u * (1 + d - u.log()) / (1 + u))
    mode = inside(u * spread**2 - 0.5, 0.0)
    # A log-concave law as narrow as the Gaussian factor, and as a Poisson law (Bernstein).
    deep = 40.0
    gaussian = (2 * deep) ** 0.5 * spread
    below = (2 * deep * (mode + 1)).sqrt().clamp_max(gaussian)
    above = (deep / 3 + (deep**2 / 9 + 2 * deep * (mode + 1)).sqrt()).clamp_max(gaussian)
    first, last = inside(mode - below, 0.0).floor(), (mode + above).ceil() + 1
    # Once the law is wide, every few counts are as good as all (the trapezoidal rule).
    stride = ((1 / (mode + 1) + 1 / spread**2).rsqrt() / 6).floor().clamp_min(1)
    number = int(((last - first) / stride).ceil().max()) + 1
    count = first + stride * torch.arange(number, dtype=theta.dtype, device=theta.device)
    value = theta * count - 0.5 * (count / spread).square() - torch.lgamma(count + 1)
    top = value.amax(1, keepdim=True)
    weight = (value - top).exp()
    mass = weight.sum(1, keepdim=True)
    mean = (weight * count).sum(1, keepdim=True) / mass
    variance = (weight * (count - mean).square()).sum(1, keepdim=True) / mass
    return (top + (mass * stride).log())[:, 0], mean[:, 0], variance[:, 0]
