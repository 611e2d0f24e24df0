r"""Coordinates of a measurement in which noise is white and has the same level everywhere.

A score is easiest to learn where the noise has one level: with noise of 50 grey levels in bright
pixels and of 2 in dark ones, whatever perturbation suits the ones is too coarse or too fine for
the others. Densities may be looked at in any coordinates, exactly: for z = g(w) pixel by pixel
and w = B y with an invertible matrix B,

    ∇_w log p(w) = g'(w) ∇_z log p(z) + (log g')'(w),        ∇_y log p(y) = Bᵀ ∇_w log p(w).

**B** undoes the filter of coloured noise: A⁻¹ where y = A w, and A⁻ᵀ where y = x + Aᵀ n.

**g** is the variance-stabilising transform g' = 1 / sd. The standard deviation as a function of
the mean is measured: flat images of 33 brightnesses are given the noise, and

    v(w) = v0 + c1 t + c2 t²,        t = max(w - start, 0)

is fitted to it, all coefficients >= 0. That holds all of Gaussian (v0), Poisson (c1), Gamma,
Rayleigh (c2), signal-dependent noise and sums of them. Its transform is known in closed form, the
generalised Anscombe transform for c2 = 0 and a logarithm for v0 = c1 = 0. Noise so faint that it
can't be seen is not amplified: v0 is at least that of 1/16 of the noise of a white pixel. How good
the fit is decides how *even* the noise becomes, not whether scores are right. How the noise in z
is distributed is measured, too, on the brighter half of the flat images (`networks.noise_law`).

Coordinates are scaled so that black is near 0 and white at 1: for white Gaussian noise z = y.

References: F. Anscombe, The transformation of Poisson, binomial and negative-binomial data, 1948.
M. Bartlett, The use of transformations, 1947.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import attrs
import torch
from attrs import frozen
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import Likelihood, MatchesScore
from ..errors import InputError
from ..likelihoods.coloured import ColouredGaussian
from ..likelihoods.coloured_signal_dependent import ColouredSignalDependent
from ..likelihoods.correlated import Correlated
from ..likelihoods.pixelwise import OnLattice
from ..operators.boundaries import Boundary
from ..operators.correlation import CorrelationFilter
from .noise_law import Law, fit_law

BRIGHTNESSES = 33
SIDE = 64
FAINTEST = 1 / 16
"""The least noise that coordinates make even, as a share of the noise of a white pixel."""


ROUNDING = 1e-5
"""How far below `start` a pixel counts as at it: there are counts of 0, and filters round."""


def _coefficients(values: Iterable[float]) -> tuple[float, float, float]:
    v0, c1, c2 = values
    return float(v0), float(c1), float(c2)


def _law(components: Iterable[Iterable[float]]) -> Law:
    return tuple((float(w), float(m), float(v)) for w, m, v in components)


@frozen
class Coordinates:
    """z = g(B y), and what is needed to bring a score back.

    Attributes:
        start: brightness up to which the noise has one level.
        variance: v0, c1, c2 of the noise in w.
        unit: standard deviations of noise between black and white.
        sigma: the level of the noise in z.
        spacing: the greatest distance in z of neighbours on a lattice; 0 for continuous noise.
        boundary: of the filter that B undoes; None for B = 1.
        transposed: whether B is A⁻ᵀ and not A⁻¹.
        law: how the noise in z is distributed, see `networks.noise_law`; by default as N(0,
            sigma²).

    >>> import invprob as ip
    >>> z = measure(ip.Gaussian(sigma=0.1))
    >>> round(z.sigma, 2)
    0.1
    >>> y = torch.tensor([[0.0, 0.5, 1.0]])
    >>> bool(torch.allclose(z.forward(y), y, atol=0.01))
    True
    """

    start: float
    variance: tuple[float, float, float] = attrs.field(converter=_coefficients)
    unit: float
    sigma: float
    spacing: float = 0.0
    boundary: Boundary | None = None
    transposed: bool = False
    law: Law = attrs.field(
        default=attrs.Factory(lambda self: ((1.0, 0.0, self.sigma**2),), takes_self=True),
        converter=_law,
    )

    def forward(self, y: Tensor) -> Tensor:
        """Z of measurements `(B, C, H, W)`, of the same shape."""
        return self._even(self._undo(y)) / self.unit

    def score(self, y: Tensor, s: Tensor) -> Tensor:
        """∇ log p(y) from s = ∇ log p(z) at z = forward(y)."""
        above = self._undo(y) - self.start
        t = above.clamp_min(0)
        _, c1, c2 = self.variance
        variance = self._variance(t)
        bend = torch.where(above >= -ROUNDING, (0.5 * c1 + c2 * t) / variance, 0)
        score = s / (self.unit * variance.sqrt()) - bend
        if self.boundary is None:
            return score
        A = CorrelationFilter(self.boundary)
        return A.inverse(score) if self.transposed else A.inverse_adjoint(score)

    def to_json(self) -> str:
        """As text, for a weight file."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Coordinates:
        """The inverse of `to_json`; `InputError` if the text describes none.

        >>> z = Coordinates(0.0, (1.0, 0.0, 0.0), 1.0, 1.0)
        >>> Coordinates.from_json(z.to_json()) == z
        True
        """
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise InputError(f"{text!r} describes no coordinates: {error}") from error

    def _undo(self, y: Tensor) -> Tensor:
        """W = B y."""
        if self.boundary is None:
            return y
        A = CorrelationFilter(self.boundary)
        return A.inverse_adjoint(y) if self.transposed else A.inverse(y)

    def _variance(self, t: Tensor) -> Tensor:
        v0, c1, c2 = self.variance
        return v0 + t * (c1 + t * c2)

    def _even(self, w: Tensor) -> Tensor:
        """The integral of 1 / sd from `start` to w."""
        v0, c1, c2 = self.variance
        below = (w - self.start).clamp_max(0) / math.sqrt(v0)
        t = (w - self.start).clamp_min(0)
        both = self._variance(t).sqrt() + math.sqrt(v0)
        if c2 == 0:
            return below + 2 * t / both
        root = math.sqrt(c2)
        growth = t * (c1 + c2 * t) / both + root * t
        return below + (growth / (math.sqrt(v0) + c1 / (2 * root))).log1p() / root


