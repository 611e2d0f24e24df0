"""Fallbacks, on request: gradients by automatic differentiation, a prox by iteration.

A likelihood that lacks a capability is refused where it is needed. These wrappers add one, and say
so in their `repr`:

* `autograd(noise)`: ∇ₓ and ∇_y of a log-likelihood that torch can differentiate. Exact.
* `iterative_prox(noise, steps)`: a prox by `conjugate_gradients`, for any likelihood with
  `log_prob` and `grad_x`. For linear-Gaussian likelihoods the error falls by the usual factor in
  the square root of the condition number, after `steps` steps the result is an approximation. For
  others it is a local minimum that is reached from v downhill.

All else is the noise's: what it can do they can (`PASSED`), and what it lacks they withdraw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from attrs import field, frozen
from torch import Tensor

from ..compatibility import lacks
from ..contracts import (
    ChecksMeasurement,
    Differentiable,
    Flat,
    HasLikelihood,
    Proximal,
    ScoresData,
    Shape,
    Stabilises,
    StatesEquation,
)
from ..errors import InputError
from .conjugate_gradients import conjugate_gradients
from .delegation import Bounded, a_likelihood, equation_of, image_shape_of, withdrawn_by
from .pixelwise import OnLattice, Pixelwise, Smooths
from .rows import per_row, total

PASSED: tuple[type, ...] = (Stabilises, Flat, Pixelwise, Smooths, Bounded, OnLattice)
"""Capabilities that a wrapper has of its noise beside those of `delegation.CAPABILITIES`."""


def _its(name: str) -> Any:
    """The method of that name of the noise that is wrapped."""

    def method(self: Any, *arguments: Any) -> Any:
        return getattr(self.noise, name)(*arguments)

    method.__name__, method.__doc__ = name, "That of the noise."
    return method


def _behind() -> Any:
    """The operator that the noise that is wrapped is behind, if it is behind one."""
    return property(lambda self: self.noise.operator)


def autograd(noise: Any, /) -> Autograd:
    """The same likelihood, with the gradients of its `log_prob` by automatic differentiation.

    Args:
        noise: a likelihood with a `log_prob` that torch can differentiate.

    Raises:
        InputError: it has no `log_prob`.

    >>> import torch, invprob as ip
    >>> noise = ip.autograd(ip.Gaussian(sigma=0.5))
    >>> noise
    Autograd(Gaussian(sigma=0.5))
    >>> noise.grad_x(torch.ones(1, 2), torch.zeros(1, 2))
    tensor([[4., 4.]])
    """
    return Autograd(noise)


def iterative_prox(noise: Any, /, steps: int = 20) -> IterativeProx:
    """The same likelihood, with a prox by conjugate gradients.

    Args:
        noise: a likelihood with `log_prob` and `grad_x`.
        steps: how many directions are searched; each costs two gradients and a few `log_prob`.

    Raises:
        InputError: noise lacks `log_prob` or `grad_x`, or steps is less than 1; in use: p(y | v)
            is zero, and so it is at v pushed into [1/255, 1].

    >>> import torch, invprob as ip
    >>> noise = ip.iterative_prox(ip.Gaussian(sigma=0.1), steps=3)
    >>> noise
    IterativeProx(Gaussian(sigma=0.1), steps=3)
    >>> noise.prox(torch.ones(1, 2), torch.zeros(1, 2), torch.tensor(0.01))
    tensor([[0.5000, 0.5000]])
    """
    return IterativeProx(noise, steps)


@frozen(repr=False)
class Autograd:
    """A likelihood whose gradients are those of `log_prob`: see `autograd`."""

    noise: Any = field(validator=a_likelihood)

    def __attrs_post_init__(self) -> None:
        _require(self.noise, HasLikelihood, "autograd")

    sample = _its("sample")
    log_prob = _its("log_prob")
    match_score = _its("match_score")
    prox = _its("prox")
    sample_given = _its("sample_given")
    annealed_score = _its("annealed_score")
    spectrum = _its("spectrum")
    surrogate = _its("surrogate")
    linearised = _its("linearised")
    stabilise = _its("stabilise")
    flat = _its("flat")
    log_density = _its("log_density")
    smoothed = _its("smoothed")
    least_x = _its("least_x")
    least_y = _its("least_y")
    spacing = _its("spacing")
    operator = _behind()

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The gradient of log_prob in x; one that torch can differentiate again if x is asked."""
        if x.requires_grad and torch.is_grad_enabled():
            value = self.noise.log_prob(y, x).sum()
            (slope,) = torch.autograd.grad(value, x, create_graph=True)
            return slope
        return gradient(lambda x, y: self.noise.log_prob(y, x), x, y)

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The gradient of log_prob in y."""
        return gradient(self.noise.log_prob, y, x)

    def equation(self, y: Tensor, x: Tensor, /) -> Tensor:
        """That of the noise, or else the gradient of its log_prob."""
        stated = lacks(self.noise, StatesEquation) is None
        score: Tensor = self.noise.equation(y, x) if stated else self.score_y(y, x)
        return score

    def check_measurement(self, y: Tensor, /) -> None:
        """What the noise checks."""
        _check(self.noise, y)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The noise's."""
        return image_shape_of(self.noise, shape)

    def withdrawn(self) -> Mapping[type, str]:
        """What the noise does not have, but for the gradients."""
        given = Differentiable, ScoresData, StatesEquation
        lacking = withdrawn_by(self.noise, PASSED)
        return {c: why for c, why in lacking.items() if c not in given}

    def __repr__(self) -> str:
        return f"Autograd({self.noise!r})"


