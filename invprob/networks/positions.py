r"""Where an image lies on the grid of a network: turned by right angles, flipped, and moved.

A photograph turned, flipped or moved is as likely as it was, so the posterior mean turns and moves
with the noisy image. A network does so only nearly, since it folds two by two pixels, and eight by
eight, into one: what it gets wrong depends on the position. Along a run that asks it in one
position all the time these errors are alike and add up. Asked in another position at each noise
level they average out, at little cost (moved, 192 x 192 pixels take 7 % longer, 64 x 64 18 %).
Photographs that `PnP` restores in 8 calls, and means of samples by `Restart`, gain up to 0.1 dB
by that; samples by `AnnealedLangevin`, in which errors add up the most, 2 to 3.7 dB. An image that
is cut into tiles is turned and moved as a whole before, so that tiles lie on the grid.

The position is a hash of the noise level, so an answer depends on the image and the level alone.
Levels are rounded to steps of 3 % before, so that the last digit of one decides nothing. From one
step to the next the answer jumps by what the network gets wrong: a photograph with noise of 0.1 by
0.005, root mean square, and by 0.05 in single pixels. In one position it is smooth in the level.

Where a call may take longer, it is the mean over several positions, *views*: the errors of one
image average out, not those of a run. One call that denoises a photograph gains 0.07 to 0.11 dB by
eight views, and half of that by two.

References: Terris, Moreau, Pustelnik, Tachella, Equivariant plug-and-play image reconstruction,
2024, https://arxiv.org/abs/2312.01831, where the position is drawn at random in each step; for
views, the self-ensemble of Timofte, Rothe, Van Gool, Seven ways to improve example-based single
image super resolution, CVPR 2016, https://arxiv.org/abs/1511.02228.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

TURNS = 8
"""Four right angles, flipped or not."""

MOVES = 8
"""An image is moved down and to the right by less than so many pixels."""

APART = 27 * TURNS + 1
"""From one view to the next: another turn, three pixels down, three or four to the right."""

ROUNDED = 24
"""Noise levels are told apart by so many steps for each factor of two."""


def positions(sigma: Tensor) -> Tensor:
    """In which position an image is shown at each noise level, `(B,)`, in 0 .. 511, on the CPU."""
    steps = (sigma.cpu().double().log2() * ROUNDED).round().long()  # some devices have no 64 bits
    mixed = steps * 0x9E3779B1 & 0xFFFFFFFF  # ends as MurmurHash3 does
    mixed = (mixed ^ mixed >> 15) * 0x85EBCA6B & 0xFFFFFFFF
    return (mixed ^ mixed >> 13) & (TURNS * MOVES**2 - 1)


def view(position: Tensor, number: int) -> Tensor:
    """The position of a view, `(B,)`, by its number; number 0 is the position given.

    Eight views in a row are turned in all eight ways, and moved each by another distance.

    >>> import torch
    >>> places = torch.cat([view(torch.tensor([5]), number) for number in range(512)])
    >>> len(set(places.tolist())), sorted((places[:8] % TURNS).tolist())
    (512, [0, 1, 2, 3, 4, 5, 6, 7])
    """
    return (position + number * APART) % (TURNS * MOVES**2)


def in_position(function: Callable[[Tensor], Tensor], x: Tensor, position: int) -> Tensor:
    """What a function of images `(B, C, H, W)` makes of them in a position, put back."""
    out = function(placed(x, position))
    return put_back(out, position, (x.shape[-2], x.shape[-1]))


def placed(x: Tensor, position: int) -> Tensor:
    """Images `(B, C, H, W)` in a position; what comes above and to the left is reflected."""
    turn, top, left = _parts(x.shape[-2:], position)
    if top or left:
        x = functional.pad(x, (left, 0, top, 0), mode="reflect")
    return turned(x, turn)


def put_back(x: Tensor, position: int, shape: tuple[int, int]) -> Tensor:
    """The inverse of `placed`, for images that were of this height and width.

    >>> import torch
    >>> x = torch.arange(110.0).view(1, 1, 10, 11)
    >>> all((put_back(placed(x, n), n, (10, 11)) == x).all() for n in range(TURNS * MOVES**2))
    True
    """
    turn, top, left = _parts(shape, position)
    return turned_back(x, turn)[..., top:, left:]


def turned(x: Tensor, turn: int) -> Tensor:
    """Images `(..., H, W)` turned and flipped in one of eight ways; 0 is as they are."""
    image = x.rot90(turn % 4, (-2, -1)) if turn % 4 else x
    return image.flip(-1) if turn > 3 else image


def turned_back(x: Tensor, turn: int) -> Tensor:
    """The inverse of `turned`."""
    image = x.flip(-1) if turn > 3 else x
    return image.rot90(-turn % 4, (-2, -1)) if turn % 4 else image


def _parts(shape: tuple[int, ...], position: int) -> tuple[int, int, int]:
    """The turn, and by how many pixels an image is moved; one too small to be reflected is not."""
    turn, rest = position % TURNS, position // TURNS
    top, left = rest % MOVES, rest // MOVES
    return (turn, top, left) if min(shape) > MOVES else (turn, 0, 0)
