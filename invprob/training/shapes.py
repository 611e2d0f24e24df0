r"""Shapes painted over photographs: edges, corners, lines, blots, stripes and checks.

Most of what is hard in a photograph is texture, and a network that learns from a few dozen learns
that first. The one for gray was no worse than FFDNet on random texture and left 4 to 8 % more
squared error in photographs, but 22 to 68 % more in drawn half-planes, discs, rectangles, lines
and text, and 65 to 101 % in stripes (`benchmarks/drawn_shapes.py`): what people build has those.
So shapes are painted over some patches, one over the other, as things hide one another in a
photograph, of one shade with a slope, half of them with stripes, which may bend, or checks. Of
those, half leave what is beneath and add the stripes to it, as cloth has folds and a wall stains.

Little error is left where a shape has one shade, so what is counts four times. That is as if there
were four times as many of them: the answer is still a posterior mean, of images with more shapes
than were painted.

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
from torch.nn import functional

LAYERS = 4
"""So many shapes are painted at most; each of them is left out as often as not."""

EVEN_COUNTS = 4.0
"""How many times as much an error counts in one of one shade."""

EDGE = (0.5, 1.5)
"""How wide an edge is, in pixels."""
RADIUS = 2.0
"""Of the smallest disc and polygon, in pixels; the largest is half as wide as the patch."""
LINE = (0.5, 6.0)
"""Half the width of a line, in pixels."""
SIDES = 4
"""Of a polygon, a rectangle as often as not."""
BLOTS = (3, 6, 12, 24)
"""Knots along a side of the smooth surface, of which a blot is what lies above 0."""
PERIOD = (2.5, 16.0)
"""Of stripes, in pixels."""
CONTRAST = (0.02, 0.4)
"""Of stripes: how far they are from their mean."""
STEEP = (0.7, 6.0)
"""How much faster than a sine they go from dark to light, and stay there; below 1, paler."""
LEAN = 0.8
"""How far that sine is shifted, at most: the dark ones are narrow lines then, or the light."""
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
    >>> drawn.shape, counts.shape
    (torch.Size([2, 1, 32, 32]), torch.Size([2, 1, 32, 32]))
    """
    out, even = patches, torch.zeros_like(patches[:, :1])
    for _ in range(LAYERS):
        draw = _Draw(patches, generator)
        mask = _shape(draw) * draw.often()
        striped = draw.often()
        shade = torch.lerp(_shade(draw, patches.shape[1]), out, striped * draw.often())
        out = out + mask * (shade + striped * _stripes(draw) - out)
        even = even + mask * (1 - striped - even)
    return out.clamp(0, 1), 1 + (EVEN_COUNTS - 1) * even


class _Draw:
    """Random numbers for each of some patches, and their pixels' places, from the middle."""

    def __init__(self, patches: Tensor, generator: Generator) -> None:
        self.like, self.generator = patches, generator
        height, width = patches.shape[-2:]
        self.half = min(height, width) / 2
        self.rows = torch.arange(height, device=patches.device).view(-1, 1) - (height - 1) / 2
        self.columns = torch.arange(width, device=patches.device) - (width - 1) / 2

    def uniform(self, low: float = 0.0, high: float = 1.0, channels: int = 1) -> Tensor:
        """`(B, channels, 1, 1)`."""
        return low + (high - low) * self._random(channels, 1)

    def angle(self) -> Tensor:
        """Any, and as often a right one, `(B, 1, 1, 1)`: people build upright."""
        angle, right = self.uniform(0, math.tau), math.pi / 2
        return torch.where(self.often() > 0, (angle / right).floor() * right, angle)

    def often(self) -> Tensor:
        """1 as often as 0, `(B, 1, 1, 1)`."""
        return (self.uniform() < 0.5).to(self.like)

    def of_sizes(self, low: float, high: float) -> Tensor:
        """As many below as above the geometric mean, `(B, 1, 1, 1)`."""
        return self.uniform(math.log(low), math.log(high)).exp()

    def along(self, angle: Tensor) -> Tensor:
        """How far each pixel is in a direction, `(B, 1, H, W)`."""
        return self.columns * angle.cos() + self.rows * angle.sin()

    def surface(self, knots: int) -> Tensor:
        """A smooth one through random numbers, `(B, 1, H, W)`."""
        heights = self._random(1, knots) - 0.5
        return functional.interpolate(heights, self.like.shape[-2:], mode="bicubic")

    def _random(self, channels: int, side: int) -> Tensor:
        shape = (len(self.like), channels, side, side)
        return torch.rand(shape, generator=self.generator, device=self.like.device)


def _shape(draw: _Draw) -> Tensor:
    """How much of each pixel a shape covers, `(B, 1, H, W)`."""
    angle, edge = draw.angle(), draw.uniform(*EDGE)
    across = draw.along(angle) - draw.uniform(-draw.half, draw.half)
    row, column = draw.uniform(-draw.half, draw.half), draw.uniform(-draw.half, draw.half)
    away = ((draw.rows - row).square() + (draw.columns - column).square()).sqrt()
    kinds = [
        across,
        draw.of_sizes(*LINE) - across.abs(),
        draw.of_sizes(RADIUS, max(draw.half, RADIUS)) - away,
        _polygon(draw, angle, row, column),
        _blot(draw),
    ]
    kind = draw.uniform(0, len(kinds)).long()
    inside = torch.stack(kinds).gather(0, kind.expand_as(across)[None])[0]
    return (inside / edge + 0.5).clamp(0, 1)


def _polygon(draw: _Draw, angle: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """How far each pixel is from the nearest side, positive inside."""
    slant, sides = 1 - draw.often(), []
    for number in range(SIDES):
        turned = angle + math.pi / 2 * number + slant * draw.uniform(-0.7, 0.7)
        middle = column * turned.cos() + row * turned.sin()
        far = draw.of_sizes(RADIUS, max(draw.half, RADIUS))
        sides.append(far - (draw.along(turned) - middle))
    return torch.stack(sides).amin(0)


def _blot(draw: _Draw) -> Tensor:
    """About how far each pixel is from the border of a blot, positive inside."""
    surfaces = torch.stack([draw.surface(knots) for knots in BLOTS])
    which = draw.uniform(0, len(BLOTS)).long().expand_as(surfaces[0])
    height = surfaces.gather(0, which[None])[0]
    down, across = torch.gradient(height, dim=(-2, -1))
    return height / (down.square() + across.square()).sqrt().clamp(min=1e-3)


def _shade(draw: _Draw, channels: int) -> Tensor:
    """What a shape looks like, `(B, C, H, W)`."""
    rise = draw.uniform(0, SLOPE) * draw.along(draw.uniform(0, math.tau)) / (2 * draw.half)
    return draw.uniform(channels=channels) + rise


def _stripes(draw: _Draw) -> Tensor:
    """Added to that, or checks, `(B, 1, H, W)`."""
    angle, contrast = draw.angle(), draw.of_sizes(*CONTRAST)
    across, along = draw.along(angle), draw.along(angle + math.pi / 2)
    bent = draw.uniform(-BEND, BEND) * (along / draw.half).square() + draw.uniform()
    steep, lean, checked = draw.of_sizes(*STEEP), draw.uniform(-LEAN, LEAN), draw.often()
    waves = (math.tau * (across / draw.of_sizes(*PERIOD) + bent)).sin() + lean
    others = (math.tau * along / draw.of_sizes(*PERIOD)).sin() + lean
    first, second = ((steep * wave).clamp(-1, 1) for wave in (waves, others))
    return contrast * first * (1 + checked * (second - 1))
