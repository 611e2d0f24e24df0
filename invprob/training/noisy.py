r"""Noisy images to learn a score from: read or made once, brought to even coordinates, in memory.

A folder holds noisy images, or clean ones to simulate with: then each gets its noise once, from a
generator of its own, and that one noisy version is all that training ever sees of it. A training
step that drew new noise on the same image would see the clean image in all but name.

Images are kept in the coordinates in which their noise is even (`networks.coordinates`), in half
precision, whose rounding is a hundredth of any perturbation, one after the other in one tensor.
All pixels of a batch of patches are fetched by one index, turned and flipped by the same index, so
that a graphics card is not kept waiting.

Turning and flipping assumes that a turned noisy image is one as well: true of noise that is white
in even coordinates, and of filters that are symmetric.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from attrs import frozen
from torch import Generator, Tensor

from ..contracts import ChecksMeasurement
from ..errors import InputError
from ..images import read_image
from ..networks.coordinates import Coordinates
from ..streams import generator
from .images import image_files
from .patches import SUFFIXES, luminance

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
        pixels: all images, one after the other, half precision.
        corners: where each image begins, `(N,)`.
        sizes: height and width of each, `(N, 2)`.
        channels: of every image.
    """

    pixels: Tensor
    corners: Tensor
    sizes: Tensor
    channels: int

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.corners)

    @classmethod
    def of(cls, pairs: Iterable[Pair], z: Coordinates, device: torch.device) -> NoisyImages:
        """The noisy images of pairs, of which there is at least one, on a device."""
        images = [z.forward(pair.y[None])[0].half() for pair in pairs]
        lengths = torch.tensor([0, *(image.numel() for image in images[:-1])])
        return cls(
            torch.cat([image.reshape(-1) for image in images]).to(device),
            lengths.cumsum(0),
            torch.tensor([image.shape[1:] for image in images]),
            images[0].shape[0],
        )

    def draw(self, count: int, size: int, generator: Generator) -> Tensor:
        """Random patches, turned and flipped, `(count, C, size, size)`, float32.

        Every patch of every image is as likely.
        """
        free = self.sizes - size + 1
        chosen = torch.multinomial(free.prod(1).double(), count, True, generator=generator)
        corner = (torch.rand(count, 2, generator=generator) * free[chosen]).long()
        turn = torch.randint(2, (3, count), generator=generator).bool()
        where = self.pixels.device
        start, height, width, top, left = (
            part.to(where)[:, None]
            for part in (self.corners[chosen], *self.sizes[chosen].unbind(1), *corner.unbind(1))
        )
        along = torch.arange(size, device=where)
        down, across = (torch.where(t.to(where)[:, None], along.flip(0), along) for t in turn[:2])
        rows, columns = (top + down) * width, left + across
        plane = torch.where(
            turn[2].to(where).view(-1, 1, 1),
            rows[:, None, :] + columns[:, :, None],
            rows[:, :, None] + columns[:, None, :],
        )
        planes = start + torch.arange(self.channels, device=where) * height * width
        return self.pixels[planes[:, :, None, None] + plane[:, None]].float()


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
            raise InputError(
                f"{len(self.pairs)} image is too few: one is held out to see how well the others"
                " were learned"
            )
        return rest, tuple(self.pairs[i] for i in sorted(chosen))


def load_noisy(
    paths: Iterable[Path],
    likelihood: Any,
    least: int,
    channels: int | None = None,
    simulate: int | None = None,
) -> Folder:
    """Noisy images from files and folders, searched recursively.

    Args:
        paths: image files, and folders of these; a floating-point TIFF keeps values outside of
            [0, 1], which other formats clip.
        likelihood: how they arose.
        least: smaller images than this many pixels on a side are left out.
        channels: 1 turns clean colour into gray (noisy colour is left out), 3 leaves gray images
            out; by default what all have.
        simulate: the images are clean, and get their noise here, from this seed.

    Raises:
        InputError: a path does not exist, nothing can be used, or the images differ in channels
            and it was not said which to take.
    """
    paths, found, skipped = list(paths), [], []
    for number, path in enumerate(image_files(paths, SUFFIXES)):
        try:
            found.append(_pair(path, number, likelihood, least, channels, simulate))
        except InputError as error:
            skipped.append(f"{path}: {error}")
    if not found:
        reasons = "; ".join(skipped[:3]) or f"no file ends in {', '.join(SUFFIXES)}"
        raise InputError(
            f"no image to learn from in {', '.join(map(str, paths)) or 'nothing'}: {reasons}"
        )
    if len({pair.y.shape[0] for pair in found}) > 1:
        raise InputError(
            "the images are gray and colour: say which to learn, --channels 1 or --channels 3"
        )
    clipped = sum(float((pair.y == 1).double().mean()) > CLIPPED for pair in found)
    if simulate is None and clipped:
        warnings.warn(
            f"{clipped} of {len(found)} images have more than {CLIPPED:.0%} of their pixels at"
            " exactly 1: clipped noise is not the noise that is assumed, and the score will be"
            " wrong there; keep measurements in floating-point TIFF files",
            stacklevel=2,
        )
    return Folder(tuple(found), tuple(skipped))


def _pair(
    path: Path,
    number: int,
    likelihood: Any,
    least: int,
    channels: int | None,
    simulate: int | None,
) -> Pair:
    image = read_image(path)
    if simulate is not None and channels == 1 and image.shape[1] == 3:
        image = luminance(image)
    if channels not in (None, image.shape[1]):
        raise InputError(f"it has {image.shape[1]} channels, and {channels} are asked for")
    if min(image.shape[2:]) < least:
        raise InputError(f"smaller than {least} x {least}")
    if not bool(image.isfinite().all()):
        raise InputError("it has values that are not finite")
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
