r"""Down the gradients of the data and of a pull towards an image, while that image stays.

    x <- w + step (grad log p(y | w) + (target - w) / variance),      step = 1 / (h + 1 / variance)

with h the likelihood's curvature where it begins, pixel by pixel (see `curvature`), and at least
so large that the gradient moves none farther than sigma: Poisson's grows without bound at black.
w is beyond the x before (see `momentum`).

A gradient costs little beside a network's answer, so that eight of these steps are taken for each
answer. What they near is the proximal map of the likelihood around the target, of which they need
no more than a gradient; the fixed points are those of one step for each answer.

Where the likelihood knows no image darker than black, its curvature grows without bound towards
black, and steps that trust where it was would be too long. There one step is taken for each
answer, and none takes more than half of a pixel's brightness away, so that the edge is neared and
never crossed.

Reference: Y. Nesterov (2004). Introductory Lectures on Convex Optimization. Section 2.2.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..contracts import Differentiable
from ..problem import Problem
from . import curvature
from .momentum import look_ahead

STEPS = 8


def descend(
    problem: Problem[Any, Differentiable],
    start: Tensor,
    target: Tensor,
    variance: Tensor,
    sigma: Tensor,
    bend: Tensor,
    /,
    *,
    positive: bool,
) -> tuple[Tensor, Tensor]:
    """Some steps; the images, and what `curvature` is to remember, both `(B, *image)`.

    Args:
        problem: y and its likelihood.
        start: where to begin, `(B, *image)`.
        target: the images that pull, `(B, *image)`.
        variance: how weakly they do, `()`, in squared units of the image.
        sigma: how far the data's gradient moves a pixel at most in a step, `()`.
        bend: what `curvature` remembers, `(B, *image)`.
        positive: whether the likelihood knows no images darker than black; start has none.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.ones(1, 1, 2, 2))
    >>> black, sigma = torch.zeros(1, 1, 2, 2), torch.tensor(0.1)
    >>> bend = curvature.begin(problem, black)
    >>> x, _ = descend(problem, black, black, sigma**2, sigma, bend, positive=False)
    >>> x.round(decimals=2)[0, 0, 0]
    tensor([0.5000, 0.5000])
    """
    before = w = start
    momentum, height = start.new_ones(len(start)), start.new_empty(0)
    for number in range(1 if positive else STEPS):
        pull = problem.likelihood.grad_x(problem.y, w)
        if number == 0:
            bend, height = curvature.at(problem, w, pull, bend, positive=positive)
            height = variance * height
        steep = torch.maximum(height, variance * pull.abs() / sigma)
        x = w + (variance * pull + target - w) / (1 + steep)
        w, momentum = look_ahead(before, w, x, momentum)
        before = x
    return torch.maximum(x, start / 2).clamp(min=0) if positive else x, bend
