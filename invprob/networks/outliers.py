"""Answers that can't be: pixels far beyond black and white, where the noisy image is not.

The posterior mean of images in [0, 1] is in [0, 1]. Networks keep to that nearly, for noisy images
with which they were trained. Told of noise that is hardly there, as in the steps of plug-and-play
methods once an image is smooth, one may answer a few pixels with 2, or with -10: one that had not
learned what to do there (see `training.second_looks`) did in five of 24 photographs that were
enlarged four times, at a noise level of 0.1. Steps that follow keep such pixels, as stripes in a
corner. It depends on the position in which the image is shown (see `positions`), so the same
pixels are asked for again in another one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

WILD = 0.25
"""So far beyond black and white, and beyond the noisy pixels near it, no answer is."""

NEAR = 4
"""So near: a star above white is as bright as the brightest of its noisy pixels, at most."""

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
    if not out.numel():
        return None
    least, greatest = out.detach().aminmax()
    if least >= -WILD and greatest <= 1 + WILD:  # the usual case, for which nothing is kept
        return None
    low, high = _ends(x)
    found = (out > high + WILD) | (out < low - WILD)
    if not bool(found.any()):
        return None
    return _greatest(found.any(1, keepdim=True).to(out.dtype), AROUND) > 0


def within(out: Tensor, x: Tensor, /) -> Tensor:
    """The answers, none farther out than black, white, or the noisy pixels near it.

    >>> within(torch.tensor([[[[-3.0, 0.5, 3.0]]]]), torch.tensor([[[[0.2, 0.2, 1.1]]]]))
    tensor([[[[0.0000, 0.5000, 1.1000]]]])
    """
    low, high = _ends(x)
    return torch.minimum(torch.maximum(out, low), high)


def _ends(x: Tensor) -> tuple[Tensor, Tensor]:
    return 0 - _greatest(-x, NEAR).clamp(min=0), _greatest(x, NEAR).clamp(min=1)


def _greatest(x: Tensor, radius: int) -> Tensor:
    """Of the square of pixels around each, of the radius `radius`."""
    return functional.max_pool2d(x, 2 * radius + 1, 1, radius)
