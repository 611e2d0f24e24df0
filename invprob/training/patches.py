"""Training patches: photos in memory at a few scales, cut, turned and flipped at random.

Photos are kept as 8-bit integers. Each is stored at several scales, shrunk with an antialiasing
filter: detail at all scales makes a natural-image prior, and shrinking removes what a camera or a
JPEG file left behind. Gray batches take the luminance 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from attrs import frozen
from torch import Generator, Tensor
from torch.nn import functional

from ..errors import InputError
from ..images import read_image

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
SCALES = (1.0, 0.8, 0.65, 0.5)
LUMINANCE = (0.299, 0.587, 0.114)


@frozen(eq=False)
class Photos:
    """Photos at several scales, 8-bit.

    Attributes:
        colour: for each colour photo, its scales, `(3, H, W)` each.
        gray: the same for gray photos, `(1, H, W)` each.
    """

    colour: tuple[tuple[Tensor, ...], ...]
    gray: tuple[tuple[Tensor, ...], ...]

    def patches(self, count: int, size: int, channels: int, generator: Generator) -> Tensor:
        """Random patches, in [0, 1].

        Args:
            count: how many.
            size: side length in pixels.
            channels: 3 for colour photos only; 1 for gray photos and the luminance of the others.
            generator: the source of randomness.

        Returns:
            `(count, channels, size, size)`, float32.
        """
        pool = self.colour if channels == 3 else self.colour + self.gray
        cuts = []
        for _ in range(count):
            scales = pool[_integer(len(pool), generator)]
            photo = scales[_integer(len(scales), generator)]
            top = _integer(photo.shape[1] - size + 1, generator)
            left = _integer(photo.shape[2] - size + 1, generator)
            cut = photo[:, top : top + size, left : left + size].float() / 255
            if cut.shape[0] == 3 and channels == 1:
                cut = luminance(cut)
            turns = _integer(8, generator)
            cut = torch.rot90(cut, turns % 4, (1, 2))
            cuts.append(cut.flip(2) if turns >= 4 else cut)
        return torch.stack(cuts)


def load_photos(
    folders: Iterable[Path], least: int, held_out: Sequence[str] = ()
) -> tuple[Photos, dict[str, Tensor]]:
    """All photos below some folders.

    Args:
        folders: searched recursively for PNG, JPEG and TIFF files.
        least: scales that are smaller than this many pixels on a side are left out.
        held_out: file names that are kept apart.

    Returns:
        The photos, and the held-out ones by file name, `(C, H, W)` in [0, 1].

    Raises:
        InputError: nothing was found, or a held-out file is missing.
    """
    colour: list[tuple[Tensor, ...]] = []
    gray: list[tuple[Tensor, ...]] = []
    apart: dict[str, Tensor] = {}
    folders = list(folders)
    paths = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    for path in sorted(paths):
        if path.suffix.lower() not in SUFFIXES:
            continue
        photo = read_photo(path)
        if path.name in held_out:
            apart[path.name] = photo.float() / 255
            continue
        scales = tuple(s for s in _scales(photo) if min(s.shape[1:]) >= least)
        if scales:
            (colour if photo.shape[0] == 3 else gray).append(scales)
    missing = sorted(set(held_out) - set(apart))
    if missing or not colour:
        raise InputError(
            f"Found {len(colour)} colour and {len(gray)} gray photos in"
            f" {[str(folder) for folder in folders]}, and not the held-out {missing}: training"
            " wants colour photos, and validation the held-out files. Check --images and"
            " --held-out."
        )
    return Photos(tuple(colour), tuple(gray)), apart


def luminance(colour: Tensor) -> Tensor:
    """`(..., 3, H, W)` to `(..., 1, H, W)`."""
    weights = torch.tensor(LUMINANCE, device=colour.device, dtype=colour.dtype)
    return (colour * weights.view(3, 1, 1)).sum(-3, keepdim=True)


def _integer(end: int, generator: Generator) -> int:
    return int(torch.randint(end, (), generator=generator))


def read_photo(path: Path) -> Tensor:
    """An image file as 8-bit `(C, H, W)`; `InputError` for what can't be an image in [0, 1]."""
    image = read_image(path)[0]
    least, most = float(image.min()), float(image.max())
    if not 0 <= least <= most <= 1:
        raise InputError(
            f"{path} has values from {least:g} to {most:g}, and images live in [0, 1]: divide them"
            " by the white level"
        )
    return (255 * image).round().to(torch.uint8)


def _scales(photo: Tensor) -> Iterable[Tensor]:
    for scale in SCALES:
        if scale == 1:
            yield photo
            continue
        small = functional.interpolate(
            photo[None].float(), scale_factor=scale, mode="bicubic", antialias=True
        )
        yield small[0].round().clamp(0, 255).to(torch.uint8)
