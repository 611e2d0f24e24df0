"""The denoiser that comes with the package, on any device, in the precision that is fast there.

Convolutions in bfloat16 run about twice as fast as in float32 on processors with the
instructions for them (AVX512-BF16, AMX) and on graphics cards since Ampere. Bfloat16 rounds to 8
significant bits. The network sees the image with its noise, so at a noise level near 2^-9 of the
image's range rounding would drown what it should remove: below `FAST_FROM` it runs in float32.
Everything outside the network (see `networks.denoiser`) is always done in float32 or better.

Networks are read once per process, device and precision, on first use, and never trained: their
weights are frozen, while gradients with respect to the image pass through.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, get_args

import torch
from attrs import field, frozen
from torch import Tensor

from ..errors import InputError
from .denoiser import Denoiser
from .weights_file import fill, read_weights

Precision = Literal["auto", "float32", "bfloat16"]

WEIGHTS = Path(__file__).parent / "weights" / "denoiser.safetensors"
SHA256 = "1ddf1d812a8038135bd14a1d56f08bfe44513502ddb7e06d8e9ffc23bb189da6"
"""Of `WEIGHTS`; the training script prints it with every file that it writes."""

FAST_FROM = 0.02
"""The least noise level at which `precision="auto"` uses bfloat16."""

PIXELS_AT_ONCE = 2**19
"""Batches are cut so that one call of the network sees at most this many pixels (or one image)."""


def load_denoiser(path: Path, sha256: str | None = None) -> Denoiser:
    """A network with the weights of a file, frozen, on the processor, in float32.

    Args:
        path: a file that `python -m invprob.training.denoiser` wrote.
        sha256: what the file's digest has to be; None accepts any.

    Raises:
        WeightsError: the file is missing, damaged, or was made for another network.
    """
    tensors = read_weights(path, sha256)
    with torch.device("meta"):  # no random numbers are drawn for weights that are replaced
        network = Denoiser()
    fill(network.to_empty(device="cpu"), tensors, path)
    return network.eval().requires_grad_(False)


def _known(instance: object, attribute: object, value: str) -> None:
    known = get_args(Precision)
    if value not in known:
        raise InputError(f"precision={value!r} is unknown; give {', '.join(map(repr, known))}")


@frozen
class PretrainedDenoiser:
    """The embedded network as a function; it holds no tensors, so it is cheap to copy and pickle.

    Args:
        precision: `"auto"` takes bfloat16 where that is fast and sigma is not below `FAST_FROM`,
            float32 elsewhere; the other two always the same.
        sha256: which weights.

    Raises:
        InputError: precision is none of the three.
        WeightsError: in use: the embedded file is missing or damaged.

    >>> denoise = PretrainedDenoiser()
    >>> denoise(torch.full((1, 1, 16, 16), 0.5), torch.tensor(0.1)).shape
    torch.Size([1, 1, 16, 16])
    """

    precision: Precision = field(default="auto", validator=_known)
    sha256: str = field(default=SHA256, repr=False)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Denoised images.

        Args:
            x: noisy images `(B, C, H, W)`, C being 1 or 3, floating point.
            sigma: noise level, `()` or `(B,)`.

        Returns:
            `(B, C, H, W)` in x's precision.
        """
        wide = x if x.dtype == torch.float64 else x.float()
        level = sigma.to(wide).expand(x.shape[0])
        fast = self._fast(level)
        if bool(fast.all()) or not bool(fast.any()):
            return self._in_chunks(wide, level, bool(fast.all())).to(x.dtype)
        parts = [
            self._in_chunks(wide[fast], level[fast], True),
            self._in_chunks(wide[~fast], level[~fast], False),
        ]
        back = torch.cat([fast.nonzero(), (~fast).nonzero()])[:, 0].argsort()
        return torch.cat(parts)[back].to(x.dtype)

    def _fast(self, level: Tensor) -> Tensor:
        """Which rows are done in bfloat16, `(B,)`."""
        if self.precision == "auto":
            return (level >= FAST_FROM) & bfloat16_is_fast(level.device)
        return torch.full_like(level, self.precision == "bfloat16", dtype=torch.bool)

    def _in_chunks(self, x: Tensor, level: Tensor, fast: bool) -> Tensor:
        network = _network(x.device, torch.bfloat16 if fast else torch.float32, self.sha256)
        rows = max(1, PIXELS_AT_ONCE // max(1, x.shape[-2] * x.shape[-1]))
        if x.shape[0] <= rows:
            out: Tensor = network(x, level)
            return out
        chunks = zip(torch.split(x, rows), torch.split(level, rows), strict=True)
        return torch.cat([network(some, levels) for some, levels in chunks])


@cache
def bfloat16_is_fast(device: torch.device) -> bool:
    """Whether convolutions in bfloat16 are much faster than in float32 on a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type != "cpu":
        return False
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name, bool)()) for name in names)


@cache
def _network(device: torch.device, precision: torch.dtype, sha256: str) -> Denoiser:
    return load_denoiser(WEIGHTS, sha256).to(device, precision)
