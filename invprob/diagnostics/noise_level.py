"""How noisy is an image? Its noise level at each brightness, from the image alone.

For y = x + sigma n and the MMSE denoiser D = E[x | y], Tweedie's formula says that the posterior's
covariance is sigma² ∂D/∂y, and with it

    E ‖y - D‖² = N sigma² - E ‖x - D‖² = (N - div D) sigma²,

so that the noise level is where a function of what the denoiser is told comes back to itself:

    sigma = f(sigma),   f(s)² = ‖y - D(y, s)‖² / (N - div D(y, s)).

Told too much, the denoiser takes texture away with the noise, but f(s) is below s; told too little
it leaves noise, and f(s) is above. The divergence needs one more call, with a little of random
signs b added: div D ≈ b · (D(y + e b) - D(y)) / e. Calls go up and down the levels by a factor of
1.4 from a first guess, the quietest tenth of the image's blocks of 8 x 8 pixels under a filter
that is blind to slopes, and f(s) = s is solved between them, with another call where it was found,
until that stays.

Most noise is not as strong in the dark as in the light. The same sums over the pixels of one
brightness (of D) give the noise there, with D told what is right for them. What their variances
say about the law of the noise is for `noise_laws`.

It rests on a good denoiser of such images and on noise that is white: noise that was filtered,
enlarged, or compressed is taken for texture, and what is found is too little. But of every third
pixel alone the noise is nearly white then, and more is found.

References: B. Efron (2011). Tweedie's Formula and Selection Bias. JASA 106(496).
https://doi.org/10.1198/jasa.2011.tm11181; S. Ramani, T. Blu, M. Unser (2008). Monte-Carlo SURE.
IEEE TIP 17(9). https://doi.org/10.1109/TIP.2008.2001404 (the divergence); J. Immerkær (1996). Fast
Noise Variance Estimation. CVIU 64(2). https://doi.org/10.1006/cviu.1996.0060 (the filter).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..compatibility import lacks
from ..contracts import Denoises, Domain, HasDomain
from ..errors import InputError
from .noise_bands import estimate
from .noise_colours import of_luma
from .noise_curves import Looks
from .noise_estimate import NoiseEstimate
from .noise_numbers import with_numbers
from .noise_speckle import of_logarithm

LEAST_SIDE, CROP = 32, 256
"""The smallest image; and the side of the four crops of one of more than twice that side."""
APART = 3


def estimate_noise(y: Tensor, prior: Denoises | None = None, /, *, seed: int = 0) -> NoiseEstimate:
    """The noise level of images at each brightness, and which law of noise would explain it.

    Args:
        y: noisy images with the same noise, `(B, C, H, W)`, at least 32 x 32; not blurred after
            the noise came. Of large ones four crops are looked at. Entries that are not finite,
            and what is next to them, do not count.
        prior: a denoiser of such images; by default the embedded one, of photographs.
        seed: of the known noise that is added.

    Returns:
        Noise levels in the unit of the image, right to a few percent from 0.01 on for
        photographs. Noise whose mean is not the image (Rayleigh) is taken for what it is around
        its mean.

    Raises:
        InputError: no such images, or hardly a finite number in them, or no noise that the prior
            could see.

    >>> import invprob as ip
    >>> photo = ip.sample_photo()[..., 64:192, 64:192]
    >>> y = ip.Gaussian(sigma=0.1).sample(photo, ip.generator(0))
    >>> found = ip.estimate_noise(y)
    >>> found.best.name, round(found.likelihood.sigma, 2)
    ('gaussian', 0.1)
    """
    y = measured = _checked(y)
    if prior is None:
        from ..priors.denoiser import DenoiserPrior

        prior = DenoiserPrior.pretrained()
        y = y if y.shape[1] in (1, 3) else y.flatten(0, 1)[:, None]
    elif reason := lacks(prior, Denoises):
        raise InputError(
            f"{prior!r} denoises nothing ({reason}); leave it out, or give a denoiser"
        )
    domain = prior.domain() if isinstance(prior, HasDomain) else Domain()

    def look(image: Tensor) -> NoiseEstimate:
        apart = None
        if domain.shape is not None:  # it takes no crops, and no image of fewer pixels
            return estimate(Looks(image, prior, seed), image, domain.sigma, None)
        if min(image.shape[-2:]) >= APART * LEAST_SIDE:
            far = Looks(_crops(image[..., ::APART, ::APART]), prior, seed)
            apart = far.sigma(domain.sigma)
        return estimate(Looks(_crops(image), prior, seed), image, domain.sigma, apart)

    with torch.no_grad():
        found = _of_parts(y, domain, look)
    return with_numbers(found, measured)


def _of_parts(
    y: Tensor, domain: Domain, look: Callable[[Tensor], NoiseEstimate], /
) -> NoiseEstimate:
    """From the brightness alone where that says more, or the logarithm."""
    if y.shape[1] == 3 and 1 in (domain.channels or ()):
        if (one := _gray(y)) is not None:
            y = one
        elif told := of_luma(y, _crops(y), look):
            return told
    if domain.shape is not None:
        return look(y)
    try:
        found = look(y)
    except InputError:
        if told := of_logarithm(y, None, look):
            return told
        raise
    return of_logarithm(y, found, look) or found


def _gray(y: Tensor) -> Tensor | None:
    """The channel that gray images have three times, NaN where one is not finite, or None."""
    known = y.isfinite().all(1, keepdim=True)
    same = bool(((y == y[:, :1]) | ~known).all())
    return y[:, :1].where(known, torch.nan) if same else None


def _crops(y: Tensor) -> Tensor:
    """Four crops side by side in the batch, if images are large."""
    high, wide = y.shape[-2:]
    if max(high, wide) <= 2 * CROP:
        return y
    tops, lefts = (_starts(side) for side in (high, wide))
    crops: list[Any] = [
        y[..., top : top + CROP, left : left + CROP] for top in tops for left in lefts
    ]
    return torch.cat(crops)


def _starts(side: int) -> tuple[int, ...]:
    if side <= 2 * CROP:
        return (max((side - CROP) // 2, 0),)
    return tuple(math.floor(share * side) - CROP // 2 for share in (0.3, 0.7))


def _checked(y: Tensor) -> Tensor:
    """In single precision at least."""
    if y.ndim != 4 or min(y.shape[-2:]) < LEAST_SIDE or not y.numel():
        raise InputError(
            f"y has shape {tuple(y.shape)}; give images (B, C, H, W) of at least {LEAST_SIDE} x "
            f"{LEAST_SIDE} pixels"
        )
    if not y.is_floating_point():
        raise InputError(f"y is {y.dtype}; divide it by what is white, in floating point")
    return y if y.dtype == torch.float64 else y.float()
