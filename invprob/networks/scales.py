r"""A photograph at half its size is a photograph, with half the noise.

The mean of 2x2 pixels, A, makes of an image with white noise of sigma one of half the width and
height with white noise of sigma / 2. A denoiser D of photographs knows that as well, and sees
twice as far there. What its answer says of coarse structure, and that at full size does not, is

    e = D'(A y, sigma / 2) - A D(y, sigma),

and it is added to the answer, doubled by bilinear interpolation U:

    D'(y, sigma) = D(y, sigma) + a U (e - U A e) + b U U A e.

The first share, a, is that of the finest structure in e, and b of all that is coarser. D' is on
both sides: the half is made of its own half, and so on, down to a noise level or a size at which
nothing is gained.

What the shares should be depends on the place. Where D's answer is even, what is left in it is
noise, of the wavelengths that are hard to see through a small window, and the half is believed
nearly as it is. Where there is texture, it has lost details that D has found, and little is
believed. Even is what varies from pixel to pixel by little in comparison with the noise that was
taken away. Shares of least squares, on the training photographs, are much the same then from noise
of 0.06 to that of 0.24, in colour and in gray, so there are four numbers (`benchmarks/scales.py`):
a of 0 to 0.3 and b of 0 to 0.4 where there is texture, 0.5 to 0.9 and 0.7 to 1 where there is
none. Stronger noise leaves little texture, and the half is worth the most: there a network has to
average over wide areas, of which it saw few in training.

This is a third more work; at 256 x 256 pixels it takes 1.4 times as long. It is for images that
are as likely at half their size as they are: photographs are, and faces of one size are not.

References: Burger, Harmeling, Improving denoising algorithms via a multi-scale meta-procedure,
DAGM 2011. Facciolo, Pierazzo, Morel, Conservative scale recomposition for multiscale denoising,
SIAM Journal on Imaging Sciences 10(3), 2017, who trust the coarser structure alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

TEXTURED = (0.05, 0.3)
"""a and b where there is texture."""

EVEN = (0.65, 0.88)
"""a and b where the answer is even."""

ROUGH, SMOOTH = 0.06, 0.0006
"""Squared differences from the mean of 3x3 pixels, over the noise's variance: texture from the one
on, and even below the other; in between shares go with the logarithm."""

AROUND = 9
"""They are means over so many pixels in rows and columns."""

FROM, WHOLE = 0.04, 0.055
"""From which noise level on, for images in [0, 1], there is a share, and from which all of it."""

LEAST = 32
"""Images with fewer rows or columns have no half that could be of use."""


def believed(sigma: Tensor) -> Tensor:
    """How much of the shares is taken at each noise level, `(B,)`; 0 needs no half.

    >>> import torch
    >>> believed(torch.tensor([0.02, 0.04, 0.2]))
    tensor([0., 0., 1.])
    """
    return ((sigma / FROM).log() / math.log(WHOLE / FROM)).clamp(0, 1)


def has_half(x: Tensor) -> bool:
    """Whether images `(B, C, H, W)` are large enough for one."""
    return min(x.shape[-2:]) >= LEAST


def halved(x: Tensor) -> Tensor:
    """The means of 2x2 pixels; a last row or column of an odd number goes with its neighbour.

    >>> import torch
    >>> halved(torch.arange(9.0).view(1, 1, 3, 3))
    tensor([[[[2., 3.],
              [5., 6.]]]])
    """
    height, width = x.shape[-2:]
    even = functional.pad(x, (0, width % 2, 0, height % 2), mode="reflect")
    return functional.avg_pool2d(even, 2)


def with_half(out: Tensor, half: Tensor, sigma: Tensor) -> Tensor:
    """An answer, told of the coarse structure by that at half the size: D' above.

    Args:
        out: the answer, `(B, C, H, W)`.
        half: that to the halved image.
        sigma: the noise that was taken away, `(B,)`.
    """
    finest, coarser = _shares(out, sigma)
    parts = zip(*(torch.split(x, 1, 1) for x in (out, *differences(out, half))), strict=True)
    told = [  # a channel at a time, for the memory of large images
        channel + finest * doubled(fine, channel) + coarser * doubled(rest, channel)
        for channel, fine, rest in parts
    ]
    return torch.cat(told, 1)


def differences(out: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """The finest structure of e, and the rest, at half the size of the answer."""
    apart = half - halved(out)
    coarse = doubled(halved(apart), apart)
    return apart - coarse, coarse


def doubled(x: Tensor, like: Tensor) -> Tensor:
    """Images of twice the size, as far as another goes whose half they are."""
    larger = functional.interpolate(x, scale_factor=2, mode="bilinear")
    return larger[..., : like.shape[-2], : like.shape[-1]]


def _shares(out: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """The shares a and b of each pixel."""
    even, share = evenness(out, sigma), believed(sigma).view(-1, 1, 1, 1)
    a, b = (
        share * low + share * (high - low) * even for low, high in zip(TEXTURED, EVEN, strict=True)
    )
    return a, b


def evenness(out: Tensor, sigma: Tensor) -> Tensor:
    """1 where an answer `(B, C, H, W)` is even, 0 where there is texture, `(B, 1, H, W)`."""
    steps = torch.zeros_like(out[:, :1])
    for channel in torch.split(out, 1, 1):
        steps = steps + (channel - _mean(channel, 3)).square() / out.shape[1]
    rough = _mean(steps, AROUND) / sigma.square().view(-1, 1, 1, 1)
    return ((ROUGH / rough.clamp_min(SMOOTH)).log() / math.log(ROUGH / SMOOTH)).clamp_min(0)


def _mean(x: Tensor, side: int) -> Tensor:
    """Over the square of pixels around each."""
    return functional.avg_pool2d(x, side, 1, side // 2, count_include_pad=False)
