r"""A critic: whether an image looks as if it were the one behind a measurement.

    C(x, y),        a number for each pair.

It sees y as well as x. A critic of x alone would be content with any real image; this one asks
whether x may be behind this y. Differences of C bound a Wasserstein distance where its slope is at
most 1, which training sees to (`training.adversarial`). It is of no use afterwards and not kept.

Convolutions and their strides take pixels, folded 2 x 2, to the coarsest scale; the number is the
mean over its pixels. There is no normalisation over the batch: a slope belongs to one pair.

Reference: Mirza, Osindero, Conditional generative adversarial nets, 2014,
https://arxiv.org/abs/1411.1784.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .generator import GREY, Architecture
from .padding import pad_to_multiple


class Critic(nn.Module):
    """Pairs of image and measurement to a number each.

    Weights are drawn from torch's global generator, as those of any module.

    Args:
        architecture: of the generator that it judges; its widths and depth are the critic's.

    Example:
        >>> critic = Critic(Architecture(1, (8, 8)))
        >>> critic(torch.zeros(2, 1, 7, 9), torch.zeros(2, 1, 7, 9)).shape
        torch.Size([2])
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.multiple = architecture.multiple
        widths, layers = architecture.widths, []
        before = 2 * 4 * architecture.channels
        for depth, width in enumerate(widths):
            first = nn.Conv2d(before, width, 2, stride=2) if depth else _convolution(before, width)
            layers += [first, *(_convolution(width, width) for _ in range(architecture.blocks))]
            before = width
        self.layers = nn.ModuleList(layers)
        self.last = nn.Linear(before, 1, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """C(x, y), `(B,)`, for images and measurements `(B, C, H, W)`."""
        padded = pad_to_multiple(torch.cat([x, y], 1), self.multiple)
        hidden = functional.pixel_unshuffle(padded - GREY, 2)
        for layer in self.layers:
            hidden = functional.leaky_relu(layer(hidden), 0.2)
        judged: Tensor = self.last(hidden.mean((2, 3)))[:, 0]
        return judged


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
