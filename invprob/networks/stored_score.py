r"""Scores of noisy images in files: each weight file says what network and what noise it is for.

As a `StoredGlow`, a `StoredScore` holds no tensors, only where they are and their SHA-256. The
network is read once per process, device and precision, on first use; its weights are frozen.
Measurements in float64 are answered in float64.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import Domain
from .score import Architecture, ScoreNetwork
from .tiles import Tile, is_tile
from .weights_file import NetworkFile

PIXELS_AT_ONCE = 2**21
"""Batches are cut so that the network sees at most this many pixels at once (or one image)."""


FILE = NetworkFile("score", "score of noisy images", "score", ScoreNetwork, Architecture.from_json)
write_score, load_score, read_score_architecture = FILE.write, FILE.load, FILE.architecture


@frozen
class StoredScore:
    """The score in a file, as a function; cheap to copy and to pickle.

    Args:
        path: a file that `invprob train score` wrote.
        sha256: which version of that file; None accepts any.
        tile: images of more than tile x tile pixels are done in tiles of that side, which bounds
            memory; `"auto"` is 1024, and None never cuts an image. The result is the same up to
            rounding.

    Raises:
        InputError: tile is something else; in use: tile is too small for the network.
        WeightsError: in use: the file is missing, damaged, another one than expected, or no score.
    """

    path: Path
    sha256: str | None = field(default=None, repr=False)
    tile: Tile = field(default="auto", validator=is_tile)

    def __call__(self, y: Tensor) -> Tensor:
        """∇ log p(y) of `(B, C, H, W)`, in y's precision."""
        wide = y if y.dtype == torch.float64 else y.float()
        network = _network(self.path, self.sha256, y.device, wide.dtype)
        rows = max(1, PIXELS_AT_ONCE // max(1, y.shape[1:].numel()))
        parts = torch.split(wide, rows)
        return torch.cat([network(part, self.tile) for part in parts]).to(y.dtype)

    def noise(self) -> str:
        """The noise that it was learned from, in words; none if the file does not say."""
        cpu = torch.device("cpu")
        return _network(self.path, self.sha256, cpu, torch.float32).architecture.noise

    def domain(self) -> Domain:
        """Images with the network's number of channels."""
        return _network(self.path, self.sha256, torch.device("cpu"), torch.float32).domain()


@cache
def _network(
    path: Path, sha256: str | None, device: torch.device, precision: torch.dtype
) -> ScoreNetwork:
    with torch.inference_mode(False):  # for calls outside of it, too
        return load_score(path, sha256).to(device, precision)
