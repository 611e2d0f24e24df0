"""Transforms after which the noise of pixels is nearly Gaussian, and as strong everywhere.

A transform T with T' = 1 / sd(x) makes noise of deviation sd(x) even, to first order:

* Multiplicative noise, y = x g with g of one law (speckle): log y = log x + log g, exactly even.
* Counts: the generalised Anscombe transform (`anscombe`), even from a few photons on.
* Noise of deviation a x + b: (asinh(1 + a y / b) - asinh(1)) / a, the logarithm where y is bright
  and a straight line where it is dark, since y may be negative. Its slope is 1 / (a x + b) in the
  light, and 0.7 of that in the dark. Up to a = 0.35: beyond, many a bright pixel is measured as
  dark as none, and its transform is far away.

What a denoiser returns is near the mean of T(y), of which T⁻¹ is not the image: log y is too dark
on average. So the way back is the exact unbiased inverse, from E[T(y) | x] to x.

M. Mäkitalo, A. Foi (2011). Optimal Inversion of the Anscombe Transformation in Low-Count Poisson
Image Denoising. IEEE TIP 20. https://doi.org/10.1109/TIP.2010.2056693. J. S. Lim, H. Nawab (1981).
Techniques for Speckle Noise Removal. Optical Engineering 20. https://doi.org/10.1117/12.7972742
(the logarithm).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..contracts import Stabilised
from .anscombe import Anscombe
from .checks import DARKEST

STEEPEST = 0.35
DIM, BRIGHTEST = 0.1, 16.0
POINTS, LAW = 512, 256


def midpoints(count: int) -> Tensor:
    """The middles of as many equal parts of (0, 1), float64: equally likely quantiles."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / count


def of_factors(y: Tensor, mean: float, sd: float, /) -> Stabilised:
    """The logarithm, for y = x g.

    Args:
        y: measurements, > 0.
        mean: of log g.
        sd: of log g.
    """
    return Stabilised(
        value=y.clamp(min=DARKEST).log(),
        sd=sd,
        inverse=lambda value: (value - mean).exp(),
    )


def of_counts(y: Tensor, peak: float, sigma: float = 0.0, /) -> Stabilised:
    """The generalised Anscombe transform, for counts with read noise.

    Args:
        y: counts over peak.
        peak: the mean count of a white pixel.
        sigma: the read noise, in units of the image.
    """
    transform = Anscombe(peak, sigma)
    return Stabilised(transform.forward(y), transform.noise_level(), transform.inverse)


def of_affine_noise(y: Tensor, a: float, b: float, /) -> Stabilised:
    """For y = x + (a x + b) n: (asinh(1 + a y / b) - asinh(1)) / a.

    Its mean for each of many x is known by numerical integration, and inverted by interpolation.

    Args:
        y: measurements, of any sign.
        a: how much the noise grows with the brightness, > 0.
        b: the noise of a black pixel, in units of the image, > 0.
    """

    def transform(value: Tensor) -> Tensor:
        return (torch.asinh(1 + a * value / b) - math.asinh(1)) / a

    ends = transform(torch.tensor([0.0, BRIGHTEST], dtype=torch.float64))
    steps = torch.linspace(float(ends[0]), float(ends[1]), POINTS, dtype=torch.float64)
    x = ((torch.sinh(a * steps + math.asinh(1)) - 1) * b / a).clamp(min=0)
    normal = torch.special.ndtri(midpoints(LAW))
    values = transform(x[:, None] + (a * x[:, None] + b) * normal)
    means, usual = values.mean(1), values[(x >= DIM) & (x <= 1)].std(1).mean()

    def inverse(value: Tensor) -> Tensor:
        table, images = means.to(value), x.to(value)
        right = torch.searchsorted(table, value.contiguous()).clamp(1, POINTS - 1)
        step = (table[right] - table[right - 1]).clamp(min=torch.finfo(table.dtype).tiny)
        share = (value - table[right - 1]) / step
        return torch.lerp(images[right - 1], images[right], share).clamp(min=0)

    return Stabilised(transform(y.double()).to(y), float(usual), inverse)
