"""A second device that every machine has: torch's `meta`, but with values.

A tensor that is moved to `meta` within `a_second_device()` becomes an `Elsewhere`, which keeps its
values on the processor and says that it is on `meta`. Operations on it are done on the processor,
with the same results to the last bit, and are refused as a graphics card would refuse them: where
tensors of both places meet (numbers without a shape may), or a generator of one place is to draw
in the other. As on Apple's graphics cards there are no numbers of 64 bits. So a part that leaves a
constant behind is found out without a graphics card.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map_only

AWAY = torch.device("meta")
DOUBLE = torch.float64, torch.complex128
aten = torch.ops.aten
PLACE_OF_FIRST = {
    aten.copy_.default,
    aten.index.Tensor,
    aten.index_put.default,
    aten.index_put_.default,
    aten._index_put_impl_.default,
}
"""Operations whose arguments may come from anywhere; the first says where the result is."""


class Elsewhere(torch.Tensor):
    """A tensor that says that it is on another device."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Elsewhere:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=AWAY,
        )
        made.inner = inner
        return made

    def tolist(self) -> Any:
        return self.inner.tolist()

    def __repr__(self) -> str:
        return f"Elsewhere({self.inner!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _done(func, args, kwargs or {})


@contextlib.contextmanager
def a_second_device() -> Iterator[torch.device]:
    """The device, for as long as the context lasts."""
    with _Operations(), _Constants():
        yield AWAY


class _Operations(TorchDispatchMode):
    """Also of what makes new tensors, on a device that is named."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _done(func, args, kwargs or {})


class _Constants(TorchFunctionMode):
    """Numbers of Python that become tensors, which torch does without an operation."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor) and _is_away(kwargs.get("device")):
            kwargs.pop("device")
            if isinstance(args[0], torch.Tensor):
                return args[0].to(device=AWAY, dtype=kwargs.get("dtype"))
            return func(*args, **kwargs).to(AWAY)
        if func is torch.Tensor.new_tensor and isinstance(args[0], Elsewhere):
            dtype = kwargs.get("dtype") or args[0].dtype
            return torch.as_tensor(args[1], dtype=dtype).to(kwargs.get("device") or AWAY)
        return func(*args, **kwargs)


def _is_away(device: Any) -> bool:
    return device is not None and torch.device(device) == AWAY


def _done(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """What an operation makes, in its place."""
    leaves = tree_leaves((args, kwargs))
    tensors = [one for one in leaves if isinstance(one, torch.Tensor)]
    away = [one for one in tensors if isinstance(one, Elsewhere)]
    asked = kwargs.get("device")
    if func in PLACE_OF_FIRST:
        is_away = isinstance(args[0], Elsewhere)
    else:
        is_away = _is_away(asked) if asked is not None else bool(away)
        if away and any(one.ndim and not isinstance(one, Elsewhere) for one in tensors):
            raise RuntimeError(f"{func}: expected all tensors to be on the same device")
    if is_away and any(isinstance(one, torch.Generator) for one in leaves):
        raise RuntimeError(f"{func}: expected a generator of the same device")
    if asked is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    inside = tree_map_only(Elsewhere, lambda one: one.inner, (args, kwargs))
    made = func(*inside[0], **inside[1])
    if not is_away or func is aten._local_scalar_dense.default:
        return made
    if any(isinstance(one, torch.Tensor) and one.dtype in DOUBLE for one in tree_leaves(made)):
        raise TypeError(f"{func}: the second device has no float64")
    made = tree_map_only(torch.Tensor, Elsewhere, made)
    if func is aten._to_copy.default or not away:
        return made
    return return_and_correct_aliasing(func, args, kwargs, made)