def _steps(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"steps={value!r}: give how many directions to search, 20 say")
    return value


@frozen(repr=False)
class IterativeProx:
    """A likelihood whose prox is iterated: see `iterative_prox`."""

    noise: Any = field(validator=a_likelihood)
    steps: int = field(converter=_steps)

    def __attrs_post_init__(self) -> None:
        _require(self.noise, HasLikelihood, "iterative_prox")
        _require(self.noise, Differentiable, "iterative_prox")

    sample = _its("sample")
    log_prob = _its("log_prob")
    grad_x = _its("grad_x")
    score_y = _its("score_y")
    match_score = _its("match_score")
    sample_given = _its("sample_given")
    annealed_score = _its("annealed_score")
    spectrum = _its("spectrum")
    surrogate = _its("surrogate")
    linearised = _its("linearised")
    stabilise = _its("stabilise")
    flat = _its("flat")
    log_density = _its("log_density")
    smoothed = _its("smoothed")
    least_x = _its("least_x")
    least_y = _its("least_y")
    spacing = _its("spacing")
    operator = _behind()

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """An approximate minimum of -step log p(y | x) + ½ ‖x - v‖²."""
        rate = per_row(step, v)

        def objective(x: Tensor) -> Tensor:
            value = 0.5 * total((x - v).square()) - rate.flatten() * self.noise.log_prob(y, x)
            return torch.nan_to_num(value, nan=torch.inf, posinf=torch.inf)

        def gradient(x: Tensor) -> Tensor:
            slope: Tensor = x - v - rate * self.noise.grad_x(y, x)
            return slope

        outside = per_row(objective(v) == torch.inf, v) > 0
        start = torch.where(outside, v.clamp(1 / 255, 1), v)
        if bool((objective(start) == torch.inf).any()):
            raise InputError(
                f"p(y | x) of {self.noise!r} is zero at v, and at v pushed into [1/255, 1]: there "
                "is nowhere to start from; does y belong to this likelihood?"
            )
        return conjugate_gradients(objective, gradient, start, self.steps)

    def equation(self, y: Tensor, x: Tensor, /) -> Tensor:
        """That of the noise."""
        return equation_of(self.noise, y, x)

    def check_measurement(self, y: Tensor, /) -> None:
        """What the noise checks."""
        _check(self.noise, y)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The noise's."""
        return image_shape_of(self.noise, shape)

    def withdrawn(self) -> Mapping[type, str]:
        """What the noise does not have, but for the prox."""
        lacking = withdrawn_by(self.noise, PASSED)
        return {c: why for c, why in lacking.items() if c is not Proximal}

    def __repr__(self) -> str:
        return f"IterativeProx({self.noise!r}, steps={self.steps})"


def gradient(function: Callable[..., Tensor], where: Tensor, other: Tensor, /) -> Tensor:
    """The derivative of the sum of function(where, other) in `where`, by autograd."""
    with torch.inference_mode(False), torch.enable_grad():
        point = where.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(function(point, other.detach().clone()).sum(), point)
    return gradient


def _require(noise: object, capability: type, name: str) -> None:
    if lack := lacks(noise, capability):
        raise InputError(
            f"{name}(noise) needs a noise that is {capability.__name__}, and {noise!r} is not: "
            f"{lack}"
        )


def _check(noise: object, y: Tensor) -> None:
    if isinstance(noise, ChecksMeasurement):
        noise.check_measurement(y)
