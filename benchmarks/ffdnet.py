"""FFDNet as a prior: the yardstick of other denoisers, for benchmarks; its weights do not ship.

A chain of 3x3 convolutions on the image in quarter resolution, next to a map of the noise level.

Reference: K. Zhang, W. Zuo, L. Zhang (2018). FFDNet: Toward a Fast and Flexible Solution for
CNN-based Image Denoising. IEEE TIP 27(9). https://arxiv.org/abs/1710.04026
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import conv2d, pad, pixel_shuffle, pixel_unshuffle, relu

import invprob as ip

REFERENCE = Path(__file__).parents[1] / ".." / "shared" / "data" / "reference"


class FFDNet:
    """The published network; `file` holds `conv0.weight`, `conv0.bias`, ..."""

    def __init__(self, file: Path) -> None:
        self.file = file
        tensors = load_file(file)
        self.layers = [
            (tensors[f"conv{i}.weight"], tensors[f"conv{i}.bias"])
            for i in range(len(tensors) // 2)
        ]

    def __repr__(self) -> str:
        """Its name."""
        return f"FFDNet({self.file.stem})"

    @classmethod
    def published(cls, channels: int) -> FFDNet | None:
        """For gray or colour; None where the weights are not at hand."""
        file = REFERENCE / f"ffdnet_{'gray' if channels == 1 else 'color'}.safetensors"
        return cls(file) if file.exists() else None

    def domain(self) -> ip.Domain:
        """Noise up to 75 of 255, in one or three channels."""
        channels = self.layers[-1][0].shape[0] // 4
        return ip.Domain(channels=(channels,), sigma=(0.0, 75 / 255))

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """E[x₀ | x], `(B, C, H, W)`, as far as the network knows it."""
        height, width = x.shape[-2:]
        even = pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        small = pixel_unshuffle(even, 2)
        level = torch.as_tensor(sigma).to(x).reshape(-1, 1, 1, 1)
        h = torch.cat((small, level.expand(len(x), 1, *small.shape[-2:])), 1)
        for i, (weight, bias) in enumerate(self.layers):
            h = conv2d(h, weight.to(x), bias.to(x), padding=1)
            h = relu(h) if i + 1 < len(self.layers) else h
        return pixel_shuffle(h, 2)[..., :height, :width]
