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
that is blind to slopes, and f(s) = s is solved between them.

Most noise is not as strong in the dark as in the light. The same sums over the pixels of one
brightness (of D) give the noise there, with D told what is right for them. What their variances
say about the law of the noise is for `noise_laws`.

It rests on a good denoiser of such images (the embedded one finds 7 % too little in one that is
flat all over) and on noise that is white: noise that was filtered, enlarged, or compressed is
taken for texture, and what is found is too little. But of every third pixel alone the noise is
nearly white then, and more is found.

References: B. Efron (2011). Tweedie's Formula and Selection Bias. JASA 106(496).
https://doi.org/10.1198/jasa.2011.tm11181; S. Ramani, T. Blu, M. Unser (2008). Monte-Carlo SURE.
IEEE TIP 17(9). https://doi.org/10.1109/TIP.2008.2001404 (the divergence); J. Immerkær (1996). Fast
Noise Variance Estimation. CVIU 64(2). https://doi.org/10.1006/cviu.1996.0060 (the filter).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from attrs import field, frozen
from torch import Tensor

from ..compatibility import lacks
from ..contracts import Denoises, Domain, HasDomain
from ..errors import InputError
from .noise_curves import Looks
from .noise_laws import Law, laws

BANDS = 8
"""Of brightness, each with as many pixels."""
LEAST_SIDE, CROP = 32, 256
"""The smallest image; and the side of the four crops of one of more than twice that side."""
APART = 3
WHITE = (1.4, 0.01)
"""Pixels so far apart are noisier than neighbours say by less than this factor, and this much (in
squares), if noise is white: what photographs in which nothing is smooth were seen to reach."""
POOR = 0.12
"""A misfit that is more than errors of noise levels."""
CLIPPED = 0.03
"""The share of clipped pixels in a band that is left out."""
MANY = 1_000_000
"""Pixels that are enough to find the bands."""
FEWEST = 200
"""Pixels of a band."""


@frozen(eq=False)
class NoiseEstimate:
    """The noise of an image.

    Attributes:
        sigma: the root mean square of the noise, in the unit of the image.
        brightness: mean brightness of each band of it that tells something, `(n,)`.
        sd: the noise there, `(n,)`.
        apart: sigma of every third pixel alone; None in images of less than 96 x 96. Where it is
            more, the noise is not white, and this is what it is nearly.
        laws: which laws of noise would explain that, the most plausible first.
    """

    sigma: float
    brightness: Tensor
    sd: Tensor
    apart: float | None
    laws: tuple[Law, ...] = field(repr=False)

    @property
    def best(self) -> Law:
        """The most plausible law; its `text` is what `-l` takes."""
        return self.laws[0]

    @property
    def is_white(self) -> bool:
        """Whether pixels that are apart are not noisier than neighbours seem."""
        factor, beside = WHITE
        return self.apart is None or self.apart < math.hypot(factor * self.sigma, beside)

    def __str__(self) -> str:
        """A small table."""
        lines = [
            f"noise of {self.sigma:.3g} (root mean square; the image is in [0, 1])",
            "brightness " + " ".join(f"{float(value):7.3f}" for value in self.brightness),
            "noise      " + " ".join(f"{float(value):7.4f}" for value in self.sd),
            *(str(law) for law in self.laws),
        ]
        if len(self.laws) == 1:
            lines.append("Brightness varies too little to tell laws of noise apart.")
        elif self.best.misfit > POOR:
            lines.append("None of these laws explains the noise levels well.")
        if not self.is_white:
            lines.append(
                f"The noise is not white: every third pixel has {self.apart:.3g}. It was "
                "filtered, enlarged or compressed, which these laws do not know."
            )
        return "\n".join(lines)


