"""How sharply a likelihood curves, pixel by pixel: step sizes from gradients alone.

A gradient step on -log p(y | x) with a step 1 / h of its own for each pixel is stable if the
Hessian M at x is below the diagonal matrix of h. Photon counts know a dark pixel a thousand times
better than a bright one, so that a single step for all of them moves none. Where no entry of M is
negative, such as for noise that treats every pixel by itself, masks and blurs, the sums of its
rows will do, which one more gradient tells:

    h = |M 1|,      M d ≈ (grad(x) - grad(x + small d)) / small.

For operators with signs there are two more probes, d of random signs, of which the largest counts.
Whether that is enough is seen by the power method for the largest eigenvalue s of h^-½ M h^-½, ten
iterations at the start and one for each step of the solver; where s > 1, h grows by it. Exact
where M is constant, under Gaussian noise, and there it is asked for once; elsewhere each step asks
anew, and a solver must bound its moves besides. Where nothing is known of images darker than
black, no probe takes more than half of a pixel's brightness: beyond black the gradient is a wall,
and one dark pixel that looks across it would give all others steps of 0.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..contracts import Differentiable
from ..problem import Problem
from ..streams import generator
from .excess import noise_is_gaussian
from .momentum import rows

SMALL = 1e-3
ITERATIONS = 10
SAFETY = 1.05
PROBES = 2
LEAST = 1e-6


def begin(
    problem: Problem[Any, Differentiable], x: Tensor, /, *, positive: bool = False
) -> Tensor:
    """What a solver remembers of the curvature from step to step, `(B, *image)`.

    That is h itself where it is the same everywhere, under Gaussian noise, and elsewhere the
    direction so far.
    """
    direction, height = measure(problem, x, positive=positive)
    return height if noise_is_gaussian(problem.likelihood) else direction


def at(
    problem: Problem[Any, Differentiable],
    x: Tensor,
    gradient: Tensor,
    remembered: Tensor,
    /,
    *,
    positive: bool = False,
) -> tuple[Tensor, Tensor]:
    """What to remember, and h at x, both `(B, *image)`.

    Args:
        problem: y and its likelihood.
        x: where, `(B, *image)`.
        gradient: the likelihood's `grad_x` there.
        remembered: of the step before, or what `begin` says.
        positive: whether the likelihood knows no images darker than black; x is then none.
    """
    if noise_is_gaussian(problem.likelihood):
        return remembered, remembered
    return refine(problem, x, gradient, remembered, positive=positive)


def refine(
    problem: Problem[Any, Differentiable],
    x: Tensor,
    gradient: Tensor,
    direction: Tensor,
    /,
    *,
    positive: bool = False,
    iterations: int = 1,
) -> tuple[Tensor, Tensor]:
    """Iterations of the power method: the next direction, and h so far, both `(B, *image)`.

    Args:
        problem: y and its likelihood.
        x: where, `(B, *image)`.
        gradient: the likelihood's `grad_x` there.
        direction: the direction so far, of root mean square 1 in each row.
        positive: whether the likelihood knows no images darker than black; x is then none.
        iterations: how many.
    """

    def bent(way: Tensor) -> Tensor:
        there = x + SMALL * way
        if positive:
            there = torch.maximum(there, x / 2)
        shifted: Tensor = problem.likelihood.grad_x(problem.y, there)
        return (gradient - shifted) / SMALL

    height = bent(torch.ones_like(x)).abs()
    draw = generator(0)
    for _ in range(PROBES):
        signs = torch.randint(0, 2, x.shape[1:], generator=draw) * 2 - 1
        height = torch.maximum(height, bent(signs.to(x).expand_as(x)).abs())
    least = LEAST * height.flatten(1).mean(1)
    height = torch.maximum(height, rows(least.clamp(min=torch.finfo(x.dtype).tiny ** 0.5), x))
    largest = height.new_ones(len(x))
    for _ in range(iterations):
        way = direction * height.rsqrt()
        unit = rows(_size(way), x)
        turned = bent(way / unit) * unit * height.rsqrt()
        largest = _size(turned)
        length = rows(largest, x)
        direction = torch.where(length > 0, turned / length, direction)
    return direction, SAFETY * height * rows(largest.clamp(min=1), x)


def measure(
    problem: Problem[Any, Differentiable], x: Tensor, /, *, positive: bool = False
) -> tuple[Tensor, Tensor]:
    """The direction and the curvature h at x, by the power method, both `(B, *image)`.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.rand(1, 1, 4, 4))
    >>> (measure(problem, problem.y)[1] / SAFETY).mean().round()
    tensor(100.)
    """
    one = torch.randn(x.shape[1:], generator=generator(0), dtype=torch.float64)
    direction = (one / one.square().mean().sqrt()).to(x).expand_as(x)
    gradient = problem.likelihood.grad_x(problem.y, x)
    return refine(problem, x, gradient, direction, positive=positive, iterations=ITERATIONS)


def _size(images: Tensor) -> Tensor:
    """The root mean square of each row."""
    return images.flatten(1).square().mean(1).sqrt()
