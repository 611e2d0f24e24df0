"""Draws for split Gibbs from what is linear, or nearly: data behind an operator without a basis.

Near an image any noise on H x looks like Gaussian noise (`linearised`), and a draw from it against
another Gaussian is a linear system (`likelihoods.draws`). Three things make systems cheap:

* The mean of an old draw and a new one is one system, with the mean of their random numbers.
* A system takes as many products with H, about, as the width rho is larger than sd, the deviation
  of what the data know well. While levels r are high so much is not worth it: data count as
  noisier than they are, by the factor (1 + (r / 50 sd)²)^½. What is known well is known to 2
  percent of r then, and at the end as well as it is.
* It is solved to a fiftieth of a draw's deviation in the root of the mean square, or of what the
  data move, where that is less.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from attrs import evolve
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import Linearised, LocallyLinear, Spectral
from ..likelihoods.draws import draw, usual_sharpness
from ..likelihoods.rows import normal
from ..problem import Problem

PINNED = 0.02
"""How noisy data count that are known far better than a level, over it."""
ERROR = 0.02
"""Of a system: the residual, over the deviation of what is drawn or over the first one."""


def is_linear(likelihood: object, /) -> bool:
    """Whether draws are those of a linear measurement, for lack of a singular basis."""
    return lacks(likelihood, Spectral) is not None and lacks(likelihood, LocallyLinear) is None


def mean_of_draws(
    likelihood: Any,
    data: tuple[Tensor, Tensor],
    widths: tuple[Tensor, float],
    seeds: tuple[Tensor, ...],
    /,
) -> Tensor:
    """The mean of the draws of all seeds, for each width, `(widths, B, *image)`.

    Args:
        likelihood: what is drawn from.
        data: y and the images around which is drawn, `(B, ...)` each.
        widths: rho, `(widths,)`; and the level, over the deviation of what the data know well.
        seeds: `(B,)` each.
    """
    rho, above = widths
    y, v = (t.repeat(len(rho), *[1] * (t.ndim - 1)) for t in data)
    each = rho.repeat_interleave(len(data[0]))
    near = _noisier(likelihood.linearised(y, v, each), math.hypot(1, PINNED * above))
    rows = [
        [_numbers(int(seed), near.w[:1], v[:1], len(rho)) for seed in row]
        for row in zip(*seeds, strict=True)
    ]
    noise = [
        torch.stack([torch.stack([one[i] for one in row]).mean(0) for row in rows], 1)
        for i in (0, 1)
    ]
    drawn = draw(near, v, each, (noise[0].flatten(0, 1), noise[1].flatten(0, 1)), ERROR, ERROR)
    return drawn.reshape(len(rho), *data[1].shape)


def _noisier(data: Linearised, factor: float) -> Linearised:
    inverse = data.inverse
    nearly = inverse and (lambda rate: inverse(rate / factor**2))
    return evolve(data, sd=data.sd * factor, inverse=nearly)


def _numbers(seed: int, w: Tensor, x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Normal numbers of a measurement and of an image, `(count, ...)` each."""
    stream = Generator().manual_seed(seed)
    first, second = (normal(like.expand(count, *like.shape[1:]), stream) for like in (w, x))
    return first, second


def measures_most(problem: Problem[Any, Any], x: Tensor, /) -> bool:
    """Whether data that are linear have at least half as many numbers as an image."""
    if not is_linear(problem.likelihood):
        return False
    sigma = x.new_ones(len(x))
    near: Linearised = problem.likelihood.linearised(problem.y, x, sigma)
    seen = (near.sd < torch.inf).expand_as(near.w)
    return bool(seen.sum() >= x.numel() / 2)


def deviation_of_known(likelihood: Any, y: Tensor, x: Tensor, sigma: Tensor, /) -> float:
    """The standard deviation of what is known well near x; infinite if nothing is known."""
    sharp = usual_sharpness(likelihood.linearised(y, x, sigma), x)
    return sharp**-0.5 if sharp > 0 else math.inf
