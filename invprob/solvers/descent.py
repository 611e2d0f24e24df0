r"""Down the gradients of the data and of a pull towards an image, while that image stays.

    x <- w + step (grad log p(y | w) + (target - w) / variance),      step = 1 / (h + 1 / variance)

with h the likelihood's curvature where it begins, pixel by pixel (see `curvature`), and at least
so large that the gradient moves none farther than sigma: Poisson's grows without bound at black.
w is beyond the x before (see `momentum`).

A gradient costs little beside a network's answer, so that several of these steps are taken for
each answer. What they near is the proximal map of the likelihood around the target, of which they
need no more than a gradient; the fixed points are those of one step for each answer. Few answers
need that map well, eight steps; where there are many, each begins near its end, and three do: 96
steps in a run, at most eight and at least three for an answer.

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
from .annealing import DescentState
from .momentum import look_ahead

ALL = 96
FEWEST, MOST = 3, 8


def steps_of(state: DescentState, /) -> int:
    """How many steps are taken for each of the run's denoiser calls.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.ones(1, 1, 2, 2))
    >>> begin = DescentState.begin
    >>> [steps_of(begin(problem, torch.ones(calls), None, curved=True)) for calls in (8, 24, 40)]
    [8, 4, 3]
    """
    return 1 if state.positive else min(max(ALL // len(state.plan), FEWEST), MOST)


def descend(
    problem: Problem[Any, Differentiable],
    state: DescentState,
    start: Tensor,
    target: Tensor,
    variance: Tensor,
    sigma: Tensor,
    /,
) -> tuple[Tensor, Tensor]:
    """Some steps; the images, and what `curvature` is to remember, both `(B, *image)`.

    Args:
        problem: y and its likelihood.
        state: of the run, which says how many steps, and what `curvature` remembers.
        start: where to begin, `(B, *image)`; not darker than black where the state is positive.
        target: the images that pull, `(B, *image)`.
        variance: how weakly they do, `()`, in squared units of the image.
        sigma: how far the data's gradient moves a pixel at most in a step, `()`.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.ones(1, 1, 2, 2))
    >>> black, sigma = torch.zeros(1, 1, 2, 2), torch.tensor(0.1)
    >>> state = DescentState.begin(problem, torch.full((8,), 0.1), black, curved=True)
    >>> x, _ = descend(problem, state, black, black, sigma**2, sigma)
    >>> x.round(decimals=2)[0, 0, 0]
    tensor([0.5000, 0.5000])
    """
    before = w = start
    momentum, height = start.new_ones(len(start)), start.new_empty(0)
    bend, positive = state.bend, state.positive
    for number in range(steps_of(state)):
        pull = problem.likelihood.grad_x(problem.y, w)
        if number == 0:
            bend, height = curvature.at(problem, w, pull, bend, positive=positive)
            height = variance * height
        steep = torch.maximum(height, variance * pull.abs() / sigma)
        x = w + (variance * pull + target - w) / (1 + steep)
        w, momentum = look_ahead(before, w, x, momentum)
        before = x
    return torch.maximum(x, start / 2).clamp(min=0) if positive else x, bend
