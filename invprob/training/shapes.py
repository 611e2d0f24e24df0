r"""Shapes painted over photographs: straight and round edges, thin lines, stripes.

Where people build, edges are long and straight, and cloth has stripes; of the photographs that the
embedded denoisers learn from few show any. The one for gray left 4 to 8 % more squared error than
FFDNet in photographs, but 20 to 50 % more in drawn half-planes, discs and lines, and 65 to 100 %
in stripes (`benchmarks/drawn_shapes.py`). So shapes are painted over some patches, one over the
other, as things hide one another in a photograph: half-planes, discs and lines, their edges about
a pixel wide, of one shade with a slope, half of them with stripes, which may bend.

Reference: what is painted is a dead leaves model, A. Lee, D. Mumford, J. Huang (2001). Occlusion
models for natural images. IJCV 41. https://doi.org/10.1023/A:1011109015675; denoisers that learned
from these alone, or beside photographs: R. Achddou, Y. Gousseau, S. Ladjal (2021). Synthetic
images as a regularity prior for image restoration neural networks. SSVM.
https://openreview.net/forum?id=vKT8fZFGcG
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

LAYERS = 4
"""So many shapes are painted at most; each of them is left out as often as not."""

EVEN_COUNTS = 4.0
"""How many times as much an error counts in one without stripes: hardly any is left there."""

EDGE = (0.5, 1.5)
"""How wide an edge is, in pixels."""
RADIUS = 3.0
"""Of the smallest disc, in pixels; the largest is half as wide as the patch."""
LINE = (0.5, 6.0)
"""Half the width of a line, in pixels."""
PERIOD = (2.5, 12.0)
"""Of stripes, in pixels."""
CONTRAST = (0.02, 0.4)
"""Of stripes: how far they are from their mean."""
SLOPE = 0.2
"""How much a shade changes over a patch, at most."""
BEND = 1.0
"""How many periods stripes are off a straight line at the patch's border, at most, sideways."""


def painted(patches: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Patches with shapes over what they show.

    Args:
        patches: `(B, C, H, W)` in [0, 1].
        generator: the source of randomness, on the patches' device.

    Returns:
        `(B, C, H, W)` in [0, 1], and how much an error counts, `(B, 1, H, W)`.

    >>> photos = torch.full((2, 1, 32, 32), 0.5)
    >>> drawn, counts = painted(photos, torch.Generator().manual_seed(0))
    >>> drawn.shape, counts.shape, counts.unique()[[0, -1]]
    (torch.Size([2, 1, 32, 32]), torch.Size([2, 1, 32, 32]), tensor([1., 4.]))
    """
    out, even = patches, torch.zeros_like(patches[:, :1])
    for _ in range(LAYERS):
        draw = _Draw(patches, generator)
        mask = _shape(draw) * (draw.uniform() < 0.5)
        striped = (draw.uniform() < 0.5).to(out)
        shade = _shade(draw, patches.shape[1]) + striped * _stripes(draw)
        out = out + mask * (shade - out)
        even = even + mask * (1 - striped - even)
    return out.clamp(0, 1), 1 + (EVEN_COUNTS - 1) * even


class _Draw:
    """Random numbers for each of some patches, and their pixels' places, from the middle."""

    def __init__(self, patches: Tensor, generator: Generator) -> None:
        self.count, self.like, self.generator = len(patches), patches, generator
        height, width = patches.shape[-2:]
        self.side = min(height, width)
        self.rows = torch.arange(height, device=patches.device).view(-1, 1) - (height - 1) / 2
        self.columns = torch.arange(width, device=patches.device) - (width - 1) / 2

    def uniform(self, low: float = 0.0, high: float = 1.0, channels: int = 1) -> Tensor:
        """`(B, channels, 1, 1)`."""
        shape = (self.count, channels, 1, 1)
        random = torch.rand(shape, generator=self.generator, device=self.like.device)
        return low + (high - low) * random

    def of_sizes(self, low: float, high: float) -> Tensor:
        """The same, as many below as above the geometric mean."""
        return self.uniform(math.log(low), math.log(high)).exp()

    def along(self, angle: Tensor) -> Tensor:
        """How far each pixel is in a direction, `(B, 1, H, W)`."""
        return self.columns * angle.cos() + self.rows * angle.sin()


def _shape(draw: _Draw) -> Tensor:
    """How much of each pixel a shape covers, `(B, 1, H, W)`."""
    half = draw.side / 2
    across = draw.along(draw.uniform(0, math.tau)) - draw.uniform(-half, half)
    rows, columns = draw.uniform(-half, half), draw.uniform(-half, half)
    radius = draw.of_sizes(RADIUS, max(half, RADIUS))
    disc = radius - ((draw.rows - rows).square() + (draw.columns - columns).square()).sqrt()
    line = draw.of_sizes(*LINE) - across.abs()
    kind = draw.uniform(0, 3)
    inside = torch.where(kind < 1, across, torch.where(kind < 2, disc, line))
    return (inside / draw.uniform(*EDGE) + 0.5).clamp(0, 1)


def _shade(draw: _Draw, channels: int) -> Tensor:
    """What a shape looks like, `(B, C, H, W)`."""
    slope = draw.uniform(0, SLOPE) * draw.along(draw.uniform(0, math.tau)) / draw.side
    return draw.uniform(channels=channels) + slope


def _stripes(draw: _Draw) -> Tensor:
    """Added to that, `(B, 1, H, W)`."""
    angle = draw.uniform(0, math.tau)
    sideways = draw.along(angle + math.pi / 2) / (draw.side / 2)
    bent = draw.uniform(-BEND, BEND) * sideways.square() + draw.uniform()
    waves = math.tau * (draw.along(angle) / draw.of_sizes(*PERIOD) + bent)
    return draw.of_sizes(*CONTRAST) * waves.sin()
