"""Glows in files: each weight file carries its architecture, so a path is all that it takes.

A `StoredGlow` holds no tensors, only where they are and their SHA-256. The network is read once
per process, device and precision, on first use, and its weights are frozen, while gradients with
respect to the image pass through. Images in float64 are encoded in float64.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import Domain
from .glow import Architecture, Glow
from .weights_file import EMBEDDED, NetworkFile

DIGITS = EMBEDDED / "digits_flow.safetensors"
"""The embedded flow: handwritten digits, 28 x 28 (`weights/DIGITS.md`)."""

DIGITS_SHA256 = "4962d14e529d4438db9a7df2b7de915ef5f8e66078f443ed06c3dd4c40db8b85"
"""Of `DIGITS`."""


FILE = NetworkFile("glow", "Glow", "flow", Glow, Architecture.from_json)
write_glow, load_glow = FILE.write, FILE.load


@frozen
class StoredGlow:
    """The Glow in a file, as an invertible function; cheap to copy and to pickle.

    Args:
        path: a file that `invprob train flow` wrote.
        sha256: which version of that file; None accepts any.

    Raises:
        WeightsError: in use: the file is missing, damaged, another one than expected, or no Glow.
    """

    path: Path
    sha256: str | None = field(default=None, repr=False)

    def encode(self, x: Tensor, /) -> tuple[Tensor, Tensor]:
        """Z and log |det ∂z/∂x| `(B,)`, as `Glow.encode`."""
        return self._network(x).encode(x)

    def decode(self, z: Tensor, /) -> Tensor:
        """The images of latents, as `Glow.decode`."""
        return self._network(z).decode(z)

    def domain(self) -> Domain:
        """The images that it takes: those of one shape."""
        return _network(self.path, self.sha256, torch.device("cpu"), torch.float32).domain()

    def _network(self, x: Tensor) -> Glow:
        precision = torch.float64 if x.dtype == torch.float64 else torch.float32
        return _network(self.path, self.sha256, x.device, precision)


@cache
def _network(path: Path, sha256: str | None, device: torch.device, precision: torch.dtype) -> Glow:
    with torch.inference_mode(False):  # for calls outside of it, too
        return load_glow(path, sha256).to(device, precision)
