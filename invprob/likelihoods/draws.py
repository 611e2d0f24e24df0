"""Draws from a Gaussian seen through an operator that has no singular basis: perturb and solve.

Wanted is x from the density N(w; H x, sd²) N(x; v, rho²), normalised in x, with one sd for each
entry of w. It is the least squares solution of perturbed data (Papandreou and Yuille 2010),

    (I + rho² Hᵀ J H) (x - v') = rho² Hᵀ J (w' - H v'),     J = 1 / sd²,
    v' = v + rho n,     w' = w + sd n',

which asks H for products alone. An entry that was not measured has sd = inf, and J = 0. The mean
of draws with several n and n' is the draw with their mean.

The system is solved by conjugate gradients, until the residual is some share of rho in the root of
the mean square. In a direction in which the data have k = rho² / sd², the residual is 1 + k times
the error, and the deviation of a draw is rho / sqrt(1 + k): so the error is that share of the
deviation, or less. Where rho is small, and the data hardly move anything, a share of the first
residual is the goal instead, so that they move it all the same. What is less than rounding leaves
of a residual is no goal.

G. Papandreou, A. Yuille (2010). Gaussian Sampling by Local Perturbations. NeurIPS.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..compatibility import lacks
from ..contracts import HasSVD, Linearised, LinearOperator
from ..operators.structure import PartOf
from ..streams import generator
from .descent import solve, tolerance
from .rows import normal, per_row, total


def draw(
    data: Linearised,
    v: Tensor,
    rho: Tensor,
    noise: tuple[Tensor, Tensor],
    /,
    error: float,
    followed: float,
) -> Tensor:
    """X ~ N(w; H x, sd²) N(x; v, rho²), normalised in x; each row by itself.

    Args:
        data: w, sd and H.
        v: `(B, *image)`.
        rho: > 0, `(B,)`.
        noise: n' and n, `(B, *measurement)` and `(B, *image)`.
        error: the residual to reach, over rho.
        followed: or the residual to reach over the first one, if that is less.
    """
    seen = data.sd < torch.inf
    sharp = torch.where(seen, (per_row(rho, data.w) / data.sd).square(), 0)
    start = v + per_row(rho, v) * noise[1]
    moved = data.w + torch.where(seen, data.sd, 0) * noise[0] - data.forward(start)
    right = data.adjoint(sharp * moved)
    size = total(right.square()).div(right[0].numel()).sqrt()
    goal = error * rho / size.clamp_min(torch.finfo(v.dtype).tiny)
    goal = goal.clamp(tolerance(v.dtype), followed)  # below it there is rounding alone

    def product(d: Tensor) -> Tensor:
        return d + data.adjoint(sharp * data.forward(d))

    nearly = None if data.inverse is None else data.inverse(rho.square())
    return start + solve(product, right, goal, nearly)


def sharpest(data: Linearised, like: Tensor, /, products: int = 12) -> float:
    """The largest eigenvalue of Hᵀ J H, from below: by the power method.

    Args:
        data: sd and H.
        like: an image, `(1, *image)`.
        products: how many there are.
    """
    weight, most = _weights(data)
    way, length = normal(like, generator(1)), 0.0
    for _ in range(products):
        way = way / way.norm().clamp_min(torch.finfo(way.dtype).tiny)
        way = data.adjoint(weight * data.forward(way))
        length = float(way.norm())
    return length * most


def basis_of(operator: LinearOperator, /) -> HasSVD | None:
    """The operator with a decomposition: this one, or the one of which it measures a part."""
    basis = operator.whole() if isinstance(operator, PartOf) else operator
    return basis if isinstance(basis, HasSVD) and lacks(basis, HasSVD) is None else None


def largest_gain(operator: LinearOperator, like: Tensor, /) -> float:
    """The largest singular value of H: from its decomposition, or by the power method, from below.

    Args:
        operator: H.
        like: an image, `(1, *image)`.
    """
    if (basis := basis_of(operator)) is not None:
        return float(basis.svd(tuple(like.shape[1:])).s.max())
    made = operator.forward(like)
    data = Linearised(made, like.new_ones(()), operator.forward, operator.adjoint)
    return math.sqrt(sharpest(data, like))


def usual_sharpness(data: Linearised, like: Tensor, /) -> float:
    """The mean of the eigenvalues of Hᵀ J H, each weighted by itself: about, from one vector.

    That is how well the data know what they know well; where few directions are known much better
    than all others (the mean brightness, by tomography) it is less than the largest.

    Args:
        data: sd and H.
        like: an image, `(1, *image)`.
    """
    weight, most = _weights(data)
    seen = data.forward(normal(like, generator(1)))
    length = float((seen.square() * weight).sum())
    if length == 0:
        return 0.0
    return most * float(data.adjoint(weight * seen).square().sum()) / length


def _weights(data: Linearised) -> tuple[Tensor, float]:
    """J over its largest entry, and that: together they may be too large for single precision."""
    least = data.sd.min()
    if least == torch.inf:
        return torch.zeros_like(data.sd), 0.0
    seen = data.sd < torch.inf
    return torch.where(seen, (least / data.sd).square(), 0), float(least) ** -2
