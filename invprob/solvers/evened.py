"""A measurement as a picture in [0, 1] with white Gaussian noise, by a transform of its pixels.

    u = (T(y) - low) / (high - low),     of noise sd / (high - low)

with a variance-stabilising transform T (`Stabilises`). The range is that of each image's own
means over 5 x 5 pixels, and a tenth more at either end, so that u fills the range that a prior for
images knows; and no narrower than that the noise is at most 0.5, or the most that the prior
denoises.
`VST` and `VSTSampling` do the rest.
"""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..contracts import Denoises, Map, Stabilises
from ..operators.structure import observed
from ..problem import Problem, domain_of

WINDOW = 5
ENOUGH = 0.15
"""The share of a window's pixels whose mean counts."""
MARGIN = 0.1
LOUDEST = 0.5


@frozen(eq=False)
class Evened:
    """Pictures with noise that is white, nearly.

    Attributes:
        u: the pictures, `(B, *image)`; 0 where nothing was measured.
        sigma: of their noise, `(B,)`.
        low: T at u = 0, in a shape that broadcasts.
        width: T at u = 1, less that.
        inverse: of T, unbiased.
    """

    u: Tensor
    sigma: Tensor
    low: Tensor
    width: Tensor
    inverse: Map

    def image(self, u: Tensor, /) -> Tensor:
        """From pictures to images, unbiased."""
        return self.inverse(u * self.width + self.low)


def evened(problem: Problem[Denoises, Stabilises], rows: slice = slice(None), /) -> Evened:
    """The measurement as pictures.

    Args:
        problem: the noise, and the noise levels that the prior denoises.
        rows: of the measurement, those that are wanted.
    """
    least, most = domain_of(problem.prior).sigma
    even, seen = problem.likelihood.stabilise(problem.y[rows]), measured(problem)
    low, width = _range(even.value, even.sd / min(LOUDEST, most), seen)
    u = (even.value - low) / width
    sigma = (even.sd / width).flatten().clamp(least, most)
    return Evened(u if seen is None else u * seen, sigma, low, width, even.inverse)


def measured(problem: Problem[Denoises, Stabilises]) -> Tensor | None:
    """1 for pixels that were measured, 0 for others, `(1, *image)`; None if there are none."""
    operator = getattr(problem.likelihood, "operator", None)
    seen = observed(operator, problem.image_shape).to(problem.y)
    return None if bool(seen.all()) else seen.expand(1, *problem.image_shape)


def _range(value: Tensor, narrowest: float, seen: Tensor | None) -> tuple[Tensor, Tensor]:
    """Where each image's range begins and how wide it is, in a shape that broadcasts."""
    counted = torch.ones_like(value) if seen is None else seen.expand_as(value)
    sums, shares = value * counted, counted
    if value.ndim == 4:
        window = min(WINDOW, value.shape[-2]), min(WINDOW, value.shape[-1])
        windows = avg_pool2d(counted, window)
        if bool((windows >= ENOUGH).flatten(1).any(1).all()):
            sums, shares = avg_pool2d(sums, window), windows
    counts, means = shares >= ENOUGH, sums / shares.clamp(min=ENOUGH)
    low = torch.where(counts, means, torch.inf).flatten(1).amin(1)
    high = torch.where(counts, means, -torch.inf).flatten(1).amax(1)
    width = ((1 + 2 * MARGIN) * (high - low)).clamp(min=narrowest)
    shape = (-1, *[1] * (value.ndim - 1))
    return ((low + high - width) / 2).view(shape), width.view(shape)
