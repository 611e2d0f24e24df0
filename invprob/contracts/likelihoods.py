"""Likelihoods: how a measurement arises from an image, simulated and scored.

What a likelihood looks like in a singular basis is in `spectral`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from attrs import frozen
from torch import Generator, Tensor

from .parts import Map, Shape


@runtime_checkable
class Likelihood(Protocol):
    """How a measurement arises from an image. What any likelihood can do is simulate it."""

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """Y ~ p(y | x), `(B, *measurement)`."""


@runtime_checkable
class HasLikelihood(Protocol):
    """A likelihood with a normalised density (or probability, on a lattice)."""

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """Log p(y | x) in nats, `(B,)`; -inf outside the support."""


@runtime_checkable
class Differentiable(Protocol):
    """A likelihood with a gradient in the image."""

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """∇ₓ log p(y | x), `(B, *image)`."""


@runtime_checkable
class ScoresData(Protocol):
    """A likelihood with a gradient in the measurement."""

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """∇_y log p(y | x), `(B, *measurement)`."""


@runtime_checkable
class MatchesScore(Protocol):
    """A likelihood whose score equation s(y) = f(x, y) can be solved for x (Xie et al. 2023)."""

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """X' with f(x', y) = s: one fixed-point sweep from x; closed forms ignore x.

        The function f is `score_y`, unless the likelihood is a `StatesEquation`.
        """


@runtime_checkable
class StatesEquation(Protocol):
    """A likelihood whose `match_score` solves an equation that is not that of its exact score."""

    def equation(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The right side f(x, y) of the equation that `match_score` solves."""


@runtime_checkable
class Proximal(Protocol):
    """A likelihood whose proximal map is at hand."""

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """argminₓ -step log p(y | x) + ½ ‖x - v‖²; `step` > 0, `()` or `(B,)`."""


@runtime_checkable
class SamplesGivenGaussian(Protocol):
    """A likelihood that can be sampled against a Gaussian: the data half of split Gibbs."""

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """X ~ p(y | x) N(x; v, rho² I), normalised in x; `rho` > 0, `()` or `(B,)`.

        The same random numbers draw neighbours for neighbouring v and rho: draw by inversion of
        the distribution function, or as mean plus deviation, and not by rejection. `SplitGibbs`
        draws again with the numbers of the sweep before, and could not know them otherwise.
        """


@frozen(eq=False)
class Stabilised:
    """A measurement whose noise was made nearly Gaussian and as strong everywhere.

    Attributes:
        value: T(y), of y's shape.
        sd: the standard deviation of T(y), whatever the image is.
        inverse: from E[T(y) | x] to x; it takes any tensor in which the mean is estimated.
    """

    value: Tensor
    sd: float
    inverse: Map


@runtime_checkable
class Stabilises(Protocol):
    """A likelihood of pixels whose noise a transform makes Gaussian and even, nearly."""

    def stabilise(self, y: Tensor, /) -> Stabilised:
        """The variance-stabilising transform of y, and its exact unbiased inverse."""


@runtime_checkable
class Annealed(Protocol):
    """A likelihood that knows the posterior score of a noisy image."""

    def annealed_score(
        self, y: Tensor, x: Tensor, prior_score: Tensor, sigma: Tensor, /
    ) -> Tensor:
        """The score of p(x_sigma | y) at x; it takes the prior's, which it may partly replace."""


@runtime_checkable
class Flat(Protocol):
    """A likelihood under which every image is equally good: nothing was measured."""

    def flat(self) -> bool:
        """True: p(y | x) does not depend on x."""


@runtime_checkable
class ChecksMeasurement(Protocol):
    """A likelihood that can tell an impossible measurement before any work is done."""

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` for a `y` that no image could have caused."""


@runtime_checkable
class InfersImageShape(Protocol):
    """A likelihood whose images and measurements differ in shape."""

    def image_shape(self, shape: Shape, /) -> Shape:
        """The image's shape for a measurement of this shape; `InputError` if it can't be."""
