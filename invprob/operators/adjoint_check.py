"""Operators from outside are tried before they are used: are they linear, is the adjoint theirs?

One call of each, on three images a, b, a - 2 b and three measurements r, H b, r - 2 H b, with a, b
and r random:

    H (a - 2 b) = H a - 2 H b,      <H a, r> = <a, Hᵀ r>,      <H b, H b> = <b, Hᵀ H b>.

Products of two random vectors are small beside their lengths, so that a small error of the adjoint
is lost there; the last product is as large as can be, and shows an error of a thousandth.
A solver with a wrong adjoint runs away, or ends at another image.

It is done in double precision where both maps take it. What counts as an error is a thousand times
the rounding, and of that the first identity tells: maps that calculate in single precision
inside are judged as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import torch
from torch import Tensor

from ..contracts import LinearOperator, Map, Shape
from ..errors import InputError
from ..streams import generator

FAILURES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a user's function may raise when it is tried."""

ROUNDINGS = 1e3
"""An error is one if it is larger than so many roundings."""

PACKAGE = __name__.partition(".")[0]


class WrongAdjoint(InputError):
    """An adjoint that makes images of another shape.

    Attributes:
        made: the shape of the measurements that it was given.
    """

    made: Shape = ()


def try_maps(forward: Map, adjoint: Map, like: Tensor, text: str) -> Shape:
    """The measurement's shape, once forward has proved linear and adjoint its adjoint.

    Args:
        forward: of images.
        adjoint: of measurements.
        like: an image without the batch, of the dtype and device that both have to take.
        text: what to call forward.

    Raises:
        InputError: they fail on such images, are not linear, or do not belong together.
    """
    try:
        tried = _tried(forward, adjoint, like.double(), text)
    except (InputError, *FAILURES):
        tried = _tried(forward, adjoint, like, text)
    _judge(*tried, text, "leave adjoint out, and differentiation makes it")
    return tuple(int(n) for n in tried[1].shape[1:])


def try_operators(likelihood: object, shape: Shape, y: Tensor, /) -> None:
    """Try the operators from outside that are in a likelihood, as `try_maps` does.

    One that fails when it is tried is left alone: its own error comes when it is used. An adjoint
    that makes images of another shape is told at once.

    Args:
        likelihood: what measures.
        shape: of its images, without the batch.
        y: what it measured.

    Raises:
        InputError: an operator is not linear, or its adjoint is not its own.
    """
    for operator in operators_from_outside(likelihood):
        text = repr(operator)
        for dtype in dict.fromkeys((torch.float64, y.dtype)):
            try:
                like = y.new_empty(shape, dtype=dtype)
                tried = _tried(operator.forward, operator.adjoint, like, text)
            except WrongAdjoint as error:
                if error.made != tuple(y.shape[1:]):
                    continue
                raise InputError(
                    f"{error}. If that is the shape of the images, give Problem(prior, "
                    "likelihood, y, image_shape=...), or the operator a method image_shape(shape)"
                ) from None
            except FAILURES:
                continue
            if tried[1].shape[1:] == y.shape[1:]:  # an operator of images, not of measurements
                advice = "from_callable(forward, image_shape=...) makes the adjoint by itself"
                _judge(*tried, text, advice)
            break


def operators_from_outside(part: object, /) -> Iterator[LinearOperator]:
    """The outermost operators in a part of which something is not of this package."""
    if isinstance(part, LinearOperator):
        if _from_outside(part):
            yield part
        return
    for inner in _fields(part):
        yield from operators_from_outside(inner)


def _from_outside(operator: object) -> bool:
    if isinstance(operator, LinearOperator):
        if type(operator).__module__.partition(".")[0] != PACKAGE:
            return True
    return any(_from_outside(inner) for inner in _fields(operator))


