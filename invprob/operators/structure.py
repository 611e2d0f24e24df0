"""What a composition of operators can know about its parts.

The product of two decompositions is a decomposition in two cases only: one factor is orthogonal,
or the two act on different axes, so that the product is a Kronecker product. An operator that has
such a structure says so by a method; it is optional, and plugins may define it.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..contracts import HasSVD, Shape

Axes = Literal["channels", "plane"]


@runtime_checkable
class MayBeOrthogonal(Protocol):
    """An operator that knows whether it is orthogonal."""

    def is_orthogonal(self) -> bool:
        """Whether Hᵀ H = H Hᵀ = I, for every image shape that it takes."""


@runtime_checkable
class ActsOn(Protocol):
    """An operator that knows which axes of an image `(C, H, W)` it acts on."""

    def acts_on(self) -> Axes | None:
        """Which.

        "channels": one and the same map of the first axis at every pixel, whatever the other axes
        are. "plane": one and the same map of H and W for every channel, whatever their number is.
        None: neither.
        """


@runtime_checkable
class Observes(Protocol):
    """An operator whose measurement has entries that were never measured."""

    def observed(self, shape: Shape, /) -> Tensor:
        """True where an entry of a measurement of this shape was measured; it broadcasts to it."""


@runtime_checkable
class PartOf(Protocol):
    """An operator that measures a part of what another one, which has an SVD, would measure."""

    def whole(self) -> HasSVD:
        """The other one, of the same images."""

    def placed(self, y: Tensor, /) -> tuple[Tensor, Tensor]:
        """A measurement in its place in one of `whole`, and True where it is."""


@runtime_checkable
class Crops(Protocol):
    """An operator whose measurement shows a part of the image, at the image's own scale."""

    def crop(self, x: Tensor, /) -> Tensor:
        """That part of images `(..., H, W)`."""


@runtime_checkable
class Takes(Protocol):
    """An operator that was made for images of one shape."""

    def takes(self) -> tuple[int | None, ...]:
        """Their shape; `None` for an axis that may have any length."""


def taken(operator: object, partner: object, /) -> list[Shape]:
    """Image shapes of which the operator takes one, if it takes any that a partner may want.

    Empty if one of the two does not say enough. Axes that may have any length, and any number of
    them, get the lengths that the partner names, or 1.
    """
    pattern = operator.takes() if isinstance(operator, Takes) else ()
    if not pattern or None in pattern[-2:]:
        return []
    exact = tuple(n for n in pattern if n is not None)
    if len(exact) == len(pattern):
        return [exact]
    if not isinstance(partner, Takes) and acts_on(partner) != "plane":
        return []  # it may want channels that nobody named
    wanted = tuple(n or 1 for n in (partner.takes() if isinstance(partner, Takes) else ()))
    channels = [(n,) for n in sorted({1, 3, *wanted})]
    leading = dict.fromkeys([*channels, (), wanted[:-1], wanted[:-2]])
    return [(*before, *exact[-2:]) for before in leading]


def is_orthogonal(operator: object, /) -> bool:
    """Whether the operator says that it is."""
    return isinstance(operator, MayBeOrthogonal) and operator.is_orthogonal()


def acts_on(operator: object, /) -> Axes | None:
    """What the operator says, None if nothing."""
    return operator.acts_on() if isinstance(operator, ActsOn) else None


def observed(operator: object, shape: Shape, /) -> Tensor:
    """What the operator says of a measurement of this shape, everything if nothing."""
    if isinstance(operator, Observes):
        return operator.observed(shape)
    return torch.ones((), dtype=torch.bool)


def crop(operator: object, x: Tensor, /) -> Tensor:
    """The part of images that a measurement shows, all of them if the operator does not say."""
    return operator.crop(x) if isinstance(operator, Crops) else x


def operator_of(noise: object, /) -> Any:
    """The operator that a likelihood is behind, or the noise within it; None for none."""
    part, operator = noise, None
    while part is not None and operator is None:
        operator, part = getattr(part, "operator", None), getattr(part, "noise", None)
    return operator
