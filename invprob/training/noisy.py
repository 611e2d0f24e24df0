r"""Noisy images to learn a score from: read or made once, brought to even coordinates, in memory.

A folder holds noisy images, or clean ones to simulate with: then each gets its noise once, from a
generator of its own, and that one noisy version is all that training ever sees of it. A training
step that drew new noise on the same image would see the clean image in all but name.

Images are kept in the coordinates in which their noise is even (`networks.coordinates`), in half
precision, whose rounding is a hundredth of any perturbation, and cut as `patches` cuts photos.

Turning and flipping patches assumes that a turned noisy image is one as well: true of noise that
is white in even coordinates, and of filters that are symmetric.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from attrs import frozen
from torch import Generator, Tensor

from ..contracts import ChecksMeasurement
from ..errors import InputError, NoiseWarning
from ..networks.coordinates import Coordinates
from ..streams import generator
from ..units import Unit
from .files import SUFFIXES, image_files, left_out, nothing_to_learn, too_few, too_small
from .images import luminance, wanted
from .patches import below, grids, uniform

CLIPPED = 0.02
"""The share of white pixels above which a noisy image is taken for clipped."""


@frozen(eq=False)
class Pair:
    """A noisy image, and the clean one where it was simulated.

    Attributes:
        y: `(C, H, W)`.
        x: `(C, H, W)`, or None.
    """

    y: Tensor
    x: Tensor | None


@frozen(eq=False)
class NoisyImages:
    """Noisy images in even coordinates.

    Attributes:
        pixels: all of them, end to end, half precision.
        table: for each image where it starts, its height and width, `(N, 3)`.
        channels: of every image.
    """

    pixels: Tensor
    table: Tensor
    channels: int

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.table)

    def draw(self, count: int, size: int, generator: Generator, turns: bool = True) -> Tensor:
        """Random patches of random images, float32.

        Args:
            count: how many.
            size: their side length in pixels.
            generator: the source of randomness, on the images' device.
            turns: turned by right angles and flipped, too.

        Returns:
            `(count, C, size, size)`; every place in every image is as likely.
        """
        places = (self.table[:, 1:] - size + 1).prod(1).cumsum(0)
        random = uniform(6, count, generator, self.pixels.device)
        chosen = torch.searchsorted(places, below(random[0], places[-1]), right=True)
        start, height, width = self.table[chosen].T
        corner = start + below(random[1], height - size + 1) * width
        corner = corner + below(random[2], width - size + 1)
        rows, columns = grids(size, random[3:] < 0.5 * turns)
        plane = torch.arange(self.channels, device=corner.device).view(-1, 1, 1)
        corner, width, apart = (n.view(-1, 1, 1, 1) for n in (corner, width, height * width))
        return self.pixels[corner + rows * width + columns + plane * apart].float()


def store_noisy(
    pairs: Sequence[Pair], z: Coordinates, device: torch.device | str = "cpu"
) -> NoisyImages:
    """Noisy images, ready to be cut.

    Args:
        pairs: at least one, all of one channel count.
        z: the coordinates that they are brought to.
        device: where they are stored.
    """
    images = [z.forward(pair.y[None])[0].half() for pair in pairs]
    starts = torch.tensor([0, *(image.numel() for image in images[:-1])]).cumsum(0)
    sizes = torch.tensor([image.shape[1:] for image in images])
    return NoisyImages(
        torch.cat([image.flatten() for image in images]).to(device),
        torch.cat([starts[:, None], sizes], 1).to(device),
        images[0].shape[0],
    )


@frozen(eq=False)
class Folder:
    """What was found of images.

    Attributes:
        pairs: noisy images, all of one channel count.
        skipped: what was left out, and why.
    """

    pairs: tuple[Pair, ...]
    skipped: tuple[str, ...]

    @property
    def channels(self) -> int:
        """Of every image."""
        return self.pairs[0].y.shape[0]

    def split(self, every: int) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
        """Every so many-th image apart: the others, and those; `InputError` if one is empty."""
        chosen = set(range(every - 1, len(self.pairs), every)) or {len(self.pairs) - 1}
        rest = tuple(pair for i, pair in enumerate(self.pairs) if i not in chosen)
        if not rest:
            raise too_few(len(self.pairs), self.skipped)
        return rest, tuple(self.pairs[i] for i in sorted(chosen))


def load_noisy(
    paths: Iterable[Path],
    likelihood: Any,
    least: int,
    channels: int | None = None,
    simulate: int | None = None,
    unit: Unit | None = None,
) -> Folder:
    """Noisy images from files and folders, searched recursively.

    Args:
        paths: image files, and folders of these; every page of a stack is an image, and it is
            taken whole or not at all. Floating-point TIFF and FITS files keep values outside of
            [0, 1], which other formats clip.
        likelihood: how they arose.
        least: smaller images than this many pixels on a side are left out.
        channels: leaves out images with others, and takes so many pages of a TIFF file for one
            image where the file calls them channels; 1 turns clean colour into gray, but not noisy
            colour, whose noise would be another. By default what all have.
        simulate: the images are clean, and get their noise here, from this seed.
        unit: of the files; by default their own.

    Raises:
        InputError: a path does not exist, nothing can be used, or the images differ in channels
            and it was not said which to take.
    """
    paths, unit = list(paths), unit or Unit()
    found: list[Pair] = []
    skipped: list[str] = []
    for path in image_files(paths, SUFFIXES):
        try:
            found += [
                _pair(image, number, likelihood, least, channels, simulate)
                for number, image in enumerate(unit.read_stack(path, wanted(channels)), len(found))
            ]
        except InputError as error:
            skipped.append(left_out(path, error))
    unit.warn_if_dim("y" if simulate is None else "image")
    if not found:
        raise nothing_to_learn(paths, skipped, SUFFIXES)
    counts = sorted({pair.y.shape[0] for pair in found})
    if len(counts) > 1:
        raise InputError(
            f"the images have {', '.join(map(str, counts))} channels: say which to learn,"
            f" --channels {counts[0]} or --channels {counts[-1]}"
        )
    clipped = sum(float((pair.y == 1).double().mean()) > CLIPPED for pair in found)
    if simulate is None and clipped:
        warnings.warn(
            f"{clipped} of {len(found)} images have more than {CLIPPED:.0%} of their pixels at"
            " exactly 1: clipped noise is not the noise that is assumed, and the score will be"
            " wrong there; keep measurements in floating-point TIFF or FITS files",
            NoiseWarning,
            stacklevel=2,
        )
    return Folder(tuple(found), tuple(skipped))


def _pair(
    image: Tensor,
    number: int,
    likelihood: Any,
    least: int,
    channels: int | None,
    simulate: int | None,
) -> Pair:
    if simulate is not None and channels == 1 and image.shape[1] == 3:
        image = luminance(image)
    if channels not in (None, image.shape[1]):
        raise InputError(f"it has {image.shape[1]} channels, and {channels} are asked for")
    if min(image.shape[2:]) < least:
        raise too_small(image.shape[2:], (least, least))
    if not bool(image.isfinite().all()):
        bad = int((~image.isfinite()).sum())
        raise InputError(
            f"{bad} of its values are not finite (NaN): fill them in, or leave the file out"
        )
    if simulate is not None:
        y: Tensor = likelihood.sample(image, generator(simulate, number))
        if y.shape != image.shape:
            raise InputError(
                f"{likelihood!r} makes {tuple(y.shape[1:])} of it: only noise can be learned"
            )
        return Pair(y[0], image[0])
    if isinstance(likelihood, ChecksMeasurement):
        likelihood.check_measurement(image)
    return Pair(image[0], None)