def _fields(part: Any) -> list[object]:
    """What a part is made of, where it says so."""
    if isinstance(part, list | tuple):
        return list(part)
    if isinstance(part, type) or not attrs.has(type(part)):
        return []
    return [getattr(part, item.name) for item in attrs.fields(type(part)) if item.init]


def _tried(
    forward: Map, adjoint: Map, like: Tensor, text: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Three images, their measurements, three measurements, and what the adjoint makes of them."""
    random = generator(0)

    def draw(as_this: Tensor) -> Tensor:
        return torch.randn(as_this.shape, generator=random, dtype=as_this.dtype).to(as_this.device)

    a, b = draw(like), draw(like)
    x = torch.stack((a, b, a - 2 * b))
    y = _call(forward, x, text)
    if y.ndim < 2 or y.shape[0] != len(x):
        raise InputError(
            f"{text} makes {tuple(y.shape)} of {tuple(x.shape)}; the first axis is the batch, and "
            "must stay"
        )
    r = draw(y[0])
    z = torch.stack((r, y[1], r - 2 * y[1]))
    image = _call(adjoint, z, f"the adjoint of {text}")
    if image.shape != x.shape:
        wrong = WrongAdjoint(
            f"the adjoint of {text} makes images of shape {tuple(image.shape)} of measurements "
            f"{tuple(z.shape)}; {tuple(x.shape)} is needed"
        )
        wrong.made = tuple(z.shape[1:])
        raise wrong
    return x, y, z, image


def _judge(x: Tensor, y: Tensor, z: Tensor, image: Tensor, text: str, advice: str) -> None:
    """Raise `InputError` unless the identities hold to rounding."""
    single = torch.finfo(torch.float32).eps
    bend = _bend(y)
    if bend > ROUNDINGS * single:
        raise InputError(
            f"{text} is not linear: f(a - 2 b) differs from f(a) - 2 f(b) by "
            f"{float((y[2] - (y[0] - 2 * y[1])).abs().max()):.3g}; leave out offsets, clipping "
            "and noise"
        )
    rounding = max(bend, _bend(image), *(torch.finfo(made.dtype).eps for made in (y, image)))
    lefts, rights = _products(y, z), _products(x, image)
    sizes = _lengths(y) * _lengths(z) + _lengths(x) * _lengths(image)
    for left, right, size in zip(lefts, rights, sizes.tolist(), strict=True):
        if abs(left - right) > ROUNDINGS * min(rounding, single) * size:
            raise InputError(
                f"the adjoint of {text} is not its adjoint: <H x, y> = {left:.6g}, but "
                f"<x, Hᵀ y> = {right:.6g}; {advice}"
            )


def _bend(rows: Tensor) -> float:
    """How far the third row is from the first less twice the second, over their lengths."""
    parts = rows[0] - 2 * rows[1]
    size = float(rows[0].norm() + parts.norm())
    return float((rows[2] - parts).norm()) / size if size else 0.0


def _products(left: Tensor, right: Tensor) -> list[float]:
    found: list[float] = (left.cpu().double() * right.cpu().double()).flatten(1).sum(1).tolist()
    return found


def _lengths(rows: Tensor) -> Tensor:
    found: Tensor = rows.cpu().double().flatten(1).norm(dim=1)
    return found


def _call(f: Map, x: Tensor, text: str) -> Tensor:
    try:
        with torch.no_grad():
            result = f(x)
    except FAILURES as error:
        raise InputError(f"{text} failed on {tuple(x.shape)}, {x.dtype}: {error}") from error
    if isinstance(result, Tensor) and result.is_complex():
        raise InputError(
            f"{text} makes complex numbers; give complex measurements as two real channels: "
            "from_callable(lambda x: torch.view_as_real(f(x)), ...)"
        )
    if not isinstance(result, Tensor) or not bool(torch.isfinite(result).all()):
        what = (
            "values that are not finite" if isinstance(result, Tensor) else type(result).__name__
        )
        raise InputError(f"{text} makes {what} of normal numbers; a finite torch.Tensor is needed")
    return result
