"""Photon counts with read noise, and the transform that makes their noise Gaussian.

y = k / peak + sigma n with k ~ Poisson(peak x). As a likelihood this is `Mixture(Poisson(peak),
sigma)`, exact; `poisson_gaussian(peak, sigma)` writes it for you. The older way changes the data
instead: the generalised Anscombe transform

    D(y) = 2 sqrt(max(peak y + 3/8 + (peak sigma)², 0))

has a standard deviation near 1 whatever x is (it falls below 1 under about three photons), so
after it any method for Gaussian noise will do. What such a method returns is E[D | x], and
D⁻¹(E[D]) is not x: the exact unbiased inverse is the map E[D | x] -> x. `Anscombe.inverse` is its
closed form,

    D²/4 + sqrt(3/2)/(4 D) - 11/(8 D²) + 5 sqrt(3/2)/(8 D³) - 1/8 - (peak sigma)²,

right to 0.02 counts without read noise and to 0.04 with (peak sigma) = 1. It belongs after an
estimate of the mean, not after a posterior sample. `forward` and `inverse` also scale, so that
images in [0, 1] stay in [0, 1], which is where priors are at home; what they see is, however, the
square root of an image.

M. Mäkitalo, A. Foi (2013). Optimal Inversion of the Generalized Anscombe Transformation for
Poisson-Gaussian Noise. IEEE Transactions on Image Processing 22.
https://doi.org/10.1109/TIP.2012.2202675
"""

from __future__ import annotations

import math

import torch
from attrs import field, frozen
from torch import Tensor

from ..errors import InputError
from .checks import a_level, positive


def _peak(value: float) -> float:
    return positive(value, "peak", "the mean photon count of a white pixel, 30")


def _sigma(value: float) -> float:
    if value == 0:
        return 0.0
    return a_level(value, "sigma", "the level of the read noise for images in [0, 1], or 0")


@frozen
class Anscombe:
    """The generalised Anscombe transform, scaled to images in [0, 1].

    Args:
        peak: the mean photon count of a white pixel.
        sigma: the read noise, in units of the image; 0 for none.

    Raises:
        InputError: peak is not positive, or sigma is negative; or they are not finite.

    >>> import torch, invprob as ip
    >>> transform = ip.Anscombe(peak=30, sigma=0.02)
    >>> noise = ip.Gaussian(sigma=transform.noise_level())     # of transform.forward(y)
    >>> transform.inverse(transform.forward(torch.tensor([0.5]))).round(decimals=2)
    tensor([0.5100])

    Formulas: help("invprob.likelihoods.anscombe").
    """

    peak: float = field(converter=_peak)
    sigma: float = field(default=0.0, converter=_sigma)

    def forward(self, y: Tensor, /) -> Tensor:
        """The stabilised measurement (D(y) - D(0)) / (D(1) - D(0)).

        Args:
            y: counts over peak, with read noise; negative numbers are fine.
        """
        first, last = self._ends()
        return (self._root(y) - first) / (last - first)

    def inverse(self, d: Tensor, /) -> Tensor:
        """The image x whose mean stabilised measurement is d: the exact unbiased inverse.

        Args:
            d: an estimate of the mean of `forward(y)`.
        """
        if not d.is_floating_point():
            raise InputError(f"d has type {d.dtype}; give what came of forward(y)")
        first, last = self._ends()
        least = 2 * math.sqrt(3 / 8)
        stable = (first + (last - first) * d).clamp_min(least)
        count = stable.square() / 4 - 1 / 8 - self._read_noise()
        count = count + math.sqrt(1.5) / (4 * stable) - 11 / (8 * stable.square())
        count = count + 5 * math.sqrt(1.5) / (8 * stable**3)
        return count.clamp_min(0) / self.peak

    def noise_level(self) -> float:
        """The standard deviation of `forward(y)`, for all brightnesses: 1 / (D(1) - D(0))."""
        first, last = self._ends()
        return 1 / (last - first)

    def _read_noise(self) -> float:
        return (self.peak * self.sigma) ** 2

    def _root(self, y: Tensor) -> Tensor:
        return 2 * (self.peak * y + 3 / 8 + self._read_noise()).clamp_min(0).sqrt()

    def _ends(self) -> tuple[float, float]:
        ends = self._root(torch.tensor([0.0, 1.0], dtype=torch.float64))
        return float(ends[0]), float(ends[1])
