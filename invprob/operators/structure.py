"""What a composition of operators can know about its parts.

The product of two decompositions is a decomposition in two cases only: one factor is orthogonal,
or the two act on different axes, so that the product is a Kronecker product. An operator that has
such a structure says so by a method; it is optional, and plugins may define it.
"""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from ..contracts import Withdraws

Axes = Literal["channels", "plane"]


@runtime_checkable
class MayBeOrthogonal(Protocol):
    """An operator that knows whether it is orthogonal."""

    def is_orthogonal(self) -> bool:
        """Whether Hᵀ H = H Hᵀ = I, for every image shape that it takes."""


@runtime_checkable
class ActsOn(Protocol):
    """An operator that knows which axes of an image `(C, ...)` it acts on."""

    def acts_on(self) -> Axes | None:
        """Which.

        "channels": one and the same map of the first axis at every pixel, whatever the other axes
        are. "plane": one and the same map of all the other axes for every channel, whatever their
        number is. None: neither.
        """


def is_orthogonal(operator: object, /) -> bool:
    """Whether the operator says that it is."""
    return isinstance(operator, MayBeOrthogonal) and operator.is_orthogonal()


def acts_on(operator: object, /) -> Axes | None:
    """What the operator says, None if nothing."""
    return operator.acts_on() if isinstance(operator, ActsOn) else None


def has(operator: object, capability: type, /) -> bool:
    """Whether the operator defines a capability and does not withdraw it."""
    withdrawn = operator.withdrawn() if isinstance(operator, Withdraws) else {}
    return isinstance(operator, capability) and capability not in withdrawn
