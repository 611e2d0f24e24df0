"""Images in memory, as whole levels: 8 bits where their file has no more, and else 16.

Levels of 8 bits are `uint8`, those of 16 bits `int16` and 32768 less than they stand for, since
`torch` does little with unsigned ones. White is level 255 or 65535.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

WHITE = {torch.uint8: 255, torch.int16: 65535}
"""The level that is white."""

OFFSET = {torch.uint8: 0, torch.int16: 32768}
"""What is added to a stored number to have its level."""


def bits(image: Tensor) -> int:
    """How many bits a level has."""
    return 8 * image.element_size()


def levels(image: Tensor) -> Tensor:
    """The levels of an image, from 0, float32."""
    found = image.float()
    return found + OFFSET[image.dtype] if OFFSET[image.dtype] else found


def of_levels(found: Tensor, dtype: torch.dtype) -> Tensor:
    """What `levels` is the inverse of; levels are rounded, and clipped to those that there are."""
    return (found.round().clamp(0, WHITE[dtype]) - OFFSET[dtype]).to(dtype)


def in_unit(image: Tensor) -> Tensor:
    """An image in [0, 1], float32."""
    return levels(image) / WHITE[image.dtype]


def alike(images: Sequence[Tensor]) -> list[Tensor]:
    """Images with levels of 16 bits if one of them has, which loses nothing of the others."""
    if len({image.dtype for image in images}) < 2:
        return list(images)
    return [
        of_levels(257 * levels(image), torch.int16) if bits(image) == 8 else image
        for image in images
    ]
