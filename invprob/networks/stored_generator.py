r"""Posterior generators in files: each says what network and what likelihood it is for.

As a `StoredScore`, a `StoredGenerator` holds no tensors, only where they are and their SHA-256.
The network is read once per process and device, on first use; its weights are frozen. It computes
in float32. The critic it learned with is not kept.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from attrs import field, frozen
from torch import Generator, Tensor

from ..contracts import Domain
from .generator import Architecture, PosteriorGenerator
from .weights_file import NetworkFile

FILE = NetworkFile(
    "posterior generator",
    "posterior generator",
    "sampler",
    PosteriorGenerator,
    Architecture.from_json,
)
write_generator, load_generator = FILE.write, FILE.load


@frozen
class StoredGenerator:
    """The generator in a file, as a function; cheap to copy and to pickle.

    Args:
        path: a file that `invprob train sampler` wrote.
        sha256: which version of that file; None accepts any.

    Raises:
        WeightsError: in use: the file is missing, damaged, another one than expected, or no
            generator.
    """

    path: Path
    sha256: str | None = field(default=None, repr=False)

    def __call__(self, y: Tensor, temperature: float, generator: Generator) -> Tensor:
        """One image for each measurement `(B, C, H, W)`, in y's precision."""
        drawn: Tensor = _network(self.path, self.sha256, y.device)(y, temperature, generator)
        return drawn

    @property
    def architecture(self) -> Architecture:
        """What the network looks like, and what it was trained for."""
        return _network(self.path, self.sha256, torch.device("cpu")).architecture

    def domain(self) -> Domain:
        """Images with the network's number of channels."""
        return _network(self.path, self.sha256, torch.device("cpu")).domain()


@cache
def _network(path: Path, sha256: str | None, device: torch.device) -> PosteriorGenerator:
    with torch.inference_mode(False):  # for calls outside of it, too
        return load_generator(path, sha256).to(device)
