"""A small memory for what an operator computes once per image shape, dtype and device.

It belongs to one operator and dies with it; a copy or a pickle of the operator starts with an
empty one, so that files stay small and nothing cached outlives what it was computed from. What is
computed in torch's inference mode is kept as tensors that gradients may pass later.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import torch

T = TypeVar("T")


class Memo(Generic[T]):
    """The last few values of a function, by key.

    Args:
        size: how many are kept; the oldest is dropped.

    >>> memo = Memo()
    >>> memo.get(8, lambda: "computed"), memo.get(8, lambda: "never called")
    ('computed', 'computed')
    """

    def __init__(self, size: int = 4) -> None:
        self._size = size
        self._values: dict[Hashable, T] = {}

    def get(self, key: Hashable, make: Callable[[], T], /) -> T:
        """The value of this key, from `make()` where it is not known."""
        try:
            return self._values[key]
        except KeyError:
            with torch.inference_mode(False):
                value = make()
        while len(self._values) >= self._size:
            self._values.pop(next(iter(self._values)), None)
        self._values[key] = value
        return value

    def __reduce__(self) -> tuple[type[Memo[T]], tuple[int]]:
        """Copy and pickle as an empty memory."""
        return type(self), (self._size,)
