"""How much a residual is like itself: one pixel on, and from channel to channel.

    echo = sum r[i] r[i + d] / sum Var[y' | x],   the largest of four neighbours d,
    shared = sum of r[c] r[c'] over channels c ≠ c' / ((C - 1) sum r²).

Both are 0 for white noise. Only neighbours that were both measured count. They are relative to
the noise in the first, and to the residual itself in the second, which is 1 where all channels are
alike. Of three colour crops, 96 x 96, of photographs, by PnP, the echo over the misfit, and shared
(JPEG has half of the resolution of the colours, and quality 75 and 90):

| noise, and what it was said to be | misfit | echo / misfit | shared |
|---|---|---|---|
| .003 to .1, right | 0.29 .. 0.96 | -0.20 .. -0.02 | -0.45 .. -0.03 |
| .098, said to be .2 | 0.34 .. 0.38 | +0.04 .. +0.06 | +0.07 .. +0.17 |
| .098 in JPEG, said to be .003 and .006 | 0.17 .. 0.24 | -0.12 .. +0.08 | -0.08 .. +0.28 |
| the same, .05 | 0.23 .. 0.33 | +0.13 .. +0.23 | +0.03 .. +0.47 |
| the same, .096 | 0.33 .. 0.46 | -0.07 .. +0.12 | +0.60 .. +0.86 |
| none, said to be .02 to .1 | 0.14 .. 0.24 | +0.02 .. +0.16 | +0.45 .. +0.82 |
"""

from __future__ import annotations

import math

from attrs import frozen
from torch import Tensor

NEIGHBOURS = (0, 1), (1, 0), (1, 1), (1, -1)

LEAST_SIDE = 24
"""Smaller images have too few neighbours to tell."""

WHITE = 0.05
"""Noise with a larger echo of its own is not white, and that of its residual says nothing."""


@frozen
class Echo:
    """How much a residual is like itself one pixel on.

    Attributes:
        size: the one that is farthest from 0 of four directions, over the noise's variance.
        error: the standard deviation that white noise gives it.
    """

    size: float
    error: float

    def beyond(self, usual: float, bound: float) -> bool:
        """Whether it is larger than the bound, and than usual by more than noise can make it."""
        return abs(self.size) > max(bound, usual + 4 * self.error)


def echo_of(residual: Tensor, variance: Tensor, seen: Tensor, /) -> Echo:
    """Of residuals that are 0 where nothing was seen, as their variance is."""
    found = [_neighbours(residual, variance, seen, *moved) for moved in NEIGHBOURS]
    return max(found, key=lambda echo: abs(echo.size))


def shared_of(residual: Tensor, /) -> float | None:
    """What channels have in common, -1 / (C - 1) to 1; None for a single one."""
    channels = residual.shape[1]
    power = float(residual.square().sum())
    if channels < 2 or power == 0:
        return None
    return (float(residual.sum(1).square().sum()) / power - 1) / (channels - 1)


def is_white(noise: Tensor | None, variance: Tensor, seen: Tensor, /) -> bool:
    """Whether simulated noise is, of twice this variance; None is known to be."""
    if noise is None:
        return True
    noise = noise * seen
    shared = shared_of(noise)
    plain = shared is None or abs(shared) < WHITE
    return plain and not echo_of(noise, 2 * variance, seen).beyond(0, WHITE)


def _neighbours(residual: Tensor, variance: Tensor, seen: Tensor, down: int, right: int) -> Echo:
    common = squares = power = 0.0
    high, wide = residual.shape[-2:]
    here = ..., slice(high - down), slice(max(-right, 0), wide - max(right, 0))
    there = ..., slice(down, None), slice(max(right, 0), wide - max(-right, 0))
    for left, noise, known in zip(residual, variance, seen, strict=True):  # a row's copies
        both = known[here] & known[there]
        common += float((left[here] * left[there]).sum())
        squares += float((noise[here] * noise[there]).sum())
        power += float(((noise[here] + noise[there]) * both).sum()) / 2
    if power == 0:
        return Echo(0.0, math.inf)
    return Echo(size=common / power, error=math.sqrt(squares) / power)
