r"""A photograph at half its size is a photograph, with half the noise.

The mean of 2x2 pixels, A, makes of an image with white noise of sigma one of half the width and
height with white noise of sigma / 2. A denoiser D of photographs knows that as well, and sees
twice as far there. What its answer says of coarse structure, and that at full size does not, is

    e = D'(A y, sigma / 2) - A D(y, sigma),

and it is added to the answer, doubled by bilinear interpolation U:

    D'(y, sigma) = D(y, sigma) + U (a e + (b - a) U A e).

The first share, a, is that of the finest structure in e, and b of all that is coarser. Of its
finest structure the half can't be trusted far: that is where it has details to lose itself. D' is
on both sides: the half is made of its own half, and so on, down to a noise level or a size at
which nothing is gained.

The shares are those of least squares on the training photographs (`benchmarks/scales.py`). They
grow with the noise. In weak noise a network at full size knows its means of 2x2 pixels nearly as
well. In strong noise it has to average over wide areas, of which it saw few in training, and the
half is a much easier image. This takes a third more time.

It is for images that are as likely at half their size as they are: photographs are, and faces of
one size are not.

References: Burger, Harmeling, Improving denoising algorithms via a multi-scale meta-procedure,
DAGM 2011. Facciolo, Pierazzo, Morel, Conservative scale recomposition for multiscale denoising,
SIAM Journal on Imaging Sciences 10(3), 2017, who trust the coarser structure alone.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

SHARES = (
    (0.04, 0.0, 0.0),
    (0.055, 0.13, 0.53),
    (0.12, 0.13, 0.6),
    (0.24, 0.18, 0.73),
    (0.47, 0.42, 0.88),
    (0.94, 0.7, 0.93),
)
"""sigma, a and b, images being in [0, 1]; between them a and b are linear in log sigma."""

LEAST = 32
"""Images with fewer rows or columns have no half that could be of use."""


def shares(sigma: Tensor) -> Tensor:
    """The shares a and b of each noise level, `(B, 2)`; 0 where the half is not asked for.

    >>> import torch
    >>> shares(torch.tensor([0.02, 0.12, 9.0]))
    tensor([[0.0000, 0.0000],
            [0.1300, 0.6000],
            [0.7000, 0.9300]])
    """
    out = sigma.new_zeros(len(sigma), 2)
    for (low, *before), (high, *after) in zip(SHARES, SHARES[1:], strict=False):
        within = (sigma.log() - math.log(low)) / math.log(high / low)
        out = out + within.clamp(0, 1)[:, None] * (out.new_tensor(after) - out.new_tensor(before))
    return out


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


def with_half(out: Tensor, half: Tensor, share: Tensor) -> Tensor:
    """An answer, told of the coarse structure by that at half the size: D' above.

    Args:
        out: the answer, `(B, C, H, W)`.
        half: that to the halved image.
        share: a and b, `(B, 2)`.
    """
    fine, coarse = share[:, :, None, None, None].unbind(1)
    apart = half - halved(out)
    believed = fine * apart + (coarse - fine) * _doubled(halved(apart), apart)
    return out + _doubled(believed, out)


def _doubled(x: Tensor, like: Tensor) -> Tensor:
    larger = functional.interpolate(x, scale_factor=2, mode="bilinear")
    return larger[..., : like.shape[-2], : like.shape[-1]]
