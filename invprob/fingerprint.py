"""Fingerprints: whether two parts are the same, down to their tensors and network weights.

A checkpoint carries the fingerprints of what it belongs to, so that it can't be resumed with
another prior, likelihood, solver or measurement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

_NAMELESS: Callable[..., str] = object.__repr__
"""It says where an object lies; one without attributes is known by its class."""


def fingerprint(part: object, /) -> str:
    """A SHA-256 over everything that defines a part: types, fields, tensors, weights, code.

    A path to a file stands for what is in the file, wherever it lies.

    >>> fingerprint(torch.zeros(2)) == fingerprint(torch.zeros(2))
    True
    >>> fingerprint(torch.zeros(2)) == fingerprint(torch.zeros(2, dtype=torch.float64))
    False
    """
    digest = hashlib.sha256()
    for piece in _pieces(part, set()):
        digest.update(len(piece).to_bytes(8, "little"))
        digest.update(piece)
    return digest.hexdigest()


def _pieces(part: Any, above: set[int]) -> Iterator[bytes]:
    yield f"{type(part).__module__}.{type(part).__qualname__}".encode()
    if id(part) in above:
        return
    above = above | {id(part)}
    match part:
        case Tensor() if part.layout != torch.strided:
            entries = part.detach().cpu().to_sparse().coalesce()
            yield f"{part.dtype}{tuple(part.shape)}".encode()
            yield from _pieces([entries.indices(), entries.values()], above)
        case Tensor():
            whole = part.detach().cpu().resolve_conj().resolve_neg().contiguous()
            yield f"{part.dtype}{tuple(part.shape)}".encode()
            yield whole.view(-1).view(torch.uint8).numpy().tobytes()
        case np.ndarray():
            yield f"{part.dtype}{part.shape}".encode()
            yield part.tobytes()
        case Path() if part.is_file():
            with part.open("rb") as file:
                yield hashlib.file_digest(file, "sha256").digest()
        case None | bool() | int() | float() | complex() | str() | bytes() | torch.dtype():
            yield repr(part).encode()
        case type():
            yield f"{part.__module__}.{part.__qualname__}".encode()
        case nn.Module():
            yield repr(part).encode()
            yield from _pieces([dict(part.state_dict()), dict(part.named_buffers())], above)
            for module in part.modules():
                yield from _pieces(_settings(module), above)
        case Mapping():
            for key, value in part.items():
                yield repr(key).encode()
                yield from _pieces(value, above)
        case list() | tuple():
            for value in part:
                yield from _pieces(value, above)
        case set() | frozenset():
            yield from sorted(b"".join(_pieces(value, above)) for value in part)
        case FunctionType():
            yield f"{part.__module__}.{part.__qualname__}".encode()
            yield _code(part.__code__)
            cells = [cell.cell_contents for cell in part.__closure__ or ()]
            yield from _pieces([cells, part.__defaults__, part.__kwdefaults__], above)
        case MethodType():
            yield from _pieces([part.__func__, part.__self__], above)
        case partial():
            yield from _pieces([part.func, part.args, part.keywords], above)
        case BuiltinFunctionType():
            yield part.__qualname__.encode()
            yield from _pieces(part.__self__, above)
        case ModuleType():
            yield part.__name__.encode()
        case _ if attrs.has(type(part)):
            for item in attrs.fields(type(part)):
                if item.init:
                    yield item.name.encode()
                    yield from _pieces(getattr(part, item.name), above)
        case _ if hasattr(part, "__dict__") and vars(part):
            yield from _pieces(vars(part), above)
        case _ if names := _slots(part):
            yield from _pieces({name: getattr(part, name, None) for name in names}, above)
        case _ if type(part).__repr__ is not _NAMELESS:
            yield repr(part).encode()


def _slots(part: object) -> list[str]:
    found = (getattr(kind, "__slots__", ()) for kind in type(part).__mro__)
    names = [name for slots in found for name in ([slots] if isinstance(slots, str) else slots)]
    return [name for name in names if not name.startswith("__")]


def _settings(module: nn.Module) -> dict[str, object]:
    """The attributes that a network gave itself, beside weights and layers."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and name != "training"
    }


def _constant(value: object) -> bytes:
    """Of code; a set in an order that does not depend on the process."""
    if isinstance(value, CodeType):
        return _code(value)
    return repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value).encode()


def _code(code: CodeType) -> bytes:
    constants = b"".join(map(_constant, code.co_consts))
    return code.co_code + constants + repr(code.co_names).encode()