def estimate_noise(y: Tensor, prior: Denoises | None = None, /, *, seed: int = 0) -> NoiseEstimate:
    """The noise level of images at each brightness, and which law of noise would explain it.

    Args:
        y: noisy images with the same noise, `(B, C, H, W)`, at least 32 x 32; not blurred after
            the noise came. Of large ones four crops are looked at.
        prior: a denoiser of such images; by default the embedded one, of photographs.
        seed: of the known noise that is added.

    Returns:
        Noise levels in the unit of the image, right to a few percent from 0.01 on for
        photographs. Noise whose mean is not the image (Rayleigh) is taken for what it is around
        its mean.

    Raises:
        InputError: no such images, or not finite, or without noise that the prior could see.

    >>> import invprob as ip
    >>> photo = ip.sample_photo()[..., 64:192, 64:192]
    >>> y = ip.Gaussian(sigma=0.1).sample(photo, ip.generator(0))
    >>> found = ip.estimate_noise(y)
    >>> round(found.sigma, 2), found.best.name
    (0.1, 'gaussian')
    """
    y = _checked(y)
    if prior is None:
        from ..priors.denoiser import DenoiserPrior

        prior = DenoiserPrior.pretrained()
        y = y if y.shape[1] in (1, 3) else y.flatten(0, 1)[:, None]
    elif reason := lacks(prior, Denoises):
        raise InputError(
            f"{prior!r} denoises nothing ({reason}); leave it out, or give a denoiser"
        )
    domain = prior.domain() if isinstance(prior, HasDomain) else Domain()
    with torch.no_grad():
        if domain.shape is not None:  # it takes no crops, and no image of fewer pixels
            return _estimate(Looks(y, prior, seed), domain.sigma, None)
        apart = None
        if min(y.shape[-2:]) >= APART * LEAST_SIDE:
            far = Looks(_crops(y[..., ::APART, ::APART]), prior, seed)
            apart = far.sigma(domain.sigma)
        return _estimate(Looks(_crops(y), prior, seed), domain.sigma, apart)


def _estimate(looks: Looks, ends: tuple[float, float], apart: float | None) -> NoiseEstimate:
    sigma = looks.sigma(ends)
    if not sigma > 0:
        below = f"no noise: it is below {looks.lowest:.2g}, the least that this prior sees"
        raise _another_unit(below, looks.y)
    if not sigma < math.inf:
        above = f"the noise is above {max(looks.found):.2g}, the most that this prior sees"
        raise _another_unit(above, looks.y)
    denoised = looks.prior.denoise(looks.y, looks.y.new_tensor(sigma)).contiguous()
    number = torch.bucketize(denoised, _edges(denoised, looks.error(sigma)))
    every = (number == which for which in range(BANDS))
    bands = [one for one in every if _tells(one, looks.y)]
    if not bands:
        cut = float(((looks.y <= 0) | (looks.y >= 1)).float().mean())
        raise InputError(
            f"{cut:.1%} of all numbers are cut off at 0 and 1, and more than {CLIPPED:.0%} at any "
            "brightness: noise can't be seen there; keep values beyond (TIFF with 32 bits, NPY)"
        )
    sd = torch.tensor(looks.solve(bands, ends), dtype=torch.float64)
    brightness = torch.stack([denoised[one].mean() for one in bands]).cpu().double()
    seen = (sd < math.inf) & (sd > 0)
    if not bool(seen.any()):
        brightness, sd = denoised.mean()[None].cpu().double(), torch.tensor([sigma]).double()
    else:
        brightness, sd = brightness[seen], sd[seen]
    found = laws(brightness, sd, error=looks.error(sigma))
    return NoiseEstimate(sigma, brightness, sd, apart, found)


def _another_unit(what: str, y: Tensor) -> InputError:
    """What to say where there is no noise level that could be right."""
    return InputError(
        f"{what}, and y has values from {float(y.min()):.4g} to {float(y.max()):.4g}; images are "
        "in [0, 1]: if these are not, say which values are black and white",
        typed="--black VALUE --white VALUE",
    )


def _edges(denoised: Tensor, error: float) -> Tensor:
    """Between bands of as many pixels each, but no narrower than brightness is known."""
    shares = torch.linspace(0, 1, BANDS + 1).to(denoised)[1:-1]
    values = denoised.flatten()
    edges = values[:: -(-len(values) // MANY)].quantile(shares).tolist()
    kept = edges[:1]
    for edge in edges[1:]:
        if edge >= kept[-1] + error:
            kept.append(edge)
    return denoised.new_tensor(kept)


def _tells(pixels: Tensor, y: Tensor) -> bool:
    """Whether these are enough, and their noise was not cut off at 0 and 1."""
    if int(pixels.sum()) < FEWEST:
        return False
    least, most = y.aminmax()
    if float(least) < 0 or float(most) > 1:
        return True
    values = y[pixels]
    return float(((values <= 0) | (values >= 1)).float().mean()) < CLIPPED


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
    if not bool(torch.isfinite(y).all()):
        raise InputError("y has values that are not finite")
    return y if y.dtype == torch.float64 else y.float()
