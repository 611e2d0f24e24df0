"""What a likelihood that wraps another one shares with all such: it can do what its noise can."""

from __future__ import annotations

from ..compatibility import lacks
from ..contracts import (
    Annealed,
    Differentiable,
    HasLikelihood,
    InfersImageShape,
    Likelihood,
    MatchesScore,
    Proximal,
    SamplesGivenGaussian,
    ScoresData,
    Shape,
    Spectral,
)
from ..errors import IncompatibleError, InputError

CAPABILITIES: tuple[type, ...] = (
    HasLikelihood,
    Differentiable,
    ScoresData,
    MatchesScore,
    Proximal,
    SamplesGivenGaussian,
    Annealed,
    Spectral,
)


def a_likelihood(_: object, __: object, noise: object) -> None:
    """A validator: a noise model to wrap."""
    if isinstance(noise, type) or not isinstance(noise, Likelihood):
        raise InputError(
            f"noise={noise!r} is no likelihood: it has no method `sample(x, generator)`; give "
            "one, such as Poisson(peak=30)"
        )


def withdrawn_by(noise: object, /) -> dict[type, str]:
    """The capabilities that a noise lacks, and so a likelihood that wraps it."""
    return {
        capability: f"its noise {noise!r} is not: {lack}"
        for capability in CAPABILITIES
        if (lack := lacks(noise, capability))
    }


def image_shape_of(noise: object, shape: Shape, /) -> Shape:
    """The image's shape for a measurement of this shape: what the noise says, or the same."""
    return noise.image_shape(shape) if isinstance(noise, InfersImageShape) else tuple(shape)


def demand(part: object, capability: type, /) -> None:
    """Raise `IncompatibleError` if a part has withdrawn a capability."""
    if lack := lacks(part, capability):
        raise IncompatibleError(f"{part!r} is not {capability.__name__}: {lack}")
