"""The one integral behind Gamma noise with Gaussian noise on top.

With w = z eᵗ around the mode z of p(w | x) N(y; w, sigma²) w, the mode in log w,

    log [p(w | x) N(y; w, sigma²) w] = const - alpha (eᵗ - 1 - t) - ½ kappa (eᵗ - 1)²,

kappa = (z / sigma)²: after this change of variable all pixels share one function of kappa,

    M(kappa) = ∫ exp(-alpha (eᵗ - 1 - t) - ½ kappa (eᵗ - 1)²) dt,

and integration by parts gives the mean of eᵗ - 1 from it, 2 kappa (log M)' / (alpha + kappa). It
is integrated by the trapezoidal rule under a sinh map, exact to rounding, once for each alpha, on
a grid in log kappa from which pixels look it up (`tables`); the error is below 1e-11.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from .tables import look_up, quintic

NODES = 80
LEAST, GREATEST, PER_UNIT = -40, 40, 32


def around_mode(kappa: Tensor, alpha: float, /) -> tuple[Tensor, Tensor]:
    """The logarithm of M(kappa), and the mean of eᵗ - 1 under its integrand."""
    cells = _cells(alpha, kappa.dtype, kappa.device)
    value, slope = look_up(cells, (kappa.log() - LEAST) * PER_UNIT)
    width = alpha + kappa
    return value - 0.5 * width.log(), (2 * PER_UNIT * slope - kappa / width) / width


@lru_cache(maxsize=16)
def _cells(alpha: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Of log M + ½ log(alpha + kappa), which hardly varies, as a function of log kappa."""
    points = (GREATEST - LEAST) * PER_UNIT + 1
    kappa = torch.linspace(LEAST, GREATEST, points, dtype=torch.float64).exp()[:, None]
    t, weight = _quadrature(kappa, alpha)
    mass = weight.sum(1, keepdim=True)
    square = t.expm1().square()
    mean = (weight * square).sum(1, keepdim=True) / mass
    variance = (weight * (square - mean).square()).sum(1, keepdim=True) / mass
    share = kappa / (alpha + kappa)
    first = 0.5 * (share - kappa * mean)
    second = 0.25 * kappa.square() * variance - 0.5 * kappa * mean + 0.5 * share * (1 - share)
    value = mass.log() + 0.5 * (alpha + kappa).log()
    return quintic(torch.cat([value, first, second], 1), 1 / PER_UNIT).to(device, dtype)


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
