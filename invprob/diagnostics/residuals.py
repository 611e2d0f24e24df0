"""Is what a denoiser or a sampler took away really noise? White, normal, of the right size?

For y = x + n with white normal n of standard deviation sigma, and x' a sample of p(x | y), the
pair (x', y) has the distribution of (x, y): the residual y - x' is N(0, sigma² I), exactly. (The
residual of the posterior *mean* is not: its variance is sigma² less the mean's own squared error.)
Three tests of that, each blind to what the others see:

* its standard deviation against sigma;
* its correlation with itself moved by one pixel, in the eight directions (opposite ones agree, so
  four numbers): structure of the image left in it, or noise smoothed into blobs;
* D'Agostino's and Pearson's K², which joins skewness and kurtosis: chi-square with 2 degrees of
  freedom for normal numbers.

With many pixels the tests see deviations that nobody would: a K² of 30 over 200 000 pixels may be
a kurtosis of 0.06. Look at the sizes (`deviation`, `correlation`, `kurtosis`) before the p-value.

References: B. Kawar, G. Vaksman, M. Elad (2021). Stochastic Image Denoising by Sampling from the
Posterior Distribution. ICCV Workshops. https://arxiv.org/abs/2101.09552 (the residual's tests);
R. D'Agostino, E. S. Pearson (1973). Tests for departure from normality. Biometrika 60(3).
https://doi.org/10.1093/biomet/60.3.613
"""

from __future__ import annotations

import math

import torch
from attrs import frozen
from scipy import stats
from torch import Tensor

from ..errors import InputError
from ..likelihoods.checks import positive

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
LEAST_PIXELS = 20


@frozen
class ResidualReport:
    """What a residual looks like, beside what white normal noise would.

    Attributes:
        deviation: its root mean square over sigma; 1 for noise.
        correlation: the largest |correlation| with itself moved to a neighbour; 0 for noise.
        chance: what white noise of that shape stays below in 99 of 100 cases, or more.
        skewness: 0 for normal numbers.
        kurtosis: excess; 0 for normal numbers, negative if the tails are short.
        k_squared: D'Agostino's and Pearson's statistic; 2 on average for normal numbers.
        p_value: the probability of at least that for normal numbers.
    """

    deviation: float
    correlation: float
    chance: float
    skewness: float
    kurtosis: float
    k_squared: float
    p_value: float

    def __str__(self) -> str:
        """One line."""
        return (
            f"deviation {self.deviation:.3f} sigma, neighbours {self.correlation:.4f} (noise: "
            f"below {self.chance:.4f}), skewness {self.skewness:+.3f}, kurtosis "
            f"{self.kurtosis:+.3f}, normal with p = {self.p_value:.2g}"
        )


def residual_report(residual: Tensor, /, sigma: float) -> tuple[ResidualReport, ...]:
    """How much a residual looks like white normal noise, one report for each image of a batch.

    Args:
        residual: y - x, `(B, C, H, W)`, at least 20 pixels in an image.
        sigma: the noise level it should have, in the unit of the image.

    Raises:
        InputError: it is no batch of images, not finite, all equal in each channel, or sigma is
            no positive number.

    >>> import torch, invprob as ip
    >>> noise = 0.2 * torch.randn(1, 1, 64, 64, generator=ip.generator(0))
    >>> (report,) = ip.residual_report(noise, 0.2)
    >>> report.correlation < report.chance, report.p_value > 0.01
    (True, True)
    >>> (walk,) = ip.residual_report(noise.cumsum(-1) / 6, 0.2)      # anything but white
    >>> print(f"{walk.deviation:.1f} {walk.correlation:.1f} {walk.chance:.2f}")
    1.0 1.0 0.05
    """
    if not isinstance(residual, Tensor):
        kind = type(residual).__name__
        raise InputError(f"the residual is {kind}; give a tensor: torch.as_tensor(residual)")
    if residual.ndim != 4 or math.prod(residual.shape[1:]) < LEAST_PIXELS:
        raise InputError(
            f"the residual has shape {tuple(residual.shape)}; give images (B, C, H, W) of at "
            f"least {LEAST_PIXELS} pixels"
        )
    level = positive(sigma, "sigma", "the noise level, in the unit of the image")
    flat = residual.detach().cpu().double()
    if not bool(torch.isfinite(flat).all()):
        raise InputError("the residual has values that are not finite; cut the image")
    lowest, highest = flat.flatten(2).aminmax(dim=2)
    if not bool((lowest < highest).any(1).all()):
        raise InputError(
            "a residual is the same in all pixels of each channel; is it y - x of a noisy y?"
        )
    return tuple(_report(image, level) for image in flat)


def _report(image: Tensor, sigma: float) -> ResidualReport:
    values = image.flatten().numpy()
    k_squared, p_value = map(float, stats.normaltest(values))
    centred = image - image.mean((-2, -1), keepdim=True)
    moved = [_correlation(centred, down, right) for down, right in NEIGHBOURS]
    pairs = [image[..., down:, abs(right) :].numel() for down, right in NEIGHBOURS]
    far = float(stats.norm.isf(0.005 / len(NEIGHBOURS)))
    return ResidualReport(
        deviation=float(image.square().mean().sqrt()) / sigma,
        correlation=max(map(abs, moved)),
        chance=far / math.sqrt(min(filter(None, pairs))),
        skewness=float(stats.skew(values)),
        kurtosis=float(stats.kurtosis(values)),
        k_squared=k_squared,
        p_value=p_value,
    )


def _correlation(centred: Tensor, down: int, right: int) -> float:
    """Of all pixels with those so far below and to the right, over the variance; 0 if none."""
    if right < 0:
        centred, right = centred.flip(-1), -right
    high, wide = centred.shape[-2:]
    here, there = centred[..., : high - down, : wide - right], centred[..., down:, right:]
    return float((here * there).mean() / centred.square().mean()) if here.numel() else 0.0
