"""What a likelihood that wraps another one shares with all such: it can do what its noise can."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..compatibility import lacks
from ..contracts import (
    Annealed,
    Differentiable,
    HasLikelihood,
    HasSVD,
    InfersImageShape,
    Likelihood,
    LinearOperator,
    LocallyGaussian,
    LocallyLinear,
    MatchesScore,
    Proximal,
    SamplesGivenGaussian,
    ScoresData,
    Shape,
    Spectral,
    StatesEquation,
    Withdraws,
)
from ..errors import IncompatibleError, InputError
from ..operators.adjoint_check import FAILURES


@runtime_checkable
class Bounded(Protocol):
    """A noise whose measurements have a least value, below which its score is not defined."""

    def least_y(self, x: Tensor, /) -> Tensor:
        """The least measurement of each pixel of x."""


CAPABILITIES: tuple[type, ...] = (
    HasLikelihood,
    Differentiable,
    ScoresData,
    MatchesScore,
    Proximal,
    SamplesGivenGaussian,
    Annealed,
    Spectral,
    LocallyGaussian,
    LocallyLinear,
)


def a_likelihood(_: object, __: object, noise: object) -> None:
    """A validator: a noise model to wrap."""
    if isinstance(noise, type) or not isinstance(noise, Likelihood):
        raise InputError(
            f"noise={noise!r} is no likelihood: it has no method `sample(x, generator)`; give "
            "one, such as Poisson(peak=30)"
        )


def a_linear_operator(_: object, __: object, operator: object) -> None:
    """A validator: a linear operator."""
    if isinstance(operator, type) or not isinstance(operator, LinearOperator):
        raise InputError(
            f"operator={operator!r} is no linear operator: it needs forward(x), adjoint(y) and "
            "out_shape(shape), as Mask(mask) and CircularBlur(kernel) have"
        )


def withdrawn_by(noise: object, more: tuple[type, ...] = (), /) -> dict[type, str]:
    """The capabilities that a noise lacks, of these and `more`, and so one that wraps it."""
    reasons: dict[type, str] = {
        capability: f"its noise {noise!r} is not: {lack}"
        for capability in CAPABILITIES + more
        if (lack := lacks(noise, capability))
    }
    if ScoresData in reasons and lacks(noise, StatesEquation):
        reasons[StatesEquation] = reasons[ScoresData]  # `equation_of` would have nothing to say
    return reasons


def image_shape_of(noise: object, shape: Shape, /) -> Shape:
    """The image's shape for a measurement of this shape: what the noise says, or the same."""
    return noise.image_shape(shape) if isinstance(noise, InfersImageShape) else tuple(shape)


def image_shape_behind(operator: LinearOperator, shape: Shape, /) -> Shape:
    """The image's shape for a measurement of this shape: what an operator says, or the same.

    Raises:
        InputError: it does not say, and makes another shape.
    """
    if isinstance(operator, InfersImageShape):
        return operator.image_shape(shape)
    try:
        same = tuple(operator.out_shape(tuple(shape))) == tuple(shape)
    except FAILURES:
        same = False
    if same:
        return tuple(shape)
    raise InputError(
        f"measurements of shape {tuple(shape)} are not made of images of that shape by "
        f"{operator!r}, and it has no method image_shape(shape) that says of which; write it, or "
        "give Problem(prior, likelihood, y, image_shape=...)"
    )


def refuse_other_shapes(operator: LinearOperator, shape: Shape, /) -> None:
    """Raise `InputError` if an operator that knows its images' shape makes no such measurement.

    Of one that does not know it, `Problem` asks this with the shape it was given.
    """
    if isinstance(operator, InfersImageShape):
        made = tuple(operator.out_shape(operator.image_shape(shape)))
        if made != tuple(shape):
            raise InputError(
                f"y has measurements of shape {tuple(shape)}, but {operator!r} makes {made}"
            )


def why_no_svd(operator: object, /) -> str | None:
    """Why a likelihood has no spectrum, if its operator has no decomposition; None if it has."""
    lack = lacks(operator, HasSVD)
    if lack is None or isinstance(operator, Withdraws):  # then it said itself why
        return lack and f"its operator has no SVD ({lack})"
    return "its operator has no SVD (Dense(matrix, image_shape) or a method `svd` gives one)"


def equation_of(noise: Any, y: Tensor, x: Tensor, /) -> Tensor:
    """f(x, y) of the equation that a noise's `match_score` solves: its own, or its score."""
    stated = isinstance(noise, StatesEquation)
    score: Tensor = noise.equation(y, x) if stated else noise.score_y(y, x)
    return score


def least_y(noise: object, x: Tensor, /) -> Tensor:
    """Where the score of a noise begins; -inf where it does not say."""
    if isinstance(noise, Bounded) and not lacks(noise, Bounded):
        return noise.least_y(x)
    return torch.full_like(x, -torch.inf)


def demand(part: object, capability: type, /) -> None:
    """Raise `IncompatibleError` if a part has withdrawn a capability."""
    if lack := lacks(part, capability):
        raise IncompatibleError(f"{part!r} is not {capability.__name__}: {lack}")
