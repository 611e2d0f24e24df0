"""Any part: the words that all contracts share, and how a part says what it lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

Shape = tuple[int, ...]
"""The shape of one image or measurement: it never counts the batch."""

Map = Callable[[Tensor], Tensor]
"""A function of a batch."""


@runtime_checkable
class Withdraws(Protocol):
    """A part that lacks what its class defines, or that says why it lacks something."""

    def withdrawn(self) -> Mapping[type, str]:
        """The capabilities that this instance does not have, each with the reason."""
