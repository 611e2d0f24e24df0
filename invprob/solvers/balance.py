r"""How much a denoised image counts against the data, so that a denoiser is told the truth.

The prox of plug-and-play takes the noise of the data into x. In a singular coordinate in which the
data have noise sd (see `Spectrum`) it keeps

    1 / (1 / sd + weight sd / sigma²)    <=    sigma / (2 sqrt(weight))

of it: where the data are good, sd of them; where they are bad, little, because z counts; in
between, up to the limit. The root mean square over all coordinates, in units of sigma, is the
*share* of the noise the denoiser is told of that is in the data; the rest is the error of z. The
smaller the weight the larger the share: so a share tells the weight.

How large it should be depends on whether a denoiser can tell the noise of one coordinate from that
of another. Behind a mask it can't, nor behind random projections: noise in some of the pixels, or
in some directions through all of them, is white noise, and a denoiser that averages over a
neighbourhood meets the root mean square. So the share is 0.97, what a weight of 0.23 makes where
nothing is missing, which is that of Zhang et al. (see `pnp`). With half of the pixels, that is a
weight of 0.02 at the end; with a fifth of them photographs gain 0.2 to 0.3 dB over 0.23. (With
half of them a network that took more details away, where it was told of noise that is not there,
gained 0.9 dB.)

Around a hole of many pixels a neighbourhood is full of noise or has none, and the root mean square
over all of them is nobody's. And noise that a blur amplifies has a colour: where a small weight
lets much of it through, in a few frequencies, a denoiser leaves it as texture, and it grows from
call to call. There the weight is 0.3: behind uniform blurs of 5 x 5 pixels and noise of 0.02, 0.05
and 0.1 gray photographs gain 0.3, 0.7 and 0.9 dB over 0.23 by `PnP`, and those in colour, in which
the channels tell noise from texture, -0.05 to 0.1. FFDNet, which takes details away where it is
told of more noise than there is, gains 0.8 and 0.5 dB in colour, at 0.02 and 0.1, by a weight of
0.16; the embedded networks, which learn what to do there, lose up to 1 dB of some photographs.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from attrs import evolve
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..compatibility import lacks
from ..contracts import SVD, HasSVD, Map, Spectral
from ..likelihoods.gaussian import Gaussian
from ..likelihoods.observed import Observed
from ..operators.structure import PartOf
from ..problem import Problem
from ..streams import generator

HEAVY = 0.3
"""The weight where the data's noise has a colour, or where that is not known."""
MOST_WHITE = 0.23
"""The greatest weight where it is white: that of Zhang et al. (2021)."""
LIGHT = 0.01
SHARE_OF_WHITE = 0.97
UNEVEN = 1.2
WINDOW, PATCHY = 9, 0.45
DRAWN = 2**14


def deviations(problem: Problem[Any, Any], /) -> Tensor | None:
    """The noise of each singular coordinate, `(*spectral)`; None where there are none."""
    noise = _whole(problem.likelihood)
    if lacks(noise, Spectral) is not None:
        return None
    sd: Tensor = noise.spectrum(problem.image_shape).sd
    return sd


def _whole(likelihood: Any) -> Any:
    """The same of all that an operator's is a part of: a crop of a blur has noise like the blur.

    Not exact, but for a few rows and columns at the borders.
    """
    operator = getattr(likelihood, "operator", None)
    if isinstance(likelihood, Gaussian | Observed) and isinstance(operator, PartOf):
        return evolve(likelihood, operator=operator.whole())
    return likelihood


def coordinates(problem: Problem[Any, Any], noise: float, /) -> tuple[Tensor, Map] | None:
    """The noise of each singular coordinate, `(*spectral)`, and V; None where there are none.

    Args:
        problem: whose likelihood is asked.
        noise: of the data, in units of the image, where a noise that is not Gaussian sees a linear
            measurement: its noise is taken to be even, as if of a grey image (see `data_noise`).
    """
    likelihood, shape = _whole(problem.likelihood), problem.image_shape
    if lacks(likelihood, Spectral) is None:
        spectrum = likelihood.spectrum(shape)
        return spectrum.sd, spectrum.v
    if isinstance(likelihood, Observed) and lacks(likelihood.operator, HasSVD) is None:
        svd: SVD = likelihood.operator.svd(shape)
        told = svd.s > torch.finfo(svd.s.dtype).tiny ** 0.5
        return torch.where(told, noise * svd.s.max() / svd.s, torch.inf), svd.v
    return None


def is_white(sd: Tensor, v: Map, sigma: float, /) -> bool:
    """Whether the data's noise, as the prox lets it into an image, is white, and everywhere.

    That is, whether it has the same power P at all frequencies, of space and between channels: for
    the power p of draws of it, mean(p²) = 2 mean(P²), and at most 2.4 mean(p)² counts as white.
    And whether there is as much of it all over the image, in windows of 9 x 9 pixels: around a
    large hole a denoiser meets all of it, and within none.

    Args:
        sd: the noise of each singular coordinate, `(*spectral)`; inf where nothing was measured.
        v: V, `(B, *spectral)` to `(B, *image)`.
        sigma: what the denoiser is told, > 0, in units of the image.

    >>> import invprob as ip
    >>> for operator in (ip.Mask.random(64, keep=0.3), ip.CircularBlur.named("uniform5")):
    ...     noise = ip.Gaussian(sigma=0.1, operator=operator).spectrum((1, 64, 64))
    ...     print(is_white(noise.sd, noise.v, 0.1))
    True
    False
    """
    kept = (sigma / sd).add_(sd, alpha=MOST_WHITE / sigma).reciprocal_()
    draws = max(1, DRAWN // kept.numel())
    normal = torch.randn((draws, *kept.shape), generator=generator(0)).to(kept)
    noise = v(kept * normal)
    power = torch.fft.fftn(noise, dim=tuple(range(1, noise.ndim))).abs().square()
    if float(power.square().mean()) > 2 * UNEVEN * float(power.mean()) ** 2:
        return False
    if noise.ndim != 4 or min(noise.shape[-2:]) < WINDOW:
        return True
    local = avg_pool2d(noise.square().mean((0, 1), keepdim=True), WINDOW)
    return float(local.std(correction=0)) <= PATCHY * float(local.mean())


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
    """The weight, of 0.01 to 0.23, at which white noise of the data has a share of 0.97.

    Found by three steps, as if the share were the inverse of a linear function.

    Args:
        sd: the noise of each singular coordinate, `(*spectral)`; inf where nothing was measured.
        sigma: what the denoiser is told, > 0, in units of the image.

    >>> import torch
    >>> round(weight_of(torch.tensor([0.1]), 0.07), 2), weight_of(torch.tensor([100.0]), 0.07)
    (0.23, 0.01)
    >>> round(weight_of(torch.tensor([0.1, torch.inf]), 0.07), 2)
    0.02
    """
    large, small = (share(sd, sigma, weight) for weight in (LIGHT, MOST_WHITE))
    if large <= SHARE_OF_WHITE:
        return LIGHT
    if small >= SHARE_OF_WHITE:
        return MOST_WHITE
    weight = MOST_WHITE
    for _ in range(3):
        rise = (1 / SHARE_OF_WHITE - 1 / large) / (1 / small - 1 / large)
        weight = LIGHT + (weight - LIGHT) * rise
        small = share(sd, sigma, weight)
    return weight


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
