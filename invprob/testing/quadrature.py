"""Integrals of a density on a line, whose support and scale are known only from samples.

The line is cut at inner quantiles of the samples, then in panels that double in width towards both
ends. Where the support ends, they halve towards that edge, which bisection finds, so that an
integrable singularity such as y^(alpha - 1) at 0 is resolved. Each panel has a Gauss-Legendre rule
of 16 nodes. Known kinks can be added as cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

LogDensity = Callable[[Tensor], Tensor]
"""Values on the line, `(n,)`, to log-densities, `(n,)`; -inf outside the support."""

_DOUBLINGS = 40
_HALVINGS = 50


@frozen(eq=False)
class Line:
    """A density that was integrated panel by panel.

    Attributes:
        edges: ends of the panels, `(k + 1,)`.
        cumulative: the integral up to each edge, `(k + 1,)`; its last entry is the whole.
        mean: ∫ t p(t) dt over the whole.
        variance: of the density divided by the whole.
    """

    edges: Tensor
    cumulative: Tensor
    mean: float
    variance: float

    @property
    def whole(self) -> float:
        """The integral."""
        return float(self.cumulative[-1])


def integrate(log_density: LogDensity, samples: Tensor, /, cuts: Sequence[float] = ()) -> Line:
    """Integrate a density from which `samples (N,)` were drawn, float64."""
    edges = _edges(log_density, samples.double().sort().values, cuts)
    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(16))
    half = edges.diff() / 2
    points = (edges[:-1] + half)[:, None] + half[:, None] * nodes
    density = log_density(points.flatten()).double().exp().reshape(points.shape)
    mass = density * weights * half[:, None]
    whole = mass.sum()
    mean = (mass * points).sum() / whole
    variance = (mass * (points - mean) ** 2).sum() / whole
    cumulative = torch.cat([mass.new_zeros(1), mass.sum(1).cumsum(0)])
    return Line(edges, cumulative, float(mean), float(variance))


def _edges(log_density: LogDensity, ordered: Tensor, cuts: Sequence[float]) -> Tensor:
    inner = ordered[torch.linspace(0, len(ordered) - 1, 129).long()[1:-1]]
    low, high = inner[:1], inner[-1:]
    spread = (high - low).clamp(min=1e-12) / 64
    steps = spread * 2.0 ** torch.arange(_DOUBLINGS, dtype=torch.float64)
    below = _up_to_the_edge(log_density, low, low - steps)
    above = _up_to_the_edge(log_density, high, high + steps)
    between = [c for c in cuts if float(below.min()) < c < float(above.max())]
    return _distinct(torch.cat([below, inner, above, inner.new_tensor(between)]))


def _distinct(values: Tensor) -> Tensor:
    ordered = values.sort().values
    return ordered[torch.cat([ordered.new_ones(1), ordered.diff()]) > 0]


def _up_to_the_edge(log_density: LogDensity, start: Tensor, outward: Tensor) -> Tensor:
    """The nodes of `outward` inside the support, and nodes that close in on its edge."""
    inside = log_density(outward).isfinite()
    if bool(inside.all()):
        return outward
    first = int((~inside).nonzero()[0])
    last = outward[first - 1 : first] if first else start
    far = outward[first : first + 1]
    near = last
    for _ in range(100):
        middle = (near + far) / 2
        if bool(log_density(middle).isfinite()):
            near = middle
        else:
            far = middle
    closing = far + (last - far) * 0.5 ** torch.arange(_HALVINGS, dtype=torch.float64)
    return torch.cat([outward[:first], closing, far])
