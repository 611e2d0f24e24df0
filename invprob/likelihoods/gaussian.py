"""Gaussian noise on a linear measurement: y = H x + sigma n.

    log p(y | x) = -½ ‖(y - H x) / sigma‖² - sum of log sigma - ½ m log 2 pi

The family in which everything is exact: the prox, sampling against a Gaussian and the annealed
score need no iteration wherever H has a singular value decomposition and sigma is one number, or
H acts on each pixel by itself and sigma is what you like. `spectral` holds the formulas.

For any other H or sigma there is no basis to work in, and so no spectrum and no annealed score.
The prox is then one positive definite system, solved by conjugate gradients to the tolerance of
`descent`, and a draw is the prox of perturbed data (Papandreou and Yuille 2010):

    x = prox(y + sigma n, v + rho n', rho²)   has the law   p(y | x) N(x; v, rho²), normalised.

How far a draw is then from the exact one, in the worst direction and over the deviation that it
has there, grows with rho: 1e-6 in double and 0.01 in single precision at rho = 100 sigma / s_max,
1e-3 and 0.1 at ten times that. `SplitGibbs` begins there and ends at a quarter of sigma / s_max,
where it is rounding alone.

Entries that were not measured (`Mask`) are 0 in y, carry no noise, and count nowhere. An operator
tells which ones by an optional method, `observed(shape)`; one that acts on each pixel by itself
says so by another, `diagonal(shape)`.

G. Papandreou, A. Yuille (2010). Gaussian Sampling by Local Perturbations. NeurIPS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from attrs import evolve, field, frozen
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import (
    Annealed,
    InfersImageShape,
    Invertible,
    Linearised,
    Map,
    MatchesScore,
    Shape,
    Spectral,
    Spectrum,
)
from ..errors import InputError
from ..operators.identity import Identity
from ..operators.mask import Mask
from ..operators.memo import Memo
from ..operators.planes import broadcasts
from ..operators.structure import Observes, PartOf
from . import spectral
from .checks import finite, noise_levels, refuse_loud, refuse_louder_than
from .delegation import (
    a_linear_operator,
    demand,
    image_shape_behind,
    refuse_other_shapes,
    why_no_svd,
)
from .descent import quadratic_prox
from .rows import normal, per_row, total


@runtime_checkable
class Diagonal(Protocol):
    """An operator that acts on each pixel by itself: H x = diagonal * x."""

    def diagonal(self, shape: Shape, /) -> Tensor:
        """The factor of each pixel of images of this shape; it broadcasts to it."""


@frozen(eq=False, repr=False)
class Gaussian:
    """y = H x + sigma n, with n standard normal.

    Args:
        sigma: the noise level, in units of y, which are those of the image, whose range is
            [0, 1], where the operator keeps them: 25 grey levels are `25 / 255`. A number; or a
            tensor that broadcasts to the measurement's shape (without the batch), for noise that
            differs between pixels.
        operator: H; by default the identity (denoising).

    Raises:
        InputError: sigma is not positive, or above 10 and ten times what operator makes of images
            in [0, 1], or operator is no linear operator; in use: a sigma or an operator that does
            not fit the measurement's shape, an image with pixels that are no numbers.

    >>> import torch, invprob as ip
    >>> noise = ip.Gaussian(sigma=0.1, operator=ip.Mask(torch.tensor([[1, 0], [0, 1]])))
    >>> y = torch.tensor([[[[0.25, 0.0], [0.0, 0.75]]]])
    >>> noise.prox(y, torch.full_like(y, 0.5), torch.tensor(0.01))
    tensor([[[[0.3750, 0.5000],
              [0.5000, 0.6250]]]])

    Formulas: help("invprob.likelihoods.gaussian").
    """

    sigma: Tensor | float = field(converter=noise_levels)
    operator: Any = field(factory=Identity, validator=a_linear_operator)
    _memo: Memo[Any] = field(factory=lambda: Memo(16), init=False)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.operator, Identity | Mask):
            refuse_loud(self.sigma)

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """H x + sigma n; 0 where nothing was measured."""
        mean: Tensor = self.operator.forward(finite(x, self))
        noise = self._sigma(mean) * normal(mean, generator)
        return mean + (noise if (seen := self._observed(mean)) is None else noise * seen)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """-½ ‖(y - H x) / sigma‖² - sum of log sigma - ½ m log 2 pi, over what was measured."""
        return -0.5 * total((self._residual(y, x) / self._sigma(y)).square()) - self._normaliser(y)

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """Hᵀ (y - H x) / sigma²."""
        gradient: Tensor = self.operator.adjoint(self._residual(y, x) / self._sigma(y) ** 2)
        return gradient

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """-(y - H x) / sigma²; 0 where nothing was measured."""
        return -self._residual(y, x) / self._sigma(y) ** 2

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """H⁻¹ (y + sigma² s), a closed form; x is ignored."""
        demand(self, MatchesScore)
        image: Tensor = self.operator.inverse(y + self._sigma(y) ** 2 * s)
        return image

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """(Hᵀ H / sigma² + I / step)⁻¹ (Hᵀ y / sigma² + v / step), in the singular basis.

        Without one it is solved by conjugate gradients, to the tolerance of `descent`.
        """
        if self._not_spectral():
            nearly = self._nearly(v)
            return quadratic_prox(self, y, v, step, nearly and nearly(step))
        return spectral.prox(self._spectrum(v), y, v, step)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """The Gaussian N(y; H x, sigma²) N(x; v, rho²), sampled exactly.

        Without a singular basis it is the prox of perturbed data, solved as such.
        """
        if self._not_spectral():
            perturbed = y + self._sigma(y) * normal(y, generator)
            scale = per_row(rho, v)
            start = v + scale * normal(v, generator)
            return self.prox(perturbed, start, scale.square().flatten())
        return spectral.sample_given(self._spectrum(v), y, v, rho, generator)

    def linearised(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Linearised:
        """Y itself, seen through H, near any image."""
        seen, level = self._observed(y), torch.as_tensor(self._sigma(y)).to(y)
        sd = level if seen is None else torch.where(seen > 0, level, torch.inf)
        H = self.operator
        return Linearised(y, sd, H.forward, H.adjoint, self._nearly(x))

    def annealed_score(
        self, y: Tensor, x: Tensor, prior_score: Tensor, sigma: Tensor, /
    ) -> Tensor:
        """The score of p(x_sigma | y), coordinate by coordinate: see `spectral`."""
        demand(self, Annealed)
        return spectral.annealed_score(self._spectrum(x), y, x, prior_score, sigma)

    def spectrum(self, shape: Shape, /) -> Spectrum:
        """Pseudo-observations w = (Uᵀ y) / s with noise sigma / s, for images of this shape."""
        demand(self, Spectral)
        key = tuple(shape)
        found: Spectrum = self._memo.get(key, lambda: self._make_spectrum(key, None))
        return found

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if sigma or the operator does not fit y's shape."""
        shape = tuple(y.shape[1:])
        refuse_other_shapes(self.operator, shape)
        self._fits(shape)
        operator = self.operator
        if isinstance(operator, InfersImageShape):
            image = y.new_empty((1, *operator.image_shape(shape)))
            refuse_louder_than(self.operator, self.sigma, image)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The image's shape for a measurement of this shape: what the operator says, or the same.

        Raises:
            InputError: no image has such a measurement.
        """
        return image_shape_behind(self.operator, shape)

    def withdrawn(self) -> Mapping[type, str]:
        """What H or sigma do not allow."""
        reasons: Mapping[type, str] = self._memo.get("withdrawn", self._reasons)
        return reasons

    def _reasons(self) -> Mapping[type, str]:
        reasons: dict[type, str] = {}
        if lack := lacks(self.operator, Invertible):
            reasons[MatchesScore] = (
                f"a score fixes only H x, and {self.operator!r} can't be undone: {lack}"
            )
        if why := self._not_spectral():
            reasons |= dict.fromkeys((Annealed, Spectral), why)
        return reasons

    def _not_spectral(self) -> str | None:
        reason: str | None = self._memo.get("not spectral", self._why_not_spectral)
        return reason

    def _why_not_spectral(self) -> str | None:
        if why := why_no_svd(self.operator):
            return why
        if isinstance(self.sigma, Tensor) and not isinstance(self.operator, Diagonal):
            return (
                "its sigma differs between pixels, and its operator mixes them; give one number, "
                "or an operator that acts on each pixel by itself (Identity, Mask)"
            )
        return None

    def __repr__(self) -> str:
        if isinstance(self.sigma, Tensor):
            least, greatest = self.sigma.aminmax()
            sigma = f"{least:.4g}..{greatest:.4g} {tuple(self.sigma.shape)}"
        else:
            sigma = f"{self.sigma:.4g}"
        plain = isinstance(self.operator, Identity)
        return f"Gaussian(sigma={sigma}{'' if plain else f', operator={self.operator!r}'})"

    def _sigma(self, like: Tensor) -> Tensor | float:
        if not isinstance(self.sigma, Tensor):
            return self.sigma
        self._fits(tuple(like.shape[1:]))
        level = self.sigma
        key = ("sigma", like.dtype, like.device)
        sigma: Tensor = self._memo.get(key, lambda: level.to(like))
        return sigma

    def _fits(self, shape: Shape) -> None:
        if isinstance(self.sigma, Tensor) and not broadcasts(tuple(self.sigma.shape), shape):
            raise InputError(
                f"sigma has shape {tuple(self.sigma.shape)}, which does not broadcast to a "
                f"measurement of shape {shape} (without the batch); give a number, or one of it "
                "for each entry. The measurements of a batch share it: one with another noise is "
                "another problem"
            )

    def _observed(self, y: Tensor) -> Tensor | None:
        if not isinstance(self.operator, Observes):
            return None
        key = ("observed", y.shape[1:], y.dtype, y.device)
        seen: Tensor = self._memo.get(
            key, lambda: self.operator.observed(tuple(y.shape[1:])).to(y)
        )
        return seen

    def _residual(self, y: Tensor, x: Tensor) -> Tensor:
        residual: Tensor = y - self.operator.forward(x)
        return residual if (seen := self._observed(y)) is None else residual * seen

    def _normaliser(self, y: Tensor) -> float:
        def make() -> float:
            logs = torch.as_tensor(self.sigma, dtype=torch.float64).log() + 0.5 * math.log(
                math.tau
            )
            logs = logs.expand(y.shape[1:])
            seen = self._observed(y)
            return float((logs if seen is None else logs * seen.to(logs)).sum())

        value: float = self._memo.get(("normaliser", y.shape[1:]), make)
        return value

    def _spectrum(self, x: Tensor) -> Spectrum:
        shape, key = tuple(x.shape[1:]), (x.shape[1:], x.dtype, x.device)
        if x.device.type == "cpu":  # one rounding costs less than a second copy
            found = self.spectrum(shape)
            return evolve(found, sd=found.sd.to(x))
        spectrum: Spectrum = self._memo.get(
            key, lambda: self._make_spectrum(shape, x.new_empty(()))
        )
        return spectrum

    def _nearly(self, v: Tensor) -> Callable[[Tensor], Map] | None:
        """About (I + step Hᵀ H / sigma²)⁻¹: that of the operator of which H is a part, if any."""
        if not isinstance(self.operator, PartOf) or isinstance(self.sigma, Tensor):
            return None
        whole = self._memo.get("whole", lambda: evolve(self, operator=self.operator.whole()))
        return partial(spectral.inverse, whole._spectrum(v))

    def _make_spectrum(self, shape: Shape, like: Tensor | None) -> Spectrum:
        self._fits(tuple(self.operator.out_shape(shape)))
        return spectral.spectrum_of(self.operator.svd(shape), self.sigma, like)
