"""What lies beyond the images that a law and a network know: pixels far above white, or negative.

Speckle multiplies, and a radar sees point targets that are hundreds of times as bright as all
else. They are what they were measured to be, but a network that meets one spoils the image around
it. So under noise that multiplies a few of them are left out, and put back as they were measured.

Under a law of a brightness (`Gamma`, `Rayleigh`, `Poisson`) no image is negative, and an estimate
that is, through a network that does not know it, is not written so.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import torch
from attrs import evolve
from torch import Tensor

from ..brightness import few_above
from ..compatibility import lacks
from ..contracts import Shape
from ..likelihoods.observed import Observed
from ..likelihoods.pixelwise import Pixelwise
from ..operators.mask import Mask
from ..problem import Problem
from ..result import Result
from ..streams import generator

ABOVE = 2.0
"""So many times the brightest speckle of a white image is no speckle of an image in [0, 1]."""

LEAST = 0.001
"""Fewer negative values than this are not worth a word."""


def without_targets(noise: Any, y: Tensor, /) -> Observed | None:
    """The noise of the pixels that are not far above white; None if that is all, or most are."""
    shape = tuple(y.shape[1:])
    if isinstance(noise, Observed) or lacks(noise, Pixelwise):
        return None
    if not multiplies(noise, shape):
        return None
    limit = ABOVE * float(cast(Any, noise).sample(torch.ones(1, *shape), generator(0)).max())
    return Observed(noise, Mask((y[0] <= limit).cpu())) if few_above(noise, y, limit) else None


def say_what_is_left_out(noise: Observed, y: Tensor, /) -> None:
    """Warn of the pixels that `without_targets` leaves out."""
    count = int((~noise.operator.mask).sum())
    pixels = "1 pixel is" if count == 1 else f"{count} pixels are"
    warnings.warn(
        f"{pixels} far above white, up to {float(y.max()):.4g} times as bright: not estimated, "
        "and in the result as measured",
        stacklevel=3,
    )


def multiplies(noise: Any, shape: Shape, /) -> bool:
    """Whether noise of images of that shape is in proportion to them: speckle.

    >>> import invprob as ip
    >>> laws = ip.Gamma(4), ip.Rayleigh(0.3), ip.Poisson(30)
    >>> [multiplies(noise, (1, 8, 8)) for noise in laws]
    [True, True, False]
    """
    once, twice = (noise.sample(torch.full((1, *shape), k), generator(0)) for k in (0.5, 1.0))
    return torch.allclose(twice, 2 * once, rtol=1e-3)


def with_targets(result: Result, problem: Problem[Any, Any], /) -> Result:
    """What was left out by `without_targets`, as it was measured."""
    seen = problem.likelihood.operator.mask.to(result.samples.device)
    return evolve(result, samples=torch.where(seen, result.samples, problem.y))


def without_negatives(result: Result, noise: Any, /) -> Result:
    """Black for what is negative, under a law of a brightness; a warning if it is much."""
    negative = result.samples < 0
    if not bool(negative.any()) or takes_negatives(noise, result.x):
        return result
    if (share := float(negative.float().mean())) > LEAST:
        warnings.warn(
            f"{share:.1%} of the result's values were negative, and {noise!r} is of a brightness: "
            "they are black now",
            stacklevel=3,
        )
    return evolve(result, samples=result.samples.clamp(min=0))


def takes_negatives(noise: Any, x: Tensor, /) -> bool:
    """Whether a law can make a measurement of a negative image of that shape.

    An error of any other image as well is raised: its sign is not why.
    """
    one = torch.ones_like(x).cpu()
    try:
        noise.sample(-one, generator(0))
    except Exception:  # ours say InputError; a plugin's may raise anything
        noise.sample(one / 2, generator(0))
        return False
    return True
