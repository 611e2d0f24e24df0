"""Isolated pixels that stand out, as the hot ones of a sensor do.

A denoiser takes a pixel that is white for no reason for a star, and keeps it. Such pixels are
counted, and can be masked; nothing is changed here.

A pixel's excess is d = y - the median of its eight neighbours. What noise and texture make of d at
a brightness is told by its own quantiles among the pixels of that brightness, with no law of the
noise: a normal d would reach

    6 deviations at q99 + 3.5 (q99 - q90),

and one of a heavier tail lies further out; what lies beyond is left out, and asked again. A pixel
stands out if it is beyond that, and is alone: no neighbour has 0.3 of its excess over the median
of the 24 pixels around. So stars that are no narrower than the optics make them, the dots of
letters and highlights do not count; hot pixels in pairs do not either, nor does a fainter one in
bright surroundings. Where more than about half of a percent of the pixels is hot, q99 is theirs,
and few or none are found.

Measured on every second of the 24 Kodak photographs (500 x 500), clean and with Gaussian noise of
0.002 to 0.3: at most 5 of 250,000 pixels; Poisson of peak 300 to 30: 1; of peak 3: 20; Gamma of 26
to 1: 4 to 38, which is why `MANY` is what it is, and why speckle is not asked. Fields of stars of
1.2 to 4 pixels (full width at half maximum): at most 1. Of 500 pixels set to white in a photograph
with noise of 0.01 to 0.05, nineteen in twenty are found; at 0.1 a third, since the others are less
than 6 deviations above what is around.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from .noise_holes import filled, known

QUANTILES, BEYOND = (0.9, 0.99), 3.5
"""Of the excess; and so many times their difference beyond the second is 6 deviations."""
LEAST = 6 / 255
"""An excess that is less is no hot pixel's."""
ALONE = 0.3
"""A neighbour with more of the excess belongs to the same thing."""
BANDS, FEWEST = 16, 400
"""Of brightness, at most; and the numbers in one, at least."""
SEEN = 500_000
"""Numbers that are enough to know the quantiles."""
FEW, MANY = 10, 1e-4
"""Fewer pixels, or a smaller share of them, are as many as photographs have."""


def hot_pixels(y: Tensor, /) -> Tensor:
    """Which pixels stand out, in any channel: `(B, 1, H, W)`, of images `(B, C, H, W)`.

    >>> y = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) / 10
    >>> y[..., 20, 30] = 1
    >>> hot_pixels(y).nonzero().tolist()
    [[0, 0, 20, 30]]
    """
    counted, whole = known(y), filled(y)
    if min(y.shape[-2:]) <= 4:
        return torch.zeros_like(counted[:, :1])
    around = F.pad(whole, (2, 2, 2, 2), mode="reflect")
    step = -(-whole.numel() // SEEN)
    places = torch.arange(0, whole.numel(), step, device=y.device)
    places = places[counted.flatten()[places]]
    seen = _patches(around, whole, places, 1)
    edges, tails = _tails(_median(seen), seen[:, 4])
    highest = torch.full_like(whole, -torch.inf)
    for down, right in _offsets(1):
        torch.maximum(highest, _moved(around, whole, down, right), out=highest)
    risen = (whole - highest > (1 - 2 * ALONE) * tails.min()) & counted
    places = risen.flatten().nonzero()[:, 0]
    near = _patches(around, whole, places, 1)
    middle = _median(near)
    far = _median(_patches(around, whole, places, 2))
    excess, beside = near[:, 4] - middle, torch.cat([near[:, :4], near[:, 5:]], 1)
    found = excess > tails[torch.bucketize(middle, edges)]
    found &= beside.amax(1) - far < ALONE * (near[:, 4] - far)
    hot = torch.zeros_like(whole, dtype=torch.bool).flatten()
    hot[places] = found
    return hot.reshape(whole.shape).any(1, keepdim=True)


def are_many(hot: Tensor, /) -> bool:
    """Whether there are more than photographs have."""
    return int(hot.sum()) > max(FEW, MANY * hot.numel())


def _tails(brightness: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Edges of bands of brightness, and the excess in each that is no noise."""
    count = min(BANDS, len(values) // FEWEST)
    if count < 1:
        return values.new_empty(0), values.new_full((1,), torch.inf)
    shares = torch.linspace(0, 1, count + 1).to(values)[1:-1]
    edges = torch.unique(brightness.quantile(shares)) if count > 1 else values.new_empty(0)
    number, excess = torch.bucketize(brightness, edges), values - brightness
    tails = []
    for band in range(len(edges) + 1):
        inside = excess[number == band]
        if len(inside) < FEWEST // 2:
            tails.append(values.new_tensor(torch.inf))
            continue
        tail = _tail(inside)
        tails.append(_tail(inside[inside <= tail]))  # without those that stand out already
    return edges, torch.stack(tails)


def _tail(excess: Tensor) -> Tensor:
    low, high = excess.quantile(excess.new_tensor(QUANTILES))
    tail: Tensor = high + BEYOND * (high - low)
    return tail.clamp(min=LEAST)


def _offsets(reach: int) -> list[tuple[int, int]]:
    """From a pixel to those around it."""
    steps = range(-reach, reach + 1)
    return [(down, right) for down in steps for right in steps if (down, right) != (0, 0)]


def _moved(around: Tensor, whole: Tensor, down: int, right: int) -> Tensor:
    """The pixels so far from those of the image, with a border of two around it."""
    high, wide = whole.shape[-2:]
    return around[..., 2 + down : 2 + down + high, 2 + right : 2 + right + wide]


def _patches(around: Tensor, whole: Tensor, places: Tensor, reach: int) -> Tensor:
    """What is around some places of the flattened image, and at them, `(n, (2 reach + 1)²)`."""
    high, wide = whole.shape[-2:]
    plane, within = places // (high * wide), places % (high * wide)
    row, column = within // wide, within % wide
    start = (plane * (high + 4) + row + 2) * (wide + 4) + column + 2
    steps = torch.arange(-reach, reach + 1, device=places.device)
    moves = (steps[:, None] * (wide + 4) + steps).flatten()
    return around.flatten()[start[:, None] + moves]


def _median(patches: Tensor) -> Tensor:
    """Of what is around the middle of each patch."""
    middle = patches.shape[1] // 2
    beside = torch.cat([patches[:, :middle], patches[:, middle + 1 :]], 1).sort(1).values
    return (beside[:, middle - 1] + beside[:, middle]) / 2
