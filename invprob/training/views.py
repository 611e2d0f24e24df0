r"""A noisy patch as a network could have met it as well: turned, flipped, or moved by a pixel.

Photographs turned, flipped or moved are as likely as they were, so the posterior mean turns, flips
and moves with the noisy image. A network that learned from patches in all these positions does so
only nearly: what it answers differs with the position by about a fifth of the root mean squared
error, and the mean over positions is better than any one. In the squared error of two views D₁, D₂
(brought back) that part stands alone,

    (|D₁ - x|² + |D₂ - x|²) / 2 = |(D₁ + D₂)/2 - x|² + |(D₁ - D₂)/2|²,

and it is the part of which nothing is hidden by noise: a term of the first kind is mostly what no
denoiser could know, and so is its gradient. So the second counts `agree` times more. It is zero
for the posterior mean, which therefore remains the minimiser.

A view has two pixels more than the patch, reflected on one side or the other or on both: so all
views know the same, and two by two pixels are folded into one in other ways.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from ..networks.positions import TURNS, turned, turned_back

MORE = 2
"""How many pixels larger a view is, in height and width."""


def draw_views(count: int, turns: bool, generator: Generator) -> Tensor:
    """Views at random, `(count, 3)`: pixels added at the top, at the left, and the position.

    Args:
        count: how many.
        turns: whether the patch is turned and flipped, in eight positions, and not only moved.
        generator: the source of randomness.
    """
    most = torch.tensor([MORE + 1, MORE + 1, TURNS if turns else 1])
    random = torch.rand(count, 3, generator=generator, device=generator.device)
    return (random.cpu() * most).long()


def seen(patches: Tensor, views: Tensor) -> Tensor:
    """What is seen of each patch, `(B, C, s, s)` to `(B, C, s + MORE, s + MORE)`."""
    cuts = []
    for patch, (top, left, position) in zip(patches, views.tolist(), strict=True):
        sides = (left, MORE - left, top, MORE - top)
        wide = functional.pad(patch[None], sides, mode="reflect")
        cuts.append(turned(wide, position))
    return torch.cat(cuts)


def brought_back(images: Tensor, views: Tensor) -> Tensor:
    """The inverse of `seen`.

    >>> from invprob.streams import generator
    >>> x, views = torch.rand(4, 1, 6, 6), draw_views(4, True, generator(0))
    >>> bool((brought_back(seen(x, views), views) == x).all())
    True
    """
    side = images.shape[-1] - MORE
    cuts = []
    for image, (top, left, position) in zip(images, views.tolist(), strict=True):
        still = turned_back(image, position)
        cuts.append(still[None, :, top : top + side, left : left + side])
    return torch.cat(cuts)
