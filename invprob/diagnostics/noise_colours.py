"""Colours that are stored more coarsely than the brightness, as in JPEG files.

JPEG keeps the brightness (luma) Y = 0.299 R + 0.587 G + 0.114 B, and mostly a half of the
resolution of the colour differences B - Y and R - Y. Enlarged again they are smooth, and so is
most of the noise: a denoiser of colour images takes it for texture. The luma's noise stays nearly
white. Independent noise of deviation sigma in each channel has in the luma

    sigma sqrt(0.299² + 0.587² + 0.114²) = 0.668 sigma,

so that the luma's level over 0.668 is what each channel had.

Colours are coarse where the quietest blocks of a colour difference are smoother than such noise
would leave them: less than 0.3 of the luma's noise, where white noise leaves about 0.9, and half
the resolution less than 0.1. An image that is gray has none, nor noise in them.

Reference: E. Hamilton (1992). JPEG File Interchange Format 1.02 (the weights are those of ITU-R
BT.601).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from attrs import evolve
from torch import Tensor

from ..errors import InputError
from .noise_curves import guess
from .noise_estimate import NoiseEstimate
from .noise_holes import filled, known
from .noise_laws import laws

WEIGHTS = 0.299, 0.587, 0.114
"""Of red, green and blue in the luma."""
SHARE = math.hypot(*WEIGHTS)
"""The luma's noise, over that of a channel."""
SMOOTH, SMOOTHER = 0.2, 0.3
"""Noise of a colour difference over the luma's: as guessed at first, and as found."""
UNCUT = 1.88
"""So many deviations from 0 and from 1, 3 % of normal noise are cut off."""
GRAY = 0.2
"""A colour difference that varies by less, in units of the luma's noise, is no colour."""


def of_luma(
    y: Tensor, crops: Tensor, look: Callable[[Tensor], NoiseEstimate], /
) -> NoiseEstimate | None:
    """The noise of each channel as the luma tells it; None unless colours are coarse.

    Args:
        y: colour images, `(B, 3, H, W)`.
        crops: what of them is looked at.
        look: finds the noise of gray images.
    """
    counted, whole = known(crops)[:, :1], filled(crops)
    bright = _luma(whole)
    differences = [whole[:, channel : channel + 1] - bright for channel in (2, 0)]
    fine = max(
        guess(one, counted) / scale for one, scale in zip(differences, _SCALES, strict=True)
    )
    if fine >= SMOOTH * guess(bright, counted):
        return None
    try:
        found = look(_luma(y))
    except InputError:
        return None
    colour = max(float(one[counted].std()) for one in differences)
    if fine >= SMOOTHER * float(found.sd.min()) / SHARE or colour < GRAY * found.sigma:
        return None
    sd = found.sd / SHARE
    kept = torch.ones_like(sd, dtype=torch.bool)
    if float(whole.min()) >= 0 and float(whole.max()) <= 1:
        kept = _uncut(found.brightness, sd)
    brightness, sd = found.brightness[kept], sd[kept]
    return evolve(
        found,
        sigma=found.sigma / SHARE,
        brightness=brightness,
        sd=sd,
        apart=None if found.apart is None else found.apart / SHARE,
        laws=laws(brightness, sd, error=found.error),
        coarse_colours=True,
    )


def _uncut(brightness: Tensor, sd: Tensor) -> Tensor:
    """Bands of which little was cut off at 0 and 1 in each channel, if there is one.

    JPEG blurs what was cut off, so that it is not seen in the values.
    """
    far = UNCUT * sd.median()
    kept = (brightness >= far) & (brightness <= 1 - far)
    return kept if bool(kept.any()) else ~kept


def _luma(y: Tensor) -> Tensor:
    return (y * y.new_tensor(WEIGHTS)[:, None, None]).sum(1, keepdim=True)


_SCALES = tuple(math.sqrt(1 - 2 * WEIGHTS[channel] + SHARE**2) for channel in (2, 0))
"""The noise of B - Y and R - Y, over that of a channel."""
