r"""How much a denoised image counts against the data, so that a denoiser is told the truth.

The prox of plug-and-play takes the noise of the data into x. In a singular coordinate in which the
data have noise sd (see `Spectrum`) it keeps

    1 / (1 / sd + weight sd / sigma²)    <=    sigma / (2 sqrt(weight))

of it: where the data are good, sd of them; where they are bad, little, because z counts; in
between, up to the limit. The root mean square over all coordinates, in units of sigma, is the
*share* of the noise the denoiser is told of that is in the data; the rest is the error of z. The
smaller the weight the larger the share: so a share tells the weight.

The loudest coordinate says how far this goes. Coordinates of a Gaussian blur are either good or
lost and few are in between, so that their share is small with any weight; but in those few the
noise of a small weight is far above sigma. The denoiser leaves it, probably as texture, and it
grows from call to call: with weight 0.1 photographs blurred by 5x5 pixels or by motion, and with
0.06 by a Gaussian, lost so much that some ended worse than they were measured.
"""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from ..compatibility import lacks
from ..contracts import Spectral
from ..problem import Problem

HEAVY = 0.23
LIGHT = 0.01
SHARE = 0.6
LOUDEST = 1.25


def deviations(problem: Problem[Any, Any], /) -> Tensor | None:
    """The noise of each singular coordinate, `(*spectral)`; None where there are none."""
    noise = problem.likelihood
    if lacks(noise, Spectral) is not None:
        return None
    sd: Tensor = noise.spectrum(problem.image_shape).sd
    return sd


def decided(sd: Tensor, step: float, /) -> float:
    """The part of all coordinates in which a prox goes to the data: mean of step / (step + sd²).

    Args:
        sd: the noise of each singular coordinate, `(*spectral)`; inf where nothing was measured.
        step: of the prox, > 0.

    >>> import torch
    >>> round(decided(torch.tensor([1e-3, 1e-3, 1.0, torch.inf]), 1.0), 3)
    0.625
    """
    return float((sd.square() / step).add_(1).reciprocal_().mean())


def weight_of(sd: Tensor, sigma: float, /) -> float:
    """The least weight, of 0.01 to 0.23, with which the data's noise in x is not too large.

    That is a share of 0.6 (found by three steps in the logarithms of share and weight), and 1.25
    sigma in any coordinate.

    Args:
        sd: the noise of each singular coordinate, `(*spectral)`; inf where nothing was measured.
        sigma: what the denoiser is told, > 0, in units of the image.

    >>> import torch
    >>> round(weight_of(torch.tensor([0.1]), 0.07), 2), weight_of(torch.tensor([100.0]), 0.07)
    (0.23, 0.01)
    """
    light = max(quietest(sd, sigma), LIGHT)
    large, small = (share(sd, sigma, weight) for weight in (light, HEAVY))
    if large <= SHARE:
        return light
    if small >= SHARE:
        return HEAVY
    heavy = HEAVY
    for _ in range(3):
        towards = math.log(large / SHARE) / math.log(large / small)
        heavy = light * (heavy / light) ** towards
        small = share(sd, sigma, heavy)
    return heavy


def quietest(sd: Tensor, sigma: float, /) -> float:
    """The weight with which no coordinate has noise above 1.25 sigma; at most 0.16.

    Args:
        sd: the noise of each singular coordinate, `(*spectral)`; inf where nothing was measured.
        sigma: what the denoiser is told, > 0, in units of the image.

    >>> import torch
    >>> round(quietest(torch.tensor([0.1, 0.25, 0.5]), 0.1), 4)
    0.16
    """
    ratio = sigma / sd
    return float((ratio * (1 / LOUDEST - ratio)).max())


def level_at_rest(sd: Tensor, /) -> float:
    """The sigma at which a force on white noise leaves sigma of it: 1 / rms(1 / sd).

    Where x and z are one, and the denoiser gets x + sigma² Hᵀ (y - H x) / sigma_0², the noise of
    the data in it is sigma² / sd in each coordinate, which has this root mean square.

    Args:
        sd: the noise of each singular coordinate, `(*spectral)`; inf where nothing was measured.

    >>> import torch
    >>> round(level_at_rest(torch.tensor([0.1, 0.1, 0.1, torch.inf])), 4)
    0.1155
    """
    precision = float(sd.double().reciprocal().square().mean().sqrt())
    return 1 / precision if precision else math.inf


def share(sd: Tensor, sigma: float, weight: float, /) -> float:
    """The root mean square of the data's noise in x, in units of sigma.

    Args:
        sd: the noise of each singular coordinate, `(*spectral)`; inf where nothing was measured.
        sigma: what the denoiser is told, > 0, in units of the image.
        weight: how much the denoised image counts.

    >>> import torch
    >>> round(share(torch.tensor([0.1, torch.inf]), 0.1, 1.0), 3)  # half of it in half of them
    0.354
    """
    kept = (sigma / sd).add_(sd, alpha=weight / sigma).reciprocal_()
    return float(kept.square_().mean().sqrt())
