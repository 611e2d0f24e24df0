"""Priors: which images are likely, and which images a prior was made for.

What a solver asks comes first, then `Prior`, which is any of it; what a prior may say about itself
comes last.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Protocol, runtime_checkable

from attrs import field, frozen
from torch import Generator, Tensor

from ..errors import InputError
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


def _counts(name: str, example: str, value: Iterable[int] | None) -> Shape | None:
    """Whole numbers from 1 on, as a tuple."""
    if value is None:
        return None
    try:
        found = tuple(value)
    except TypeError:
        found = ()
    if not found or not all(isinstance(n, Integral) and n > 0 for n in found):
        raise InputError(
            f"{name}={value!r} of a Domain are no whole numbers from 1 on; give a tuple of them: "
            f"{name}={example}, or leave it out if all are taken"
        )
    return tuple(int(n) for n in found)


def _as_channels(value: Iterable[int] | None) -> tuple[int, ...] | None:
    return _counts("channels", f"({value},)" if isinstance(value, int) else "(1, 3)", value)


def _as_image_shape(value: Iterable[int] | None) -> Shape | None:
    return _counts("shape", "(3, 64, 64)", value)


def _as_levels(value: Iterable[float]) -> tuple[float, float]:
    """The least and the greatest noise level."""
    try:
        found = tuple(value)
    except TypeError:
        found = ()
    numbers = [float(level) for level in found if isinstance(level, Real | Tensor)]
    right = len(found) == len(numbers) == 2 and 0 <= numbers[0] <= numbers[1]
    if not right or numbers[0] == float("inf"):
        raise InputError(
            f"sigma={value!r} of a Domain is no range of noise levels; give the least and the "
            "greatest that the prior denoises, in the unit of images in [0, 1]: "
            "sigma=(0.01, 0.5), and (0.1, 0.1) for one level alone"
        )
    return numbers[0], numbers[1]


@frozen
class Domain:
    """The images that a prior was made for. `None` stands for "any".

    Args:
        channels: the channel counts it takes, for example `(1, 3)`.
        shape: the one image shape it takes.
        unit_range: whether it takes images in [0, 1] only (up to noise).
        sigma: the least and the greatest noise level that it can denoise, in the unit of images
            in [0, 1]: 25 grey levels of 255 are 25 / 255.

    Raises:
        InputError: channels, shape or sigma are no such numbers.
    """

    channels: tuple[int, ...] | None = field(default=None, converter=_as_channels)
    shape: Shape | None = field(default=None, converter=_as_image_shape)
    unit_range: bool = False
    sigma: tuple[float, float] = field(default=(0.0, float("inf")), converter=_as_levels)


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
