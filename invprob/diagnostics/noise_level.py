"""How noisy is an image? Its noise level at each brightness, from the image alone.

For y = x + sigma n and the MMSE denoiser D = E[x | y], Tweedie's formula says that the posterior's
covariance is sigma² ∂D/∂y, and with it

    E ‖y - D‖² = N sigma² - E ‖x - D‖² = (N - div D) sigma²,

so that the noise level is where a function of what the denoiser is told comes back to itself:

    sigma = f(sigma),   f(s)² = ‖y - D(y, s)‖² / (N - div D(y, s)).

Told too much, the denoiser takes texture away with the noise, but f(s) is below s; told too little
it leaves noise, and f(s) is above. The divergence needs one more call, with a little known noise b
added: div D ≈ b · (D(y + e b) - D(y)) / e. Calls go up and down the levels by a factor of 1.4 from
a first guess, the quietest tenth of the image's blocks of 8 x 8 pixels under a filter that is
blind to slopes, and f(s) = s is solved between them.

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
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from attrs import field, frozen
from torch import Tensor

from ..contracts import Denoises, Domain, HasDomain
from ..errors import InputError
from ..streams import generator
from .noise_laws import Law, laws

BANDS = 8
"""Of brightness, each with as many pixels."""
FACTOR = 1.4
"""From one noise level to the next."""
NUDGE, NUDGES = 0.1, 7461
"""The known noise, in units of the level; and its key: no other noise of that seed is the same."""
LEAST_SIDE, CROP = 32, 256
"""The smallest image; and the side of the four crops of one of more than twice that side."""
BLOCK, QUIET = 8, 0.1
LEAST = 1e-4
APART = 3
WHITE = (1.4, 0.01)
"""Pixels so far apart are noisier than neighbours say by less than this factor, and this much (in
squares), if noise is white: what photographs in which nothing is smooth were seen to reach."""
CLIPPED = 0.01
"""The share of clipped pixels in a band that is left out."""
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
    _check(y)
    if prior is None:
        from ..priors.denoiser import DenoiserPrior

        prior = DenoiserPrior.pretrained()
        y = y if y.shape[1] in (1, 3) else y.flatten(0, 1)[:, None]
    domain = prior.domain() if isinstance(prior, HasDomain) else Domain()
    with torch.no_grad():
        apart = None
        if min(y.shape[-2:]) >= APART * LEAST_SIDE:
            far = _Looks(_crops(y[..., ::APART, ::APART]), prior, seed)
            apart = far.sigma(domain.sigma)
        return _estimate(_Looks(_crops(y), prior, seed), domain.sigma, apart)


def _estimate(looks: _Looks, ends: tuple[float, float], apart: float | None) -> NoiseEstimate:
    sigma = looks.sigma(ends)
    if not sigma > 0:
        raise InputError(f"no noise: it is below {looks.lowest:.2g}, the least this prior sees")
    denoised = looks.prior.denoise(looks.y, looks.y.new_tensor(sigma))
    edges = denoised.flatten().quantile(torch.linspace(0, 1, BANDS + 1).to(denoised)[1:-1])
    number = torch.bucketize(denoised, edges)
    bands = [one for one in (number == which for which in range(BANDS)) if _tells(one, looks.y)]
    if not bands:
        raise InputError("almost all pixels are 0 or 1: the noise was cut off; nothing to see")
    sd = torch.tensor(looks.solve(bands, ends), dtype=torch.float64)
    brightness = torch.stack([denoised[one].mean() for one in bands]).double().cpu()
    return NoiseEstimate(sigma, brightness, sd, apart, laws(brightness, sd))


class _Looks:
    """What the denoiser says of an image at each level that was looked at."""

    def __init__(self, y: Tensor, prior: Denoises, seed: int) -> None:
        self.y, self.prior = y, prior
        nudge = torch.randn(y.shape, generator=generator(seed, NUDGES), dtype=y.dtype)
        self.nudge = nudge.to(y.device)
        self.found: dict[float, tuple[Tensor, Tensor]] = {}

    @property
    def lowest(self) -> float:
        """The lowest level."""
        return min(self.found)

    def around(self, level: float) -> None:
        """Look at this level: (y - D)², and what adds up to the divergence, in each pixel."""
        told, step = self.y.new_tensor(level), NUDGE * level
        denoised = self.prior.denoise(self.y, told)
        moved = self.prior.denoise(self.y + step * self.nudge, told)
        kept = self.nudge * (moved - denoised) / step
        self.found[level] = (self.y - denoised).square(), kept

    def sigma(self, ends: tuple[float, float]) -> float:
        """The noise of all pixels."""
        self.around(min(max(_guess(self.y), 1.01 * ends[0], LEAST), 0.7 * ends[1]))
        return self.solve([torch.ones_like(self.y, dtype=torch.bool)], ends)[0]

    def solve(self, bands: list[Tensor], ends: tuple[float, float]) -> list[float]:
        """The noise of some pixels each; 0 if it is below what the denoiser sees."""
        while self._excess(max(self.found), bands).max() >= 0 and self._up < ends[1]:
            self.around(self._up)
        while self._excess(self.lowest, bands).min() < 0 and self._down > max(ends[0], LEAST):
            self.around(self._down)
        levels = sorted(self.found)
        excess = torch.stack([self._excess(level, bands) for level in levels], 1)
        return [_crossing(levels, row) for row in excess.tolist()]

    @property
    def _up(self) -> float:
        return max(self.found) * FACTOR

    @property
    def _down(self) -> float:
        return self.lowest / FACTOR

    def _excess(self, level: float, bands: list[Tensor]) -> Tensor:
        """Log f(s) / s of each."""
        left, kept = self.found[level]
        ratios = [left[one].mean() / (1 - kept[one].mean()).clamp(min=0.01) for one in bands]
        return 0.5 * torch.stack(ratios).double().cpu().log() - math.log(level)


def _crossing(levels: list[float], excess: list[float]) -> float:
    """Where log f(s) / s goes through zero, from the highest level down."""
    if excess[-1] >= 0:
        return levels[-1]
    for place in reversed(range(len(levels) - 1)):
        here, there = excess[place : place + 2]
        if here >= 0:
            low, high = map(math.log, levels[place : place + 2])
            return math.exp(low + (high - low) * here / (here - there))
    return 0.0


def _guess(y: Tensor) -> float:
    """A first noise level, mostly too high."""
    kernel = y.new_tensor([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6
    rough = F.conv2d(y.flatten(0, 1)[:, None], kernel[None, None]).square()
    return float(F.avg_pool2d(rough, BLOCK).flatten().quantile(QUIET).sqrt())


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


def _check(y: Tensor) -> None:
    if y.ndim != 4 or min(y.shape[-2:]) < LEAST_SIDE or not len(y):
        raise InputError(
            f"y has shape {tuple(y.shape)}; give images (B, C, H, W) of at least {LEAST_SIDE} x "
            f"{LEAST_SIDE} pixels"
        )
    if not bool(torch.isfinite(y).all()):
        raise InputError("y has values that are not finite")
