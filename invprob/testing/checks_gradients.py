"""Checks on gradients of a likelihood: against its log-density, and against its own samples.

The second sort needs no density: E ∇ₓ log p(y | x) = 0 and the information identity
E (uᵀ∇ₓ log p)² = -E uᵀ∇ₓ² log p u hold for whatever distribution `sample` draws from, so a
gradient of another model than the sampler's is found out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..contracts import Differentiable, HasLikelihood, Likelihood, ScoresData, Shape
from .case import Case
from .registry import check
from .statistics import COUNT, lattice_spacing, light_tailed, mean_is, stein
from .verdict import Figure, close, looks_like, skip

AUTOGRAD = 1e-8
"""float64 autograd and a formula differ by rounding alone, times the condition of the formula."""
STEP = 1e-5
DIFFERENCES = 1e-5
"""Slopes over a step of 1e-5 carry a rounding error of 1e-16 f / 1e-5."""
COARSE = 0.03
"""The same for a value of single precision and a step of 3e-3."""
FINEST = 1e-10
"""A change that double precision shows and single precision does not."""
SUBSET = 12
"""Coordinates along which slopes are taken."""


def gradient_matches(
    value: Callable[[Tensor], Tensor], gradient: Tensor, at: Tensor, what: str, /
) -> Figure:
    """`gradient` is that of `value (B, ...) -> (B,)` at `at`: autograd, and differences.

    Steps and tolerances are wider where the value is computed in single precision, as networks do.
    """
    at = at.detach()
    fine = bool((value(at + FINEST) != value(at)).any())
    figure = _differences(value, gradient, at, what, fine)
    leaf = at.clone().requires_grad_()
    with torch.enable_grad():
        total = value(leaf).sum()
        if total.requires_grad:
            (automatic,) = torch.autograd.grad(total, leaf)
            limit = AUTOGRAD if fine else COARSE
            figure |= close(gradient, automatic, limit, f"{what}, against autograd,")
    return figure


def _differences(
    value: Callable[[Tensor], Tensor], gradient: Tensor, at: Tensor, what: str, fine: bool
) -> Figure:
    """Along a handful of coordinates and along the gradient's own sign, between the slopes.

    A directional derivative lies between the slopes to the left and to the right, also at a kink.
    """
    flat = at.flatten(1)
    chosen = torch.linspace(0, flat.shape[1] - 1, min(SUBSET, flat.shape[1])).long()
    directions = torch.zeros(len(chosen) + 1, *flat.shape, dtype=at.dtype)
    directions[torch.arange(len(chosen)), :, chosen] = 1
    directions[-1] = torch.where(gradient.flatten(1) >= 0, 1.0, -1.0)
    here, step = value(at), STEP if fine else 300 * STEP
    found, nearest = [], []
    for direction in directions:
        shift = (step * direction).reshape(at.shape)
        slopes = torch.stack([value(at + shift) - here, here - value(at - shift)]) / step
        along = (gradient.flatten(1) * direction).sum(1)
        inside = slopes.isfinite().all(0)  # or else the step left the support
        found.append(along)
        nearest.append(torch.where(inside, along.clamp(slopes.amin(0), slopes.amax(0)), along))
    limit = DIFFERENCES if fine else COARSE
    return close(torch.stack(found), torch.stack(nearest), limit, f"{what}, against differences,")


def on_a_lattice(part: Any, case: Case) -> bool:
    """Whether measurements of one image take few values only."""
    y, _ = case.many(part, 2000)
    return lattice_spacing(y.flatten(1)[:, 0]) not in (None, float("inf"))


@check("likelihood", HasLikelihood, Differentiable)
def grad_x_is_the_gradient_of_log_prob(part: Any, case: Case) -> Figure:
    """grad_x(y, x) = ∇ₓ log p(y | x)."""
    x = case.image()
    y = part.sample(x, case.generator())
    gradient = part.grad_x(y, x)
    figure = looks_like(gradient, tuple(x.shape), x.dtype, "grad_x")
    return figure | gradient_matches(lambda at: part.log_prob(y, at), gradient, x, "grad_x")


@check("likelihood", HasLikelihood, ScoresData)
def score_y_is_the_gradient_of_log_prob(part: Any, case: Case) -> Figure:
    """score_y(y, x) = ∇_y log p(y | x)."""
    if on_a_lattice(part, case):
        skip("y lives on a lattice, so score_y extends log_prob between its points as it likes")
    x = case.image()
    y = part.sample(x, case.generator())
    gradient = part.score_y(y, x)
    figure = looks_like(gradient, tuple(y.shape), x.dtype, "score_y")
    return figure | gradient_matches(lambda at: part.log_prob(at, x), gradient, y, "score_y")


@check("likelihood", Likelihood, Differentiable, once=True)
def grad_x_has_mean_zero(part: Any, case: Case) -> Figure:
    """E ∇ₓ log p(y | x) = 0 over measurements y of x."""
    y, x = case.many(part, COUNT)
    return mean_is(part.grad_x(y, x), 0.0, "the mean of grad_x", slack=1e-9)


@check("likelihood", Likelihood, Differentiable, once=True)
def grad_x_obeys_the_information_identity(part: Any, case: Case) -> Figure:
    """E (uᵀ∇ₓ log p)² = -E uᵀ∇ₓ² log p u, both being the Fisher information along u."""
    figure = _information(part, case, case.small)
    if case.block != case.small:
        figure |= _information(part, case, case.block)
    return figure


def _information(part: Any, case: Case, shape: Shape) -> Figure:
    """Along a direction in which all pixels change, as noise they share does."""
    y, x = case.many(part, COUNT, shape)
    direction = case.normal(shape, "direction")
    direction = direction / direction.norm()

    def slope(at: Tensor) -> Tensor:
        product: Tensor = (part.grad_x(y, at) * direction).flatten(1).sum(1).double()
        return product

    step = 1e-3
    curvature = (slope(x + step * direction) - slope(x - step * direction)) / (2 * step)
    square = slope(x) ** 2
    light_tailed(square, "the squared gradient")
    light_tailed(curvature, "the curvature of log_prob")
    # central differences of a curvature are off by O(step²) of it
    return mean_is(
        square + curvature, 0.0, "E g² + E g'", slack=100 * step**2 * float(square.mean())
    )


@check("likelihood", Likelihood, ScoresData, once=True)
def score_y_obeys_stein(part: Any, case: Case) -> Figure:
    """E[φ(y) score_y + φ'(y)] = 0 for every smooth bump φ, over measurements y of x."""
    y, x = case.many(part, COUNT)
    flat = y.double().flatten(1)
    random = flat.std(0) > 1e-12
    if not bool(random.any()):
        skip("the measurement never varies")
    if lattice_spacing(flat[:, random][:, 0]) is not None:
        skip("y lives on a lattice, where the identity does not hold")
    score = part.score_y(y, x).double().flatten(1)
    return stein(score[:, random], flat[:, random], "score_y")


@check("likelihood", Likelihood, ScoresData)
def score_y_is_finite(part: Any, case: Case) -> Figure:
    """score_y(y, x) is a finite tensor of y's shape for y drawn from x."""
    x = case.image()
    y = part.sample(x, case.generator())
    return looks_like(part.score_y(y, x), tuple(y.shape), y.dtype, "score_y")
