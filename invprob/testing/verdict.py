"""How a check ends: with a figure, with a failure in words, or with a reason not to run.

A check compares numbers through `close`, `below` or `holds`. Each returns the figure that the
report shows beside "passed", or raises `CheckFailure` with index, value and tolerance. `skip`
says why a check has nothing to say about this part.
"""

from __future__ import annotations

from typing import NoReturn

import torch
from attrs import frozen
from torch import Tensor


class CheckFailure(AssertionError):
    """A part breaks the identity that a check states."""


class Skip(Exception):
    """A check has nothing to say about this part; the message is the reason."""


def skip(reason: str) -> NoReturn:
    """Leave the check, with the reason that the report shows."""
    raise Skip(reason)


@frozen
class Figure:
    """The largest deviation that a check saw, and the one that it allows."""

    worst: float
    limit: float

    def __str__(self) -> str:
        """For example `3.1e-15 of 1e-10`."""
        return f"{self.worst:.1e} of {self.limit:.0e}"

    def __or__(self, other: Figure) -> Figure:
        """The figure nearer to its limit: a check of two comparisons reports the tighter one."""
        return max(self, other, key=lambda figure: figure.worst / figure.limit)


def holds(truth: bool, otherwise: str, /) -> Figure:
    """A statement that is true or false, without a tolerance."""
    if not truth:
        raise CheckFailure(otherwise)
    return Figure(0.0, 1.0)


def close(actual: Tensor, expected: Tensor, limit: float, what: str, /) -> Figure:
    """`|actual - expected| <= limit * max(1, |expected|)`, elementwise maxima, NaN refused.

    Args:
        actual: what the part gave.
        expected: what the identity says, of the same shape; a number may be broadcast.
        limit: the tolerance, relative to the largest expected value where that exceeds 1.
        what: name of the quantity, for the message.
    """
    if expected.ndim and actual.shape != expected.shape:
        raise CheckFailure(f"{what} has shape {tuple(actual.shape)}, not {tuple(expected.shape)}")
    actual, expected = actual.detach().double(), expected.detach().double().expand(actual.shape)
    if actual.numel() == 0:
        return Figure(0.0, limit)
    difference = torch.where(actual == expected, torch.zeros_like(actual), actual - expected).abs()
    scale = max(1.0, float(torch.nan_to_num(expected, 0.0, 0.0, 0.0).abs().max()))
    worst = int(torch.nan_to_num(difference, torch.inf, torch.inf).argmax())
    figure = Figure(float(difference.flatten()[worst]) / scale, limit)
    if not figure.worst <= limit:
        index = tuple(int(i) for i in torch.unravel_index(torch.tensor(worst), actual.shape))
        raise CheckFailure(
            f"{what} is {float(actual.flatten()[worst]):.8g}"
            f"{f' at index {index}' if index else ''}, but "
            f"{float(expected.flatten()[worst]):.8g} was expected (difference "
            f"{figure.worst * scale:.2g}, allowed {limit * scale:.2g})"
        )
    return figure


def below(value: float, limit: float, what: str, /) -> Figure:
    """`value <= limit`, NaN refused."""
    if not value <= limit:
        raise CheckFailure(f"{what} is {value:.4g}; at most {limit:.4g} is possible")
    return Figure(max(value, 0.0), limit)


def finite(values: Tensor, what: str, /) -> Figure:
    """No NaN and no infinity."""
    bad = ~torch.isfinite(values)
    if bool(bad.any()):
        index = tuple(int(i) for i in bad.nonzero()[0])
        raise CheckFailure(f"{what} is {float(values[index])} at index {index}")
    return Figure(0.0, 1.0)


def looks_like(values: object, shape: tuple[int, ...], dtype: torch.dtype, what: str, /) -> Figure:
    """A finite tensor of this shape and type."""
    if not isinstance(values, Tensor):
        raise CheckFailure(f"{what} is a {type(values).__name__}, not a torch.Tensor")
    holds(
        tuple(values.shape) == tuple(shape),
        f"{what} has shape {tuple(values.shape)}, not {tuple(shape)}",
    )
    holds(
        values.dtype == dtype,
        f"{what} has type {values.dtype}, though it was given {dtype}: let constants follow the "
        "input (x.new_tensor, torch.zeros_like, .to(x))",
    )
    return finite(values, what)
