"""Noise levels band by band: of pixels with about the same brightness.

Bands have as many pixels each, but are no narrower than brightness is known; small images have
fewer. Those with too few pixels, or whose noise was cut off at 0 and 1, are left out. Pixels that
were cut off have hardly any noise, and then the noise of all is that of the bands that are left.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import InputError
from .noise_curves import Looks
from .noise_estimate import NoiseEstimate
from .noise_laws import laws

BANDS = 8
"""Of brightness, each with as many pixels, at most."""
CLIPPED = 0.03
"""The share of clipped pixels in a band that is left out."""
MANY = 1_000_000
"""Pixels that are enough to find the bands."""
FEWEST = 200
"""Pixels of a band."""
ENDS = "--black VALUE --white VALUE"
"""How the unit is said; who knows the file can put its own ends in the place of this."""


def estimate(
    looks: Looks, image: Tensor, ends: tuple[float, float], apart: float | None, /
) -> NoiseEstimate:
    """The noise of the images that are looked at.

    Args:
        looks: at them.
        image: what they are parts of, for messages.
        ends: the least and the greatest noise level that the denoiser takes.
        apart: the noise of every third pixel.

    Raises:
        InputError: the denoiser sees none, or it was cut off at every brightness.
    """
    if (count := int(looks.known.sum())) < FEWEST:
        raise InputError(
            f"only {count} numbers of y are finite and apart from those that are not; at least "
            f"{FEWEST} are needed: fill in the others, or give a part of the image without them"
        )
    sigma = looks.sigma(ends)
    if not sigma > 0:
        raise _too_weak(looks, image)
    if not sigma < math.inf:
        above = f"the noise is above {max(looks.found):.2g}, the most that this prior sees"
        raise InputError(
            f"{above}, and {_range(image)}; images are in [0, 1]: if these are not, say which "
            "values are black and white",
            typed=ENDS,
        )
    denoised = looks.prior.denoise(looks.y, looks.y.new_tensor(sigma)).contiguous()
    edges = _edges(denoised[looks.known], looks.error(sigma))
    number = torch.bucketize(denoised, edges)
    every = ((number == which) & looks.known for which in range(len(edges) + 1))
    bands = [one for one in every if _tells(one, looks.y)]
    cut = _cut(looks.known, looks.y)
    if not bands:
        raise InputError(
            f"{cut:.1%} of all numbers are cut off at 0 and 1, and more than {CLIPPED:.0%} at any "
            f"brightness of {FEWEST} numbers: noise can't be seen there; keep values beyond "
            "(TIFF with 32 bits, NPY)"
        )
    sd = torch.tensor(looks.solve(bands, ends), dtype=torch.float64)
    brightness = torch.stack([denoised[one].mean() for one in bands]).cpu().double()
    seen = (sd < math.inf) & (sd > 0)
    if not bool(seen.any()):
        brightness = denoised[looks.known].mean()[None].cpu().double()
        sd = torch.tensor([sigma]).double()
    else:
        brightness, sd = brightness[seen], sd[seen]
    error = looks.error(sigma)
    found = laws(brightness, sd, error=error)
    if cut >= CLIPPED and bool(seen.any()):
        counts = torch.tensor([int(one.sum()) for one in bands], dtype=torch.float64)[seen]
        of_bands = float(((counts * sd.square()).sum() / counts.sum()).sqrt())
        apart = None if apart is None else apart * of_bands / sigma
        sigma = of_bands
    return NoiseEstimate(sigma, brightness, sd, apart, found, error, cut=cut)


def _too_weak(looks: Looks, image: Tensor) -> InputError:
    """What to say where no noise was found."""
    return InputError(
        f"no noise, or it is weaker than {looks.lowest:.2g} of white, the least that this prior "
        f"sees; {_range(image)}. Images are in [0, 1]: if these are not, say which values are "
        "black and white; a smaller white, which may lie below the brightest pixels, shows weak "
        "noise of dark images",
        typed=f"{ENDS}, a smaller one for weak noise of dark images",
    )


def _range(y: Tensor) -> str:
    least, most = (float(end) for end in y[y.isfinite()].aminmax())
    return f"y has values from {least:.4g} to {most:.4g}"


def _edges(values: Tensor, error: float) -> Tensor:
    """Between bands of as many pixels each, but no narrower than brightness is known."""
    count = min(BANDS, len(values) // FEWEST)
    if count == 1:
        return values.new_empty(0)
    shares = torch.linspace(0, 1, count + 1).to(values)[1:-1]
    edges = values[:: -(-len(values) // MANY)].quantile(shares).tolist()
    kept = edges[:1]
    for edge in edges[1:]:
        if edge >= kept[-1] + error:
            kept.append(edge)
    return values.new_tensor(kept)


def _tells(pixels: Tensor, y: Tensor) -> bool:
    """Whether these are enough, and their noise was not cut off at 0 and 1."""
    return int(pixels.sum()) >= FEWEST and _cut(pixels, y) < CLIPPED


def _cut(pixels: Tensor, y: Tensor) -> float:
    """The share of these pixels that are at 0 and 1, if none of all is beyond."""
    least, most = y.aminmax()
    if float(least) < 0 or float(most) > 1:
        return 0.0
    values = y[pixels]
    return float(((values <= 0) | (values >= 1)).float().mean())
