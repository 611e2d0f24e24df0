r"""A photograph at half its size is a photograph, with half the noise.

The mean of 2x2 pixels, A, makes of an image with white noise of sigma one of half the width and
height with white noise of sigma / 2. A denoiser D of photographs knows that as well, and sees
twice as far there. So of the coarse structure it is told

    D'(y, sigma) = D(y, sigma) + s(sigma) U (D'(A y, sigma / 2) - A D(y, sigma)),

where U doubles the size by bilinear interpolation: what the answer at half the size knows of the
means of 2x2 pixels, and the answer at full size does not, is added to it, by a share s. D' is on
both sides: the half is made of its own half, and so on, down to a noise level or a size at which
that gains nothing.

The shares are those of least squares on the training photographs (`benchmarks/scales.py`). They
grow with the noise. In weak noise a network at full size knows its means of 2x2 pixels nearly as
well. In strong noise it has to average over wide areas, of which it has seen few in training, and
the half is a much easier image. Of errors that are the same at both scales nothing is known.

That takes a third more time, and gains 0.04, 0.06 and 0.1 dB in colour at 15, 25 and 50 of 255,
in gray 0.01, 0.02 and 0.04, and in both 0.1 to 0.4 at 0.4 to 1.

It is for images that are as likely at half their size as they are, as photographs are, and faces
of one size are not.

References: Burger, Harmeling, Improving denoising algorithms via a multi-scale meta-procedure,
DAGM 2011. Facciolo, Pierazzo, Morel, Conservative scale recomposition for multiscale denoising,
SIAM J. Imaging Sciences 10(3), 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SHARES = (
    (0.04, 0.0),
    (0.055, 0.28),
    (0.1, 0.3),
    (0.2, 0.42),
    (0.4, 0.64),
    (0.8, 0.83),
    (1.6, 0.9),
)
"""s at some noise levels, as far as images in [0, 1] have a unit; linear in log sigma between."""

LEAST = 32
"""Images with fewer rows or columns have no half that could be of use."""


def shares(sigma: Tensor) -> Tensor:
    """The share of each noise level, `(B,)`, 0 where the half is not asked for.

    >>> [round(float(s), 2) for s in shares(torch.tensor([0.02, 0.1, 0.8, 9.0]))]
    [0.0, 0.3, 0.83, 0.9]
    """
    place = sigma.log()
    out = torch.zeros_like(place)
    for (low, before), (high, after) in zip(SHARES, SHARES[1:], strict=False):
        start, stop = (torch.tensor(level).log().item() for level in (low, high))
        out = out + (after - before) * ((place - start) / (stop - start)).clamp(0, 1)
    return out


def has_half(x: Tensor) -> bool:
    """Whether images `(B, C, H, W)` are large enough for one."""
    return min(x.shape[-2:]) >= LEAST


def halved(x: Tensor) -> Tensor:
    """The means of 2x2 pixels; a last row or column of an odd number goes with its neighbour.

    >>> halved(torch.arange(9.0).view(1, 1, 3, 3))
    tensor([[[[2., 3.],
              [5., 6.]]]])
    """
    height, width = x.shape[-2:]
    even = functional.pad(x, (0, width % 2, 0, height % 2), mode="reflect")
    return functional.avg_pool2d(even, 2)


def with_half(out: Tensor, half: Tensor, share: Tensor) -> Tensor:
    """An answer, told of the coarse structure by that at half the size.

    Args:
        out: the answer, `(B, C, H, W)`.
        half: that to the halved image.
        share: how far it is believed, `(B,)`.
    """
    apart = functional.interpolate(half - halved(out), scale_factor=2, mode="bilinear")
    return out + share.view(-1, 1, 1, 1) * apart[..., : out.shape[-2], : out.shape[-1]]
