r"""The eight positions of an image on its grid: turned by right angles, and flipped.

A photograph turned or flipped is as likely as it was, so the posterior mean turns with the noisy
image. A network turns only nearly: what it gets wrong depends on the position. Along a run that
asks it in one position all the time these errors are alike and add up. Asked in another position
at each noise level they average out, at no cost. Photographs that `PnP` restores in 8 calls, and
means of samples, gain up to 0.1 dB by that. The mean over all eight positions in each call, at
eight times the cost, gains a few hundredths more.

The position is a hash of the noise level, so an answer depends on the image and the level alone.
Levels are rounded to steps of 3 % before, so that the last digit of one decides nothing.

Reference: Terris, Moreau, Pustelnik, Tachella, Equivariant plug-and-play image reconstruction,
2024, https://arxiv.org/abs/2312.01831, where the position is drawn at random in each step.
"""

from __future__ import annotations

from torch import Tensor

POSITIONS = 8

ROUNDED = 24
"""Noise levels are told apart by so many steps for each factor of two."""


def turned(x: Tensor, position: int) -> Tensor:
    """Images `(..., H, W)` in a position 0 .. 7; 0 is as they are."""
    image = x.rot90(position % 4, (-2, -1))
    return image.flip(-1) if position > 3 else image


def turned_back(x: Tensor, position: int) -> Tensor:
    """The inverse of `turned`.

    >>> x = torch.arange(6.0).view(1, 1, 2, 3)
    >>> all((turned_back(turned(x, n), n) == x).all() for n in range(POSITIONS))
    True
    """
    image = x.flip(-1) if position > 3 else x
    return image.rot90(-position % 4, (-2, -1))


def positions(sigma: Tensor) -> Tensor:
    """In which position an image is shown at each noise level, `(B,)`."""
    steps = (sigma.double().log2() * ROUNDED).round().long()
    return (steps * 0x9E3779B1 & 0xFFFFFFFF) >> 29
