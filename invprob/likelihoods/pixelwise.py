"""Noise that treats every pixel by itself: y_i depends on x_i alone.

Such a noise model is a function of two numbers, so what is hard for images is one-dimensional:
a prox is the minimum of -step log p(y | x) + (x - v)² / 2, and sampling against a Gaussian is
sampling from a density on an interval. The samplers here evaluate that density on a grid around
its modes, integrate with a fourth-order rule and invert the distribution function. The grid
reaches where the density has fallen by exp(-25), and the distribution function is right to 1e-4
everywhere (measured against fine quadrature; 1e-5 and better for densities near a Gaussian).
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from attrs import frozen
from torch import Generator, Tensor

from .rows import in_pieces, per_row, together, uniform

CELLS = 96
DEPTH = 25.0


@runtime_checkable
class Pixelwise(Protocol):
    """A noise model that treats every pixel by itself."""

    def log_density(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The density log p(y_i | x_i), entry by entry; -inf outside the support."""


@frozen(eq=False)
class Smoothed:
    """The likelihood of y = w + sigma n, entry by entry, where w is a pixelwise noise's.

    Attributes:
        log_density: log p(y_i | x_i).
        score_y: its derivative in y_i; sigma² times it is E[w_i | y_i, x_i] - y_i.
        grad_x: its derivative in x_i.
    """

    log_density: Tensor
    score_y: Tensor
    grad_x: Tensor


@runtime_checkable
class Smooths(Protocol):
    """A pixelwise noise that knows its sum with Gaussian noise."""

    def smoothed(self, y: Tensor, x: Tensor, sigma: float, /) -> Smoothed:
        """The likelihood of w + sigma n, with w ~ p(w | x)."""

    def least_x(self) -> float:
        """The least brightness that this noise knows."""


@frozen(eq=False)
class Modes:
    """Where p(y | x) N(x; v, rho²), as a function of x, has its one or two maxima.

    Attributes:
        left: the leftmost maximum.
        right: the rightmost; it may be the same.
        width: a length over which the density falls off.
        low: where the support in x begins; it broadcasts.
        high: where it ends; it broadcasts.
    """

    left: Tensor
    right: Tensor
    width: Tensor
    low: Tensor
    high: Tensor


def sample_given(
    noise: Pixelwise, modes: Modes, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /
) -> Tensor:
    """Draw x ~ p(y | x) N(x; v, rho²) pixel by pixel, for a density whose modes are known."""
    y, v = together(y, v)
    scale = per_row(rho, v)

    def log_density(x: Tensor, y: Tensor, v: Tensor, scale: Tensor) -> Tensor:
        return noise.log_density(y, x) - 0.5 * ((x - v) / scale).square()

    top = torch.maximum(
        log_density(modes.left, y, v, scale), log_density(modes.right, y, v, scale)
    )
    ends = []
    for mode, side, end in ((modes.left, -1, modes.low), (modes.right, 1, modes.high)):
        reach = 7.0 * modes.width
        for _ in range(12):
            deep = log_density(_clamp(mode + side * reach, modes), y, v, scale) < top - DEPTH
            deep = deep | ((mode + side * reach - end) * side >= 0)
            if bool(deep.all()):
                break
            reach = torch.where(deep, reach, 2 * reach)
        ends.append(_clamp(mode + side * reach, modes))
    steps = torch.linspace(0, 1, CELLS + 1, dtype=v.dtype, device=v.device)

    def draw(
        y: Tensor, v: Tensor, scale: Tensor, low: Tensor, high: Tensor, top: Tensor, u: Tensor
    ) -> tuple[Tensor]:
        grid = low + (high - low) * steps
        return (_invert(grid, (log_density(grid, y, v, scale) - top).exp(), u),)

    u = uniform(v, generator)
    return in_pieces(draw, y, v, scale, ends[0], ends[1], top, u, nodes=4 * CELLS)[0]


def _clamp(x: Tensor, modes: Modes) -> Tensor:
    return torch.minimum(torch.maximum(x, modes.low), modes.high)


def _invert(grid: Tensor, density: Tensor, u: Tensor) -> Tensor:
    """The points where the distribution function of `density` on `grid` is u, `(n,)`."""
    left, right = density[:, :-1], density[:, 1:]
    mass = (left + right) / 2
    mass[:, 1:-1] += (left[:, 1:-1] + right[:, 1:-1] - left[:, :-2] - right[:, 2:]) / 24
    mass = mass.clamp_min(0)
    cumulative = mass.cumsum(1)
    target = u * cumulative[:, -1:]
    cell = torch.searchsorted(cumulative, target).clamp_max(mass.shape[1] - 1)
    within = (target - cumulative.gather(1, cell) + mass.gather(1, cell)) / mass.gather(1, cell)
    share = within.clamp(0, 1)
    p, q = left.gather(1, cell), right.gather(1, cell)
    root = (p.square() + share * (q.square() - p.square())).clamp_min(0).sqrt()
    inside = share * (p + q) / (p + root)  # the share of the cell, for a density linear in it
    width = grid[:, 1:2] - grid[:, :1]
    return (grid.gather(1, cell) + inside * width)[:, 0]
