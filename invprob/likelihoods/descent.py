"""Minima of smooth functions of a whole image, for likelihoods that no basis makes diagonal.

A prox is the minimum of -step log p(y | x) + ½ ‖x - v‖². Where no pixel and no singular direction
stands alone it is found by iteration, each row of the batch by itself, to a tolerance:

* `solve`: the method of conjugate gradients (Hestenes and Stiefel) for a symmetric positive
  definite system. The residual ends below `tolerance(dtype)` of the right side, 1e-10 in double
  precision and some 1e-6 in single; after n products it is at most 2 exp(-2 n / sqrt(kappa)) of
  it times sqrt(kappa), where kappa is the condition number.
* `quadratic_prox`: the prox of a linear-Gaussian likelihood is one such system, with
  kappa = 1 + step s_max² / sigma². Where H is a part of an operator that has a singular basis (the
  crop of a blur), that operator's inverse is the preconditioner: only the few coordinates at the
  borders are then left to iterate on.
* `minimise`: Newton's method with these conjugate gradients inside, which stop where the curvature
  is not positive, and a line search that never lets the objective rise: a local minimum downhill
  from the start, to the same tolerance.

M. R. Hestenes, E. Stiefel, Methods of Conjugate Gradients for Solving Linear Systems, J. Res.
Natl. Bur. Stand. 49 (1952). J. Nocedal, S. J. Wright, Numerical Optimization, 2nd ed. (2006),
algorithm 7.1 (line-search Newton-CG).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..contracts import Differentiable, Map
from .rows import per_row, total

PRODUCTS = 2000
"""The most of one system; beyond kappa = 10⁵, single precision would gain nothing by more."""
NEWTON_STEPS = 40
HALVINGS = 40


def tolerance(dtype: torch.dtype, /) -> float:
    """How small a residual gets, of the one at the start.

    >>> tolerance(torch.float64)
    1e-10
    """
    return max(1e-10, 10 * torch.finfo(dtype).eps)


def solve(
    product: Map,
    right: Tensor,
    /,
    accuracy: Tensor | float | None = None,
    nearly: Map | None = None,
) -> Tensor:
    """The x with product(x) = right, by conjugate gradients from 0.

    Args:
        product: a symmetric positive definite map of `(B, ...)`, row by row. Where it turns out
            not to be positive, that row ends with what it has, or with `right` itself.
        right: the right side.
        accuracy: the residual to reach, of the right side's size, a number or one for each row;
            by default `tolerance`.
        nearly: about the inverse of product, a preconditioner: symmetric and positive definite.

    >>> solve(lambda x: x * torch.tensor([1.0, 2.0, 4.0]), torch.ones(1, 3))
    tensor([[1.0000, 0.5000, 0.2500]])
    """
    least = per_row(tolerance(right.dtype) if accuracy is None else accuracy, right)
    x, residual = torch.zeros_like(right), right
    direction = guess = residual if nearly is None else nearly(residual)
    size, inner = _squares(residual, guess)
    goal = least.square() * size
    active = size > goal
    for count in range(PRODUCTS):
        if not bool(active.any()):
            break
        moved = product(direction)
        curvature = per_row(total(direction * moved), right)
        up = active & (curvature > 0)
        if count == 0:
            x = torch.where(active & ~up, right, x)
        length = torch.where(up, inner / torch.where(up, curvature, 1), 0)
        x = x + length * direction
        residual = residual - length * moved
        guess = residual if nearly is None else nearly(residual)
        before, left = inner, _squares(residual, guess)
        size, inner = torch.where(up, left[0], size), torch.where(up, left[1], inner)
        direction = guess + torch.where(up, inner / torch.where(up, before, 1), 0) * direction
        active = up & (size > goal)
    return x


def _squares(residual: Tensor, guess: Tensor) -> tuple[Tensor, Tensor]:
    """The residual's square, and its product with the guess, in a shape that broadcasts."""
    size = per_row(total(residual.square()), residual)
    same = guess is residual
    return size, size if same else per_row(total(residual * guess), residual)


def quadratic_prox(
    noise: Differentiable, y: Tensor, v: Tensor, step: Tensor, /, nearly: Map | None = None
) -> Tensor:
    """argminₓ -step log p(y | x) + ½ ‖x - v‖² where log p(y | x) is quadratic in x and y.

    The gradient is then linear, so the answer is v + d with (I + step H) d = step ∇ₓ log p(y | v),
    where H d = -∇ₓ log p(0 | d). `nearly` is about the inverse of I + step H.
    """
    rate, nothing = per_row(step, v), torch.zeros_like(y)

    def product(d: Tensor) -> Tensor:
        return d - rate * noise.grad_x(nothing, d)

    return v + solve(product, rate * noise.grad_x(y, v), nearly=nearly)


def minimise(
    objective: Callable[[Tensor], Tensor],
    gradient: Map,
    curvature: Callable[[Tensor], Map],
    x: Tensor,
    /,
) -> Tensor:
    """A local minimum downhill from x, each row by itself.

    Args:
        objective: from `(B, ...)` to `(B,)`; +inf where it is not defined, but not at x.
        gradient: its gradient.
        curvature: from x to the product with the Hessian there.
        x: where to start.
    """
    value, slope = objective(x), gradient(x)
    first = size = total(slope.square()).sqrt()
    active = torch.ones_like(first, dtype=torch.bool)
    for _ in range(NEWTON_STEPS):
        active = active & (size > tolerance(x.dtype) * first)
        if not bool(active.any()):
            break
        share = size / first.clamp_min(torch.finfo(x.dtype).tiny)
        way = solve(curvature(x), -slope, share.clamp(max=0.01))
        descent = total(slope * way)
        length = torch.where(active, torch.ones_like(value), 0)
        slack = 4 * torch.finfo(x.dtype).eps * value.abs()
        for _ in range(HALVINGS):
            there = objective(x + per_row(length, x) * way)
            worse = ~(there <= value + 1e-4 * length * descent + slack)
            if not bool((worse & (length > 0)).any()):
                break
            length = torch.where(worse, length / 2, length)
        length = torch.where(worse, 0, length)
        x = x + per_row(length, x) * way
        slope = gradient(x)
        before, size = size, total(slope.square()).sqrt()
        active = active & (length > 0) & ((there < value - slack) | (size < before / 2))
        value = torch.where(length > 0, there, value)
    return x
