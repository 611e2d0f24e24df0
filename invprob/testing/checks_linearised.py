"""Checks on likelihoods that look like Gaussian noise on a linear measurement near an image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..contracts import Differentiable, Likelihood, Linearised, LocallyLinear
from .case import Case
from .checks_linear import sharpness_on_gray
from .registry import check
from .verdict import Figure, below, close, holds, looks_like, skip


def over_variance(data: Linearised, z: Tensor, /) -> Tensor:
    """Z / sd², 0 where nothing was measured."""
    return torch.where(data.sd == torch.inf, 0, z / data.sd.square())


@check("likelihood", Likelihood, LocallyLinear)
def a_linearised_measurement_is_linear(part: Any, case: Case) -> Figure:
    """H is linear, Hᵀ its adjoint, w is a finite measurement, and sd > 0."""
    x, other = case.image(), case.image("other")
    y = part.sample(x, case.generator())
    data = part.linearised(y, other, case.sigma())
    figure = looks_like(data.w, tuple(y.shape), x.dtype, "w")
    holds(bool((data.sd > 0).all()), "sd is not positive everywhere")
    holds(data.sd.expand_as(y).shape == y.shape, "sd does not broadcast to y")
    seen, r = data.forward(x), case.normal(tuple(y.shape), "r")
    sums = data.forward(x - 2 * other)
    figure |= close(sums, seen - 2 * data.forward(other), 1e-9, "H (a - 2 b)")
    left, right = (seen * r).flatten(1).sum(1), (x * data.adjoint(r)).flatten(1).sum(1)
    return figure | close(left, right, 1e-9, "<H x, r>")


@check("likelihood", Differentiable, LocallyLinear)
def a_linearised_measurement_has_the_gradient(part: Any, case: Case) -> Figure:
    """As sigma → 0, Hᵀ (w - H x) / sd² tends to ∇ₓ log p(y | x)."""
    x = case.image()
    y = part.sample(x, case.generator())
    data = part.linearised(y, x, x.new_full((case.batch,), 1e-5))
    pull = data.adjoint(over_variance(data, data.w - data.forward(x)))
    return close(pull, part.grad_x(y, x), 1e-3, "the gradient of the linearised measurement")


@check("likelihood", Differentiable, LocallyLinear, once=True)
def a_linearised_measurement_is_as_sharp_as_the_likelihood(part: Any, case: Case) -> Figure:
    """On a gray image, the mean of ‖H u / sd‖² over y is E (uᵀ∇ₓ log p)², within a factor of 3."""
    x, y, u, wanted = sharpness_on_gray(part, case)
    data = part.linearised(y, x, x.new_full((len(x),), 1e-3))
    seen = data.forward(u)
    ratio = float((seen * over_variance(data, seen)).flatten(1).sum(1).mean() / wanted)
    return below(max(ratio, 1 / ratio), 3.0, "its curvature over the likelihood's")


@check("likelihood", Likelihood, LocallyLinear)
def a_preconditioner_is_symmetric_and_positive(part: Any, case: Case) -> Figure:
    """<a, M b> = <M a, b> and <a, M a> > 0 for M = inverse(rate), if there is one."""
    x, a = case.image(), case.normal(case.shape, "a").expand(case.batch, *case.shape).clone()
    y = part.sample(x, case.generator())
    data = part.linearised(y, x, case.sigma())
    if data.inverse is None:
        skip("it has no preconditioner")
    nearly = data.inverse(case.sigma().square())
    left, right = (x * nearly(a)).flatten(1).sum(1), (nearly(x) * a).flatten(1).sum(1)
    holds(bool(((a * nearly(a)).flatten(1).sum(1) > 0).all()), "<a, M a> is not positive")
    return close(left, right, 1e-9, "<a, M b>")
