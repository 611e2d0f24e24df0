"""Images to train a flow on: 8-bit, in memory, cut to one size.

They come from image files (PNG, JPEG, TIFF), from folders of them, and from arrays: a `.npy` file
of 8-bit numbers, `(N, H, W)` or `(N, H, W, 3)`. What can't be used is left out and listed with the
reason, not passed over in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from attrs import frozen
from torch import Generator, Tensor

from ..errors import InputError
from .patches import SUFFIXES, luminance, read_photo

Size = tuple[int, int]


@frozen(eq=False)
class Images:
    """Images of one channel count, none smaller than what is cut from them.

    Attributes:
        images: `(C, H, W)` each, 8-bit.
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
    def shape(self) -> tuple[int, int, int]:
        """The shape of a cut, `(C, H, W)`."""
        return (self.images[0].shape[0], *self.size)

    def draw(self, count: int, generator: Generator) -> Tensor:
        """Random cuts of random images, `(count, C, H, W)`, float32 in [0, 1]."""
        chosen = torch.randint(len(self), (count,), generator=generator)
        places = torch.rand(count, 2, generator=generator).tolist()
        cuts = [self._cut(self.images[i], at) for i, at in zip(chosen, places, strict=True)]
        return torch.stack(cuts).float() / 255

    def centres(self, count: int) -> Tensor:
        """The centres of up to `count` images, evenly spaced, `(N, C, H, W)`, in [0, 1]."""
        chosen = self.images[:: max(1, -(-len(self) // count))]
        return torch.stack([self._cut(image, (0.5, 0.5)) for image in chosen]).float() / 255

    def split(self, every: int) -> tuple[Images, Images]:
        """Every so many-th image apart: the others, and those.

        Raises:
            InputError: nothing is left of one of the two.
        """
        apart = self.images[every - 1 :: every] or self.images[-1:]
        chosen = {id(image) for image in apart}
        rest = tuple(image for image in self.images if id(image) not in chosen)
        if not rest:
            raise InputError(
                f"{len(self)} images are too few: one at least is held out to see how well the"
                " others were learned"
            )
        return Images(rest, self.size, self.skipped), Images(apart, self.size)

    def _cut(self, image: Tensor, place: Sequence[float]) -> Tensor:
        (height, width), free = (
            self.size,
            [n - m for n, m in zip(image.shape[1:], self.size, strict=True)],
        )
        top, left = (min(int(p * (n + 1)), n) for p, n in zip(place, free, strict=True))
        return image[:, top : top + height, left : left + width]


def load_images(
    paths: Iterable[Path], channels: int | None = None, size: Size | None = None
) -> Images:
    """Images from files and folders, searched recursively.

    Args:
        paths: image files, `.npy` files, and folders of these.
        channels: 1 turns colour into gray, 3 leaves gray images out; by default what all have.
        size: height and width to cut from larger images; smaller ones are left out. By default
            what all have.

    Raises:
        InputError: a path does not exist, nothing can be used, or the images differ in channels
            or size and it was not said which to take.
    """
    paths, found, skipped = list(paths), [], []
    for path in image_files(paths, (*SUFFIXES, ".npy")):
        try:
            found += [(path, image) for image in _convert(_read(path), channels)]
        except InputError as error:
            skipped.append(f"{path}: {error}")
    counts = sorted({image.shape[0] for _, image in found})
    if len(counts) > 1:
        raise InputError(
            "the images are gray and colour: say which to learn, --channels 1 (all as gray) or"
            " --channels 3 (without the gray ones)"
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
    small = [
        f"{path}: smaller than {size[0]} x {size[1]}" for path, i in found if not _holds(i, size)
    ]
    skipped += small
    if not large:
        reasons = "; ".join(skipped[:3]) or f"no file ends in {', '.join(SUFFIXES)} or .npy"
        raise InputError(
            f"no image to learn from in {', '.join(map(str, paths)) or 'nothing'}: {reasons}"
        )
    return Images(tuple(large), size, tuple(skipped))


def image_files(paths: Iterable[Path], suffixes: Sequence[str]) -> Iterator[Path]:
    """Files that were named, and in folders those with one of the suffixes, sorted.

    Raises:
        InputError: a path does not exist.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"there is no file or folder {path}; the current one is {Path.cwd()}")
        if not path.is_dir():
            yield path
            continue
        inside = (file for file in path.rglob("*") if file.is_file())
        yield from sorted(f for f in inside if f.suffix.lower() in suffixes)


def _read(path: Path) -> list[Tensor]:
    if path.suffix.lower() == ".npy":
        return list(_read_array(path))
    return [read_photo(path)]


def _read_array(path: Path) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"it can't be read as an array: {error}") from error
    if (
        array.dtype != np.uint8
        or array.ndim not in (3, 4)
        or array.ndim == 4
        and array.shape[3] not in (1, 3)
    ):
        raise InputError(
            f"it holds {array.dtype} of shape {array.shape}, and not 8-bit images (N, H, W) or"
            " (N, H, W, 3)"
        )
    images = torch.from_numpy(array)
    return images[:, None] if images.ndim == 3 else images.movedim(3, 1).contiguous()


def _convert(images: list[Tensor], channels: int | None) -> list[Tensor]:
    if not images or channels in (None, images[0].shape[0]):
        return images
    if channels == 1:
        return [luminance(image.float()).round().to(torch.uint8) for image in images]
    raise InputError(f"{images[0].shape[0]} channel, and images with {channels} are asked for")


def _holds(image: Tensor, size: Size) -> bool:
    return image.shape[1] >= size[0] and image.shape[2] >= size[1]
