"""The one integral behind Gamma noise with Gaussian noise on top.

With w = z eᵗ around the mode z of p(w | x) N(y; w, sigma²) w, the mode in log w,

    log [p(w | x) N(y; w, sigma²) w] = const - alpha (eᵗ - 1 - t) - ½ kappa (eᵗ - 1)²,

kappa = (z / sigma)²: after this change of variable all pixels share one function of kappa. Its
integral and the mean of eᵗ - 1 under it are computed once for each alpha, by the trapezoidal rule
under a sinh map (exact to rounding), on a grid in log kappa; pixels look them up by cubic Hermite
interpolation, whose error is below 1e-11.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

NODES = 80
LEAST, GREATEST, PER_UNIT = -40, 40, 128


def around_mode(kappa: Tensor, alpha: float, /) -> tuple[Tensor, Tensor]:
    """The log of ∫ exp(-alpha (eᵗ - 1 - t) - ½ kappa (eᵗ - 1)²) dt, and the mean of eᵗ - 1."""
    grid = _table(alpha, kappa.dtype, kappa.device)
    place = ((kappa.log() - LEAST) * PER_UNIT).clamp(0, grid.shape[0] - 1.001)
    cell = place.long()
    share = (place - cell)[..., None]
    left, right = grid[cell], grid[cell + 1]
    rest = 1 - share
    values = rest.square() * (
        (1 + 2 * share) * left[..., :2] + share * left[..., 2:]
    ) + share.square() * ((3 - 2 * share) * right[..., :2] - rest * right[..., 2:])
    width = alpha + kappa
    return values[..., 0] - 0.5 * width.log(), values[..., 1] / width


@lru_cache(maxsize=8)
def _table(alpha: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Both functions, scaled to vary slowly, and their derivatives per cell, `(points, 4)`."""
    points = (GREATEST - LEAST) * PER_UNIT + 1
    kappa = torch.linspace(LEAST, GREATEST, points, dtype=torch.float64).exp()[:, None]
    width = alpha + kappa
    t, weight = _quadrature(kappa, alpha)
    mass, growth = weight.sum(1, keepdim=True), t.expm1()
    weight = weight / mass
    square = growth.square()
    mean, fall = ((weight * f).sum(1, keepdim=True) for f in (growth, square))
    slope = -0.5 * ((weight * growth * square).sum(1, keepdim=True) - mean * fall)
    table = [
        mass.log() + 0.5 * width.log(),
        mean * width,
        kappa * 0.5 * (1 / width - fall) / PER_UNIT,
        kappa * (slope * width + mean) / PER_UNIT,
    ]
    return torch.cat(table, 1).to(device, dtype)


def _quadrature(kappa: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Nodes and weights, which hold the integrand; it is followed down to exp(-36)."""
    deep = 36.0
    width = (alpha + kappa).rsqrt()
    right = (2 * deep) ** 0.5 * width
    left = torch.full_like(width, (deep + (deep**2 + 8 * deep * alpha) ** 0.5) / (2 * alpha))
    gap = 1 - (2 * deep / kappa).sqrt()
    left = torch.where(gap > 0, torch.minimum(-gap.clamp_min(1e-300).log(), left), left)
    first, last = -torch.asinh(left / width / 3), torch.asinh(right / width / 3)
    step = (last - first) / (NODES - 1)
    node = first + step * torch.arange(NODES, dtype=kappa.dtype)
    t = 3 * width * node.sinh()
    growth = t.expm1()
    exponent = -alpha * (growth - t) - 0.5 * kappa * growth.square()
    return t, exponent.exp() * node.cosh() * (3 * width * step)
