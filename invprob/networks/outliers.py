"""Answers that can't be: pixels far beyond black and white, where the noisy image is not.

The posterior mean of images in [0, 1] is in [0, 1]. A network that was trained on noisy images
keeps to that within 0.17 as long as it gets such. Told of noise that is hardly there, as the steps
of plug-and-play methods do once an image is smooth, it may answer a few pixels with 2, or with
-10: of 24 photographs that were enlarged four times, five, at a noise level of 0.1. Steps that
follow keep such pixels, as stripes in a corner. It depends on the position in which the image is
shown (see `positions`), so the same pixels are asked for again in another one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

WILD = 0.25
"""So far beyond black and white, and beyond the noisy pixel, no answer is."""

AROUND = 8
"""Pixels around one that is wild are asked for again as well."""

LOOKS = 5
"""An image is looked at in so many positions; a pixel wild in all of them is cut off."""


def wild(out: Tensor, x: Tensor, /) -> Tensor | None:
    """Where answers can't be, and around, `(B, 1, H, W)`; None if all can.

    Args:
        out: the answers, `(B, C, H, W)`.
        x: what was asked, of the same shape.

    >>> x = torch.full((1, 1, 1, 40), 0.5)
    >>> wild(x, x)
    >>> out = x.clone()
    >>> out[..., 0] = 2
    >>> int(wild(out, x).sum())
    9
    """
    least, greatest = out.detach().aminmax()
    if least >= -WILD and greatest <= 1 + WILD:  # the usual case, for which nothing is kept
        return None
    found = (out > x.clamp(min=1) + WILD) | (out < x.clamp(max=0) - WILD)
    if not bool(found.any()):
        return None
    around = functional.max_pool2d(
        found.any(1, keepdim=True).to(out.dtype), 2 * AROUND + 1, 1, AROUND
    )
    return around > 0


def within(out: Tensor, x: Tensor, /) -> Tensor:
    """The answers, none farther out than black, white, or the noisy pixel.

    >>> within(torch.tensor([-3.0, 0.5, 3.0]), torch.tensor([0.2, 0.2, 1.1]))
    tensor([0.0000, 0.5000, 1.1000])
    """
    return torch.minimum(torch.maximum(out, x.clamp(max=0)), x.clamp(min=1))
