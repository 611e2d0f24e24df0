"""Speckle, whose noise is as strong as the image: how strong it is, from the logarithm.

Where y = x w with w ~ Gamma(alpha), E w = 1, the logarithm has noise that is the same everywhere,

    log y = log x + log w,   E log w = digamma(alpha) - log alpha,   Var log w = trigamma(alpha),

which is what a denoiser is made for; y itself has noise of twice the strength where x is twice as
bright, and no level to tell it is right for neighbours of other brightness. So v = log y is moved
to [0, 1], its noise levels are found band by band, s(v), and those of y follow:

    alpha = trigamma⁻¹(s²),   m = exp(v + log alpha - digamma(alpha)),   sd = m / sqrt(alpha).

Noise in the logarithm is not Gaussian but skew. Other laws of noise are not the same everywhere in
the logarithm, and these levels count only if speckle explains them best, and better than the
levels of y itself are explained.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from attrs import evolve
from scipy.optimize import brentq
from scipy.special import digamma, polygamma
from torch import Tensor

from ..errors import InputError
from .noise_estimate import NoiseEstimate
from .noise_laws import laws

BLACK = 1e-3
"""Speckle has no more pixels that are black, as a share of all."""
STRONG = 0.1
"""Noise, over the mean brightness: weaker speckle is not taken for another law."""
SURE = 0.05
"""A law that explains the levels of y as closely is right."""
ENDS = 0.005, 0.995
"""What share of the logarithms lies below 0, and what below 1. What is brighter, such as corner
reflectors, counts as this in the root mean square of the noise."""
MANY = 1_000_000
"""Pixels that are enough to find these."""


def of_logarithm(
    y: Tensor, found: NoiseEstimate | None, look: Callable[[Tensor], NoiseEstimate], /
) -> NoiseEstimate | None:
    """The noise as the logarithm tells it; None unless it is speckle.

    Args:
        y: images, `(B, C, H, W)`.
        found: its noise, from y itself, if it can be seen there.
        look: finds the noise of images.
    """
    values = y[y.isfinite()]
    if not len(values) or float((values <= 0).float().mean()) > BLACK:
        return None
    if found is not None and found.best.name != "gamma":
        sure = len(found.laws) > 1 and found.best.misfit < SURE
        if sure or found.sigma < STRONG * float(values.mean()):
            return None
    logarithm = torch.where(y > 0, y, torch.nan).log()
    some = values[values > 0][:: -(-len(values) // MANY)].log()
    low, high = some.quantile(some.new_tensor(ENDS)).tolist()
    if not high > low:
        return None
    try:
        seen = look((logarithm - low) / (high - low))
    except InputError:
        return None
    power = float(values.cpu().double().clamp(max=math.exp(high)).square().mean())
    told = _of_image(seen, low, high - low, power)
    better = told.is_usable if found is None else told.best.misfit < found.best.misfit
    return told if told.best.name == "gamma" and better else None


def _of_image(seen: NoiseEstimate, low: float, span: float, power: float) -> NoiseEstimate:
    """The noise of an image with this mean square, from that of its logarithm."""
    alpha = alpha_of(seen.sigma * span)
    alphas = seen.sd.new_tensor([alpha_of(span * sd) for sd in seen.sd.tolist()])
    bias = math.log(alpha) - float(digamma(alpha))
    brightness = (low + bias + span * seen.brightness).exp()
    sd = brightness / alphas.sqrt()
    sigma = math.sqrt(power / (alpha + 1))  # E y² = (1 + 1 / alpha) E m²
    error = seen.error * span * float(brightness.mean())
    return evolve(
        seen,
        sigma=sigma,
        brightness=brightness,
        sd=sd,
        apart=None if seen.apart is None else sigma * seen.apart / seen.sigma,
        laws=laws(brightness, sd, error=error),
        error=error,
    )


def alpha_of(sd: float, /) -> float:
    """The alpha of a Gamma variable whose logarithm has this standard deviation.

    >>> round(alpha_of(0.5327), 2)
    4.0
    """
    variance = min(max(sd * sd, 1e-8), 1e8)
    return float(brentq(lambda alpha: float(polygamma(1, alpha)) / variance - 1, 1e-5, 1e9))