def measure(likelihood: Any) -> Coordinates:
    """The coordinates in which a likelihood's noise is white and even.

    Args:
        likelihood: any noise on images whose score equation can be solved; noise that is filtered
            by a `CorrelationFilter` is unfiltered first.

    Raises:
        InputError: the likelihood can't be matched with a score, or its filter is another one.

    >>> import invprob as ip
    >>> round(measure(ip.Correlated(ip.Poisson(51), ip.CorrelationFilter())).variance[1] * 51, 1)
    1.0
    """
    lack = None if isinstance(likelihood, Likelihood) else "it has no method `sample`"
    if lack := lack or lacks(likelihood, MatchesScore):
        raise InputError(
            f"a score of images with the noise {likelihood!r} would be of no use: it is no"
            f" MatchesScore: {lack}"
        )
    boundary, transposed = _filter(likelihood)
    raw = Coordinates(0.0, (1.0, 0.0, 0.0), 1.0, 1.0, 0.0, boundary, transposed)
    levels = torch.linspace(0, 1, BRIGHTNESSES, dtype=torch.float64, device="cpu").square()
    flat = levels.view(-1, 1, 1, 1).expand(-1, 1, SIDE, SIDE)
    w = raw.forward(likelihood.sample(flat, Generator().manual_seed(0)))
    mean, variance = w.mean((1, 2, 3)), w.var((1, 2, 3))
    if not bool((variance[1:] > 0).all()):
        raise InputError(f"{likelihood!r} adds no noise: there is nothing to learn")
    noise = likelihood.noise if boundary and not transposed else likelihood
    step = 0.0 if lacks(noise, OnLattice) else noise.spacing()
    start = float(mean[0])
    fitted = _fit(mean - start, variance, 0.6 * step)
    z = attrs.evolve(raw, start=start, variance=fitted)
    unit = float(z._even(mean[-1:]))
    z = attrs.evolve(z, unit=unit)
    level = (z._even(w) / unit).std((1, 2, 3)).median()
    gap = float(z._even(torch.tensor([start + step], dtype=torch.float64))) / unit
    middle = z._even(mean.view(-1, 1, 1, 1))
    law = fit_law((z._even(w) - middle)[BRIGHTNESSES // 2 :] / unit)
    return attrs.evolve(z, sigma=float(level), spacing=gap, law=law)


def _filter(likelihood: Any) -> tuple[Boundary | None, bool]:
    """The boundary rule of the filter that was applied last, and whether it is transposed."""
    coloured = isinstance(likelihood, ColouredGaussian | ColouredSignalDependent)
    if not coloured and not isinstance(likelihood, Correlated):
        return None, False
    if not isinstance(likelihood.A, CorrelationFilter):
        raise InputError(
            f"noise that is filtered by {likelihood.A!r} can't be learned as it is, only by a"
            " CorrelationFilter: learn the score of B y, which has no filter, and bring it back"
            " as Bᵀ s(B y), where B is A.inverse, or A.inverse_adjoint for coloured noise"
        )
    return likelihood.A.boundary, coloured


def _fit(t: Tensor, variance: Tensor, least: float) -> tuple[float, float, float]:
    """Non-negative least squares of v0 + c1 t + c2 t², in relative error."""
    from scipy.optimize import nnls

    size = variance.clamp_min((FAINTEST**2 * variance[-1]).item())
    design = torch.stack([torch.ones_like(t), t, t.square()], 1) / size[:, None]
    found, _ = nnls(design.numpy(), (variance / size).numpy())
    v0, c1, c2 = (float(c) for c in found)
    if c2 < 1e-3 * float(variance[-1]):  # the scatter of the measurement
        c2 = 0.0
    return max(v0, FAINTEST**2 * float(variance[-1]), least**2), c1, c2
