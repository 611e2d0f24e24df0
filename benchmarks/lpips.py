"""LPIPS, how different two images look to a network: for benchmarks; its weights do not ship.

    d(x, x') = sum over layers l of mean over pixels of sum_c w_lc (f_lc(x) - f_lc(x'))²

where f_l are AlexNet's activations after each of its five rectifiers, of unit length along
channels, and w >= 0 were fitted to what people said (version 0.1). Equal images
have distance 0.

AlexNet shrinks an image by 16 before its last layers, so smaller ones than 64 x 64 are enlarged
to that first, which the published figures are not.

Reference: R. Zhang, P. Isola, A. Efros, E. Shechtman, O. Wang (2018). The Unreasonable
Effectiveness of Deep Features as a Perceptual Metric. CVPR. https://arxiv.org/abs/1801.03924
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, max_pool2d, relu

REFERENCE = Path(__file__).parents[1] / ".." / "shared" / "data" / "reference" / "lpips"
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of the network's input, for images in [-1, 1]."""

LAYERS = {0: (4, 2), 3: (1, 2), 6: (1, 1), 8: (1, 1), 10: (1, 1)}
"""Stride and padding of each convolution, by its number in the file."""

POOLED = (3, 6)
"""Convolutions with a maximum over 3 x 3 pixels, stride 2, before them."""

LEAST = 64


class LPIPS:
    """The published network; `folder` holds AlexNet's features and the weights w."""

    def __init__(self, folder: Path) -> None:
        self.features = load_file(folder / "alexnet_features.safetensors")
        heads = load_file(folder / "lin_alex_v0.1.safetensors")
        self.heads = [heads[f"lin{i}.model.1.weight"] for i in range(len(LAYERS))]

    @classmethod
    def published(cls, folder: Path = REFERENCE) -> LPIPS | None:
        """None where the weights are not at hand."""
        return cls(folder) if folder.is_dir() else None

    @torch.no_grad()
    def __call__(self, x: Tensor, reference: Tensor) -> Tensor:
        """The distances `(B,)` of images `(B, 1 or 3, H, W)`, clipped to [0, 1]."""
        pairs = zip(self._activations(x), self._activations(reference), self.heads, strict=True)
        terms = [conv2d((f - g).square(), head).mean((1, 2, 3)) for f, g, head in pairs]
        return torch.stack(terms).sum(0)

    def _activations(self, x: Tensor) -> list[Tensor]:
        x = x.float().clamp(0, 1).expand(-1, 3, -1, -1)
        if min(x.shape[-2:]) < LEAST:
            factor = LEAST / min(x.shape[-2:])
            x = interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
        h = (2 * x - 1 - x.new_tensor(SHIFT).view(3, 1, 1)) / x.new_tensor(SCALE).view(3, 1, 1)
        found = []
        for number, (stride, padding) in LAYERS.items():
            h = max_pool2d(h, 3, 2) if number in POOLED else h
            weight, bias = (self.features[f"features.{number}.{n}"] for n in ("weight", "bias"))
            h = relu(conv2d(h, weight, bias, stride, padding))
            found.append(h / (h.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found
