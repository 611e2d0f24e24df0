"""Centre crops of photographs, as several benchmarks take them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

import invprob as ip

KODAK = Path(__file__).parents[1] / ".." / "shared" / "data" / "test" / "kodak24"


def centre(photo: Tensor, size: int) -> Tensor:
    """The middle `size x size` pixels of `(1, C, H, W)`."""
    top, left = ((n - size) // 2 for n in photo.shape[-2:])
    return photo[..., top : top + size, left : left + size]


def centres(folder: Path, count: int, size: int) -> Tensor | None:
    """Those of so many of a folder's photographs, evenly chosen; None if it has none."""
    files = sorted(file for file in folder.glob("*") if file.suffix in (".png", ".jpg"))
    files = files[:: max(1, len(files) // count)][:count]
    return torch.cat([centre(ip.read_image(file), size) for file in files]) if files else None
