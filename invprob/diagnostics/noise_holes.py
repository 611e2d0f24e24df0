"""Pixels that are not numbers, which say nothing of the noise.

They are filled in from their neighbours, ring by ring, and far inside with the mean of all others,
so that a denoiser can look at the image; what it says there, and up to four pixels on, is not
counted.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

MARGIN = 4
"""So far from a hole the denoiser still sees what it was filled with."""

RINGS = 4 * MARGIN
"""So far into a hole neighbours count."""


def known(y: Tensor, /) -> Tensor:
    """Which entries count, like y.

    >>> y = torch.zeros(1, 1, 32, 32)
    >>> y[..., 20, 20] = torch.nan
    >>> int(known(y).sum()) == 32 * 32 - 9 * 9
    True
    """
    bad = ~y.isfinite().all(1, keepdim=True)
    if bool(bad.any()):
        bad = F.max_pool2d(bad.float(), 2 * MARGIN + 1, 1, MARGIN) > 0
    return ~bad.expand(y.shape)


def filled(y: Tensor, /) -> Tensor:
    """The image, with the mean of the neighbours where it has no number; 0 if it has none."""
    found = y.isfinite()
    y = torch.where(found, y, 0)
    mean = y.sum() / found.sum().clamp(min=1)
    for _ in range(RINGS):
        if bool(found.all()):
            break
        share = F.avg_pool2d(found.to(y), 3, 1, 1)
        y = torch.where(found, y, F.avg_pool2d(y, 3, 1, 1) / share.clamp(min=1e-3))
        found = share > 0
    return torch.where(found, y, mean)
