"""How sharply a likelihood curves: the step size of a gradient method, from gradients alone.

A gradient step on -log p(y | x) is stable if it is shorter than 2 / L, where L is the largest
eigenvalue of the Hessian at x. The power method finds it with one more gradient for each
iteration,

    Hessian d ≈ (grad(x) - grad(x + small d)) / small,      d <- Hessian d / ‖Hessian d‖,

exact for linear-Gaussian measurements, where L = s_max² / sigma². Elsewhere L depends on x, so a
method takes a few iterations at its start and one more at each step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..contracts import Differentiable
from ..problem import Problem
from ..streams import generator

SMALL = 1e-3
ITERATIONS = 20
SAFETY = 1.05


def refine(
    problem: Problem[Any, Differentiable], x: Tensor, gradient: Tensor, direction: Tensor, /
) -> tuple[Tensor, Tensor]:
    """One iteration of the power method: the next direction `(B, *image)`, and L `(B,)` so far.

    Args:
        problem: y and its likelihood.
        x: where, `(B, *image)`.
        gradient: the likelihood's `grad_x` there.
        direction: the direction so far, of root mean square 1 in each row.
    """
    shifted = problem.likelihood.grad_x(problem.y, x + SMALL * direction)
    bent = (gradient - shifted) / SMALL
    length = bent.flatten(1).square().mean(1).sqrt()
    rows = length.reshape(-1, *[1] * (x.ndim - 1))
    following = torch.where(rows > 0, bent / rows, direction)
    return following, SAFETY * length


def measure(problem: Problem[Any, Differentiable], x: Tensor, /) -> tuple[Tensor, Tensor]:
    """The direction `(B, *image)` and the curvature L `(B,)` at x, by the power method.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.rand(1, 1, 4, 4))
    >>> (measure(problem, problem.y)[1] / SAFETY).round()
    tensor([100.])
    """
    one = torch.randn(x.shape[1:], generator=generator(0), dtype=torch.float64)
    direction = (one / one.square().mean().sqrt()).to(x).expand_as(x)
    gradient = problem.likelihood.grad_x(problem.y, x)
    curvature = x.new_zeros(len(x))
    for _ in range(ITERATIONS):
        direction, curvature = refine(problem, x, gradient, direction)
    return direction, curvature
