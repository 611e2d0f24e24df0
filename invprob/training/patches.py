r"""Training patches: photos in memory at a few scales, cut, turned and flipped at random.

Photos are kept as integers of 8 or 16 bits (`storage`), end to end in one tensor on the device
that learns. A batch is one gather: the places of its pixels are computed, so turning and flipping
cost nothing and nothing waits for a loop. A gray photo among colour ones is stored once, as three
planes that coincide.

Each photo is stored at several scales, shrunk with an antialiasing filter: detail at all scales
makes a natural-image prior, and shrinking removes what a camera or a JPEG file left behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from attrs import frozen
from torch import Generator, Tensor
from torch.nn import functional

from ..errors import InputError
from .images import luminance
from .storage import alike, in_unit, levels, of_levels

SCALES = (1.0, 0.8, 0.65, 0.5)

FOCUS = (4, 8, 16)
"""Of patches out of focus, so many pixels by so many are one."""


@frozen(eq=False)
class Photos:
    """Photos at several scales, those with all channels first.

    Attributes:
        pixels: all of them, end to end, as `storage` keeps them.
        table: for each photo at each scale where it starts, its height and width, and how far
            apart its channels are, `(N, 4)`.
        firsts: where in the table each photo's scales start, and the table's end.
        channels: of those that have all.
        full: how many photos have all; the others are gray.
    """

    pixels: Tensor
    table: Tensor
    firsts: Tensor
    channels: int
    full: int

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self.firsts) - 1

    def patches(
        self,
        count: int,
        size: int,
        channels: int,
        generator: Generator,
        turns: bool = True,
        tries: int = 1,
    ) -> Tensor:
        """Random patches, in [0, 1].

        Args:
            count: how many.
            size: side length in pixels.
            channels: `self.channels` for photos that have all; 1 for all photos, colour as its
                luminance.
            generator: the source of randomness, on the photos' device.
            turns: turned by right angles and flipped, too.
            tries: how many are drawn for each, of which the roughest is kept.

        Returns:
            `(count, channels, size, size)`, float32.
        """
        cuts = self._cuts(count * tries, size, channels, generator, turns)
        if tries == 1:
            return cuts
        best = squared_steps(cuts).view(count, tries).argmax(1)
        return cuts[best + tries * torch.arange(count, device=best.device)]

    def _cuts(
        self, count: int, size: int, channels: int, generator: Generator, turns: bool
    ) -> Tensor:
        photos = self.full if channels == self.channels else len(self)
        random = uniform(7, count, generator, self.pixels.device)
        photo = below(random[0], photos)
        first, end = self.firsts[photo], self.firsts[photo + 1]
        start, height, width, apart = self.table[first + below(random[1], end - first)].T
        corner = start + below(random[2], height - size + 1) * width
        corner = corner + below(random[3], width - size + 1)
        rows, columns = grids(size, random[4:] < 0.5 * turns)
        plane = torch.arange(self.channels, device=corner.device).view(-1, 1, 1)
        each = [n.view(-1, 1, 1, 1) for n in (corner, width, apart)]
        places = each[0] + rows * each[1] + columns + plane * each[2]
        cuts = in_unit(self.pixels[places])
        return cuts if channels == self.channels else luminance(cuts)


def store_photos(
    photos: Iterable[Tensor],
    least: int,
    scales: Sequence[float] = SCALES,
    device: torch.device | str = "cpu",
) -> Photos:
    """Photos, ready to be cut.

    Args:
        photos: `(C, H, W)`, as `storage` keeps them; all with the same C, or gray.
        least: scales that are smaller than this many pixels on a side are left out.
        scales: at which they are stored, above 0 and at most 1.
        device: where they are stored.

    Raises:
        InputError: no photo is large enough, channel counts that do not go together, or scales
            that can't be.
    """
    if not scales or not all(0 < scale <= 1 for scale in scales):
        raise InputError(f"scales={tuple(scales)}: give numbers above 0 and at most 1")
    stored = [
        [s for s in _scaled(photo, scales) if min(s.shape[1:]) >= least]
        for photo in alike(list(photos))
    ]
    stored = sorted((some for some in stored if some), key=lambda some: -some[0].shape[0])
    counts = [some[0].shape[0] for some in stored]
    if not counts or (len(set(counts)) > 1 and set(counts) != {1, 3}):
        raise InputError(
            f"the images of at least {least} x {least} pixels have {sorted(set(counts))} channels:"
            " give images with one channel count, or colour and gray ones"
        )
    flat = [scale for some in stored for scale in some]
    ends = torch.tensor([scale.numel() for scale in flat]).cumsum(0).tolist()
    rows = [
        (end - s.numel(), *s.shape[1:], s[0].numel() if len(s) == max(counts) else 0)
        for end, s in zip(ends, flat, strict=True)
    ]
    firsts = torch.tensor([0, *(len(some) for some in stored)]).cumsum(0)
    return Photos(
        torch.cat([scale.flatten() for scale in flat]).to(device),
        torch.tensor(rows).to(device),
        firsts.to(device),
        max(counts),
        counts.count(max(counts)),
    )


def out_of_focus(patches: Tensor, number: int) -> Tensor:
    """Patches that are smooth: made smaller, which takes grain and texture away, and enlarged.

    Args:
        patches: `(B, C, H, W)` in [0, 1].
        number: which of the `FOCUS` decides how many pixels become one, each in turn.
    """
    fewer = FOCUS[number % len(FOCUS)]
    small = functional.avg_pool2d(patches, fewer)
    large = functional.interpolate(small, patches.shape[-2:], mode="bicubic")
    return large.clamp(0, 1)


def squared_steps(patches: Tensor) -> Tensor:
    """The mean squared step from a pixel to the next, down and across, `(B,)`."""
    down, across = patches.diff(dim=-2).square(), patches.diff(dim=-1).square()
    return down.mean(dim=(1, 2, 3)) + across.mean(dim=(1, 2, 3))


def below(random: Tensor, end: Tensor | int) -> Tensor:
    """Whole numbers from 0 to below `end`, from numbers within [0, 1)."""
    return torch.minimum((random * end).long(), torch.as_tensor(end, device=random.device) - 1)


def uniform(rows: int, count: int, generator: Generator, device: torch.device) -> Tensor:
    """Numbers within [0, 1), `(rows, count)`; in 32 bits on a device that has no 64."""
    dtype = torch.float32 if device.type == "mps" else torch.float64
    return torch.rand(rows, count, generator=generator, dtype=dtype, device=device)


def grids(size: int, choices: Tensor) -> tuple[Tensor, Tensor]:
    """The rows and columns of a patch's pixels, `(count, 1, size, size)`.

    Args:
        size: side length.
        choices: whether to flip rows, to flip columns, and to swap the two, `(3, count)`.
    """
    up, left, swap = choices.view(3, -1, 1, 1, 1)
    line = torch.arange(size, device=choices.device)
    down, across = line.view(-1, 1), line.view(1, -1)
    rows, columns = torch.where(swap, across, down), torch.where(swap, down, across)
    return torch.where(up, size - 1 - rows, rows), torch.where(left, size - 1 - columns, columns)


def _scaled(photo: Tensor, scales: Sequence[float]) -> Iterable[Tensor]:
    for scale in scales:
        if scale == 1:
            yield photo
            continue
        size = [max(1, round(n * scale)) for n in photo.shape[1:]]
        small = functional.interpolate(
            levels(photo)[None], size=size, mode="bicubic", antialias=True
        )
        yield of_levels(small[0], photo.dtype)
