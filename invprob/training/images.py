"""Images to learn from, in memory; and cuts of one size, which flows are trained on.

They come from image files (PNG, JPEG, TIFF, FITS; every page of a stack is an image), from folders
of them, and from arrays: a `.npy` file, `(N, H, W)` or `(N, H, W, C)`. They have any number of
channels. Those of 8-bit files are kept in 8 bits, all others in 16 (`storage`). What can't be used
is left out and listed with the reason, not passed over in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import frozen
from torch import Generator, Tensor

from ..channels import Channels
from ..errors import InputError
from ..images import white_of
from ..pixels import FEW, read_stack
from ..units import Unit
from .files import besides, image_files, left_out, nothing_to_learn, too_few, too_small
from .storage import alike, bits, in_unit, levels, of_levels

Size = tuple[int, int]

LUMINANCE = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in gray (ITU-R BT.601)."""


@frozen(eq=False)
class Images:
    """Images of one channel count, none smaller than what is cut from them.

    Attributes:
        images: `(C, H, W)` each, as `storage` keeps them, all with as many bits.
        size: height and width of the cuts.
        skipped: what was left out, and why.
    """

    images: tuple[Tensor, ...]
    size: Size
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.images)

    @property
    def bits(self) -> int:
        """Of the levels that are kept, 8 or 16."""
        return bits(self.images[0])

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a cut, `(C, H, W)`."""
        return (self.images[0].shape[0], *self.size)

    def draw(self, count: int, generator: Generator) -> Tensor:
        """Random cuts of random images, `(count, C, H, W)`, float32 in [0, 1].

        Args:
            count: how many.
            generator: the source of randomness, on the device where the cuts should be.
        """
        where = generator.device
        chosen = torch.randint(len(self), (count,), generator=generator, device=where).tolist()
        places = torch.rand(count, 2, generator=generator, device=where).tolist()
        cuts = [self._cut(self.images[i], at) for i, at in zip(chosen, places, strict=True)]
        return in_unit(torch.stack(cuts).to(where))

    def centres(self, count: int) -> Tensor:
        """The centres of up to `count` images, evenly spaced, `(N, C, H, W)`, in [0, 1]."""
        chosen = self.images[:: max(1, -(-len(self) // count))]
        return in_unit(torch.stack([self._cut(image, (0.5, 0.5)) for image in chosen]))

    def split(self, every: int) -> tuple[Images, Images]:
        """Every so many-th image apart: the others, and those.

        Raises:
            InputError: nothing is left of one of the two.
        """
        apart = self.images[every - 1 :: every] or self.images[-1:]
        chosen = {id(image) for image in apart}
        rest = tuple(image for image in self.images if id(image) not in chosen)
        if not rest:
            raise too_few(len(self), self.skipped)
        return Images(rest, self.size, self.skipped), Images(apart, self.size)

    def _cut(self, image: Tensor, place: Sequence[float]) -> Tensor:
        (height, width), free = (
            self.size,
            [n - m for n, m in zip(image.shape[1:], self.size, strict=True)],
        )
        top, left = (min(int(p * (n + 1)), n) for p, n in zip(place, free, strict=True))
        return image[:, top : top + height, left : left + width]


def load_images(
    paths: Iterable[Path],
    channels: int | None = None,
    size: Size | None = None,
    unit: Unit | None = None,
    held_out: Sequence[Path] = (),
) -> Images:
    """Images from files and folders, searched recursively.

    Args:
        paths: image files, `.npy` files, and folders of these.
        channels: 1 turns colour into gray, others leave out what has not so many; by default what
            all have.
        size: height and width to cut from larger images; smaller ones are left out. By default
            what all have.
        unit: of the files; by default their own.
        held_out: files and folders that are left out.

    Raises:
        InputError: a path does not exist, nothing can be used, or the images differ in channels
            or size and it was not said which to take.
    """
    paths, unit = list(paths), unit or Unit()
    found, skipped = read_images(besides(paths, held_out), channels, unit)
    unit.warn_if_dim("image")
    counts = sorted({image.shape[0] for _, image in found})
    if len(counts) > 1:
        raise InputError(
            f"the images have {', '.join(map(str, counts))} channels: say which to learn,"
            f" --channels 1 (colour as gray) or --channels {counts[-1]} (without the others)"
        )
    sizes = {(image.shape[1], image.shape[2]) for _, image in found}
    if size is None and len(sizes) > 1:
        least, most = min(sizes), max(sizes)
        raise InputError(
            f"the images have {len(sizes)} different sizes, from {least[0]} x {least[1]} to"
            f" {most[0]} x {most[1]}: say what to cut from them, for example --size 32,32"
        )
    size = size or next(iter(sizes), (1, 1))
    large = [image for _, image in found if _holds(image, size)]
    skipped += _too_small(found, size, patch=False)
    if not large:
        raise nothing_to_learn(paths, skipped)
    return Images(tuple(alike(large)), size, tuple(skipped))


def read_images(
    paths: Iterable[Path], channels: int | None = None, unit: Unit | None = None
) -> tuple[list[tuple[Path, Tensor]], list[str]]:
    """All images in files and folders, searched recursively.

    Args:
        paths: image files, `.npy` files, and folders of these.
        channels: leaves out images with others; 1 turns colour into gray. So many pages of a TIFF
            file are one image, where the file calls them channels.
        unit: of the files; by default their own.

    Returns:
        Each image `(C, H, W)`, as `storage` keeps it, with the file that it is from; and what was
        left out, and why.

    Raises:
        InputError: a path does not exist.
    """
    found: list[tuple[Path, Tensor]] = []
    skipped: list[str] = []
    unit = unit or Unit()
    for path in image_files(paths):
        try:
            found += [(path, _convert(image, channels)) for image in _read(path, unit, channels)]
        except InputError as error:
            skipped.append(left_out(path, error))
    return found, skipped


def read_apart(
    paths: Sequence[Path],
    held_out: Sequence[Path],
    channels: int | None,
    least: int,
    every: int,
    unit: Unit | None = None,
) -> tuple[list[Tensor], list[Tensor], list[str]]:
    """Images to learn from, others to judge by, and what was left out, and why.

    Args:
        paths: image files, `.npy` files, and folders of these.
        held_out: the same, to judge by; left out of `paths` if they are there. If it is empty,
            every so many-th image is.
        channels: as in `read_images`.
        least: images smaller than this many pixels on a side are left out.
        every: so many-th.
        unit: of the files; by default their own.

    Raises:
        InputError: a path does not exist, or nothing is left of one of the two.
    """
    size, unit = (least, least), unit or Unit()
    found, skipped = read_images(besides(paths, held_out), channels, unit)
    skipped += _too_small(found, size)
    found = [(path, image) for path, image in found if _holds(image, size)]
    if not found:
        raise nothing_to_learn(paths, skipped)
    if held_out:
        apart, reasons = read_images(held_out, channels, unit)
        if not apart:
            raise nothing_to_learn(held_out, reasons)
        skipped += reasons
    else:
        apart = found[every - 1 :: every] or found[-1:]
        chosen = {id(image) for _, image in apart}
        found = [(path, image) for path, image in found if id(image) not in chosen]
        if not found:
            raise too_few(len(apart), skipped)
    unit.warn_if_dim("image")
    return [image for _, image in found], [image for _, image in apart], skipped


def luminance(colour: Tensor) -> Tensor:
    """`(..., 3, H, W)` to `(..., 1, H, W)`."""
    weights = torch.tensor(LUMINANCE, device=colour.device, dtype=colour.dtype)
    return (colour * weights.view(3, 1, 1)).sum(-3, keepdim=True)


def wanted(channels: int | None) -> Channels:
    """What is read of files, where images of so many channels are asked for, or None said."""
    return None if channels is None else (channels,)


def _read(path: Path, unit: Unit, channels: int | None) -> list[Tensor]:
    if path.suffix.lower() == ".npy":
        return list(_read_array(path, unit))
    pages = read_stack(path, wanted(channels))
    return [_stored(unit.image(pixels, path)[0], pixels.dtype) for pixels in pages]


def _stored(image: Tensor, kind: np.dtype[Any]) -> Tensor:
    """An image in [0, 1] of a file's numbers, in memory; `InputError` for what can't be one."""
    if bad := int((~image.isfinite()).sum()):
        raise InputError(
            f"{bad} of its values are not finite (NaN): fill them in, or leave the file out"
        )
    least, most = float(image.min()), float(image.max())
    if not 0 <= least <= most <= 1:
        raise InputError(
            f"it has values from {least:g} to {most:g}, and images live in [0, 1]: divide them"
            " by the white level",
            typed="--white NUMBER, and --black, for the files' values that mean 1 and 0",
        )
    if kind.itemsize == 1:
        return of_levels(255 * image, torch.uint8)
    return of_levels(65535 * image, torch.int16)


def _read_array(path: Path, unit: Unit) -> Iterable[Tensor]:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"it can't be read as an array: {error}") from error
    if array.dtype.kind not in "buif" or array.ndim not in (3, 4) or 0 in array.shape:
        raise InputError(
            f"it holds {array.dtype} of shape {array.shape}, and not images (N, H, W) or"
            " (N, H, W, C)"
        )
    if array.ndim == 3 and array.shape[2] <= FEW:
        raise InputError(
            f"it holds an array of shape {array.shape}, which is that of images (N, H, W) with"
            f" {array.shape[2]} columns; if it is one image with channels, save array[None]"
        )
    if unit.white is None and white_of(array) is None:
        raise InputError(
            f"it holds {array.dtype} numbers, which have no white level of their own",
            typed="--white NUMBER for the value that means 1",
        )
    images = array[..., None] if array.ndim == 3 else array
    if array.dtype == np.uint8 and unit.white is None:
        return torch.from_numpy(images).movedim(3, 1).contiguous()
    return [_stored(unit.image(image, path)[0], array.dtype) for image in images]


def _convert(image: Tensor, channels: int | None) -> Tensor:
    if channels in (None, image.shape[0]):
        return image
    if channels == 1 and image.shape[0] == 3:
        return of_levels(luminance(levels(image)), image.dtype)
    raise InputError(f"it has C={image.shape[0]}, and C={channels} is asked for")


def _too_small(
    found: Iterable[tuple[Path, Tensor]], size: Size, *, patch: bool = True
) -> list[str]:
    """Which images are smaller, in words, and what would do."""
    small = [(path, image.shape[1:]) for path, image in found if not _holds(image, size)]
    return [left_out(path, too_small(shape, size, patch=patch)) for path, shape in small]


def _holds(image: Tensor, size: Size) -> bool:
    return image.shape[1] >= size[0] and image.shape[2] >= size[1]
