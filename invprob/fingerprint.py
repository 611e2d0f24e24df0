"""Fingerprints: whether two parts are the same, down to their tensors and network weights.

A checkpoint carries the fingerprints of what it belongs to, so that it can't be resumed with
another prior, likelihood, solver or measurement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn


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
        case Tensor():
            yield f"{part.dtype}{tuple(part.shape)}".encode()
            yield part.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
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
            yield from _pieces(dict(part.state_dict()), above)
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
        case _ if attrs.has(type(part)):
            for item in attrs.fields(type(part)):
                if item.init:
                    yield item.name.encode()
                    yield from _pieces(getattr(part, item.name), above)
        case _ if hasattr(part, "__dict__") and vars(part):
            yield from _pieces(vars(part), above)
        case _:
            yield repr(part).encode()


def _code(code: CodeType) -> bytes:
    constants = b"".join(
        _code(c) if isinstance(c, CodeType) else repr(c).encode() for c in code.co_consts
    )
    return code.co_code + constants + repr(code.co_names).encode()
