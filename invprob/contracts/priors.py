"""Priors: which images are likely, and which images a prior was made for.

What a solver asks comes first, then `Prior`, which is any of it; what a prior may say about itself
comes last.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from attrs import frozen
from torch import Generator, Tensor

from .parts import Shape


@runtime_checkable
class Denoises(Protocol):
    """A prior that answers with the posterior mean under white Gaussian noise."""

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """E[x₀ | x₀ + sigma n = x], the MMSE denoiser; `sigma` is `()` or `(B,)`."""


@runtime_checkable
class Scores(Protocol):
    """A prior that knows the gradient of its smoothed log-density."""

    def score(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """∇ log p_sigma(x), with p_sigma = p * N(0, sigma² I); `sigma` may be 0."""


@runtime_checkable
class HasLogProb(Protocol):
    """A prior with a normalised density."""

    def log_prob(self, x: Tensor, /) -> Tensor:
        """Log p(x) in nats, `(B,)`."""


@runtime_checkable
class HasLatent(Protocol):
    """A prior with an invertible map to a simple latent space (a flow)."""

    def encode(self, x: Tensor, /) -> tuple[Tensor, Tensor]:
        """Z and log |det ∂z/∂x| `(B,)`."""

    def decode(self, z: Tensor, /) -> Tensor:
        """The image of a latent."""


@runtime_checkable
class SamplesPrior(Protocol):
    """A prior that can draw images."""

    def sample(self, shape: Shape, generator: Generator, /) -> Tensor:
        """Images of shape `(B, *image)` = `shape`."""


@runtime_checkable
class ScoresMeasurement(Protocol):
    """The score of *noisy data*: another name than `score`, so that the two can't be confused."""

    def measurement_score(self, y: Tensor, /) -> Tensor:
        """∇ log p(y), the density of noisy measurements."""


@runtime_checkable
class ToneFree(Protocol):
    """A denoiser of images whatever curve their brightness went through, as of photographs.

    It takes the logarithm of a photograph, scaled to [0, 1], for one. A Gaussian prior does not:
    it knows how bright its images are. No check can know it; it is up to who writes the prior. One
    whose class has the method and that is not withdraws it: see `Withdraws`.
    """

    def tone_free(self) -> bool:
        """True: it makes no difference how bright its images are, and which contrast they have."""


@runtime_checkable
class SamplesPosterior(Protocol):
    """A prior of which only this is known: which images may be behind a measurement.

    It knows the likelihood of its measurements as well, one of them, and should say so:
    see `MadeForLikelihood`.
    """

    def posterior_sample(self, y: Tensor, temperature: float, generator: Generator, /) -> Tensor:
        """One image for each row of y, in y's precision, drawn from p(x | y).

        `temperature` scales what is random: 1 is the posterior, 0 has no randomness.
        """


Prior = (
    Denoises
    | Scores
    | HasLogProb
    | HasLatent
    | SamplesPrior
    | ScoresMeasurement
    | SamplesPosterior
)
"""What any prior is: at least one of the capabilities above."""


@frozen
class Domain:
    """The images that a prior was made for. `None` stands for "any".

    Attributes:
        channels: the channel counts it takes, for example `(1, 3)`.
        shape: the one image shape it takes.
        unit_range: whether it takes images in [0, 1] only (up to noise).
        sigma: the least and the greatest noise level that it can denoise.
    """

    channels: tuple[int, ...] | None = None
    shape: Shape | None = None
    unit_range: bool = False
    sigma: tuple[float, float] = (0.0, float("inf"))


@runtime_checkable
class HasDomain(Protocol):
    """A prior that was made for certain images and noise levels."""

    def domain(self) -> Domain:
        """Which ones."""


@runtime_checkable
class HasMoments(Protocol):
    """A prior that knows its mean and its size; samplers start there."""

    def moments(self) -> tuple[Tensor, float]:
        """The mean image `(*image)`, and the root of E ‖x - mean‖²."""


@runtime_checkable
class MadeForLikelihood(Protocol):
    """A prior that is of use with one likelihood alone."""

    def refusal(self, likelihood: object, /) -> str:
        """Why it is of no use with this one, and what to do; empty if it was made for it."""
