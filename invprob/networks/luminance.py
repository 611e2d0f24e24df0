r"""The luminance of a photograph in colour is a photograph in gray, with less noise.

The mean over its three channels, L, makes of an image with white noise of sigma a gray one with
white noise of sigma / sqrt(3). Most of what is hard to tell from noise is in it: half to nine
tenths of the squared error of a denoised photograph. A network that has learned gray images alone
knows more about it than one of the same size that has to learn colours, too. So the luminance of
the answer is, for the most part, that of a gray denoiser G:

    D'(y, sigma) = D(y, sigma) + s (G(L y, sigma / sqrt(3)) - L D(y, sigma)),

the same difference for all channels, and one share s for all noise levels and places: that of
least error is 0.80 to 0.88 from noise of 0.06 to that of 0.4 on photographs of BSDS500, and less
in noise of 1 (`benchmarks/luminance.py` finds it for others).

The colour network's own luminance keeps the rest of the share: it sees in colours where an object
ends, and what two networks get wrong is not the same.
"""

from __future__ import annotations

from torch import Tensor

COLOUR = 3
"""The channels of an image that has a luminance."""

SHARE = 0.8
"""s above."""

QUIETER = COLOUR**-0.5
"""The noise of the luminance, in that of the channels."""


def luminance(x: Tensor) -> Tensor:
    """The mean over channels, `(B, 1, H, W)`.

    >>> import torch
    >>> luminance(torch.tensor([0.1, 0.2, 0.6]).view(1, 3, 1, 1))
    tensor([[[[0.3000]]]])
    """
    return x.mean(1, keepdim=True)


def with_luminance(out: Tensor, gray: Tensor) -> Tensor:
    """An answer `(B, 3, H, W)`, told of its luminance by `(B, 1, H, W)`: D' above."""
    return out + SHARE * (gray - luminance(out))
