r"""Large images through a network in tiles, with a bound on memory and without seams.

A convolutional network sees a neighbourhood: the pixels further from an output pixel than its
`reach` do not change it. So each tile is cut with a margin of that width, and of its output only
the part inside the margin is kept. Nothing has to be blended, and the result is that of the whole
image up to rounding. Cuts lie on the grid of the coarsest stage, whose pixels are then the same.
At the image's own borders tiles have no margin, and the network does there what it always does.

The margin is work done twice: with a reach of r and tiles of side t, (t / (t - 2 r))² as much.

Whoever waits is told after each tile how many pixels are done (`counted`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, Protocol

import torch
from torch import Tensor

from ..errors import InputError
from .counted import count_pixels

Tile = int | Literal["auto"] | None

TILE = 1024
"""The side of tiles, in pixels: the embedded denoiser takes some 0.8 GiB for one in float32 and
half that in bfloat16."""


class Reaching(Protocol):
    """A network that knows how far it sees."""

    @property
    def reach(self) -> int:
        """Pixels further away than this, in rows or in columns, do not change an output pixel."""

    @property
    def grid(self) -> int:
        """A cut that begins at a multiple of this sees the same coarse pixels."""


def is_tile(instance: object, attribute: object, value: object) -> None:
    """Raise `InputError` unless a value is a `Tile`, as a validator of attrs."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
    if value not in ("auto", None) and not whole:
        raise InputError(
            f"tile={value!r}: give the side of a tile in pixels, 'auto' for {TILE}, or None to"
            " never cut an image"
        )


def least_tile(network: Reaching) -> int:
    """The side of the smallest tile: two margins, and twice the grid between them."""
    return 2 * _margin(network) + 2 * network.grid


def is_cut(x: Tensor, tile: Tile) -> bool:
    """Whether images `(B, C, H, W)` have more than tile x tile pixels."""
    side = TILE if tile == "auto" else tile
    return side is not None and x.shape[-2] * x.shape[-1] > side**2


def in_pieces(
    function: Callable[[Tensor], Tensor], network: Reaching, x: Tensor, tile: Tile
) -> Tensor:
    """`function(x)`, in tiles where the image has more than tile x tile pixels.

    Args:
        function: images `(B, C, h, w)` of any size to images of the same shape.
        network: what decides about it how far it sees.
        x: images `(B, C, H, W)`.
        tile: the side of a tile; `"auto"` is `TILE`, and None never cuts an image.

    Returns:
        `(B, C, H, W)`.

    Raises:
        InputError: tile is too small for the network's reach.
    """
    if tile is not None and is_cut(x, tile):
        return in_tiles(function, network, x, TILE if tile == "auto" else tile)
    out = function(x)
    count_pixels(len(x) * x.shape[-2] * x.shape[-1])
    return out


def in_tiles(
    function: Callable[[Tensor], Tensor], network: Reaching, x: Tensor, side: int
) -> Tensor:
    """`function(x)`, computed on tiles of at most side x side pixels.

    Args:
        function: images `(B, C, h, w)` of any size to images of the same shape.
        network: what decides about it how far it sees.
        x: images `(B, C, H, W)`.
        side: of a tile, its margin included, in pixels; at least `least_tile(network)`.

    Returns:
        `(B, C, H, W)`.

    Raises:
        InputError: side is too small for the network's reach.
    """
    if side < least_tile(network):
        raise InputError(
            f"tile={side}: each tile needs a margin of {_margin(network)} pixels on either side,"
            f" how far the network sees; give {least_tile(network)} or more, or 'auto'"
        )
    height, width = x.shape[-2:]
    out = torch.empty_like(x)
    for rows, seen_rows, kept_rows in _cuts(height, side, network):
        for columns, seen_columns, kept_columns in _cuts(width, side, network):
            part = function(x[..., seen_rows, seen_columns])
            out[..., rows, columns] = part[..., kept_rows, kept_columns]
            count_pixels(len(x) * (rows.stop - rows.start) * (columns.stop - columns.start))
    return out


def _cuts(length: int, side: int, network: Reaching) -> Iterator[tuple[slice, slice, slice]]:
    """One axis: the part that a tile answers for, what it sees, and where in that the part is."""
    if length <= side:
        yield slice(0, length), slice(0, length), slice(0, length)
        return
    margin, grid = _margin(network), network.grid
    largest = (side - 2 * margin) // grid * grid
    count = -(-length // largest)
    step = -(-length // (count * grid)) * grid
    for start in range(0, length, step):
        stop = min(start + step, length)
        first, last = max(start - margin, 0), min(stop + margin, length)
        yield slice(start, stop), slice(first, last), slice(start - first, stop - first)


def _margin(network: Reaching) -> int:
    return -(-network.reach // network.grid) * network.grid
