"""Checkpoints: a run on disk, safe to read, written whole or not at all.

A checkpoint is a safetensors file (tensors, nothing executable) with a JSON header: the format,
the version, what is being solved (as text for people, as fingerprints for the computer), the seed,
the step and the state's numbers. The tensors are the state's and the random generators'. It is
written beside its final name, flushed to the disk and then renamed, so the previous checkpoint
survives whatever happens meanwhile.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cached_property
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from torch import Tensor

from .contracts import AnySolver
from .errors import CheckpointError, InputError
from .files import replacing
from .fingerprint import fingerprint
from .problem import Problem
from .streams import Streams

if TYPE_CHECKING:
    from .drive import Event

FORMAT = 1
HEADER = "invprob"
STATE = "state."
RANDOM = "random"


class Identity:
    """What is being solved, with which seed."""

    def __init__(self, problem: Problem[Any, Any], solver: AnySolver, seed: int) -> None:
        self.problem, self.solver, self.seed = problem, solver, seed

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """For each part of the run its text and its fingerprint."""
        y = self.problem.y[: self.problem.measurements]
        return {
            "solver": [repr(self.solver), fingerprint(self.solver)],
            "prior": [repr(self.problem.prior), fingerprint(self.problem.prior)],
            "likelihood": [repr(self.problem.likelihood), fingerprint(self.problem.likelihood)],
            "measurement": [f"y of shape {tuple(y.shape)}, {y.dtype}", fingerprint(y)],
            "number of samples": [str(self.problem.samples), str(self.problem.samples)],
            "seed": [str(self.seed), str(self.seed)],
        }


def save_checkpoint(path: str | PathLike[str], event: Event, /) -> None:
    """Write an event to a file, atomically.

    Args:
        path: the file; a previous one is replaced only by a complete one.
        event: the moment of the run to keep.

    Raises:
        CheckpointError: the disk is full, or the folder can't be written; a previous file stays.
    """
    from safetensors.torch import save

    tensors, numbers = _flatten(event.state)
    tensors[RANDOM] = event.random
    header = {
        "format": FORMAT,
        "version": _version(),
        "parts": event.identity.parts,
        "step": event.step,
        "steps": event.steps,
        "numbers": {name: _plain(number) for name, number in numbers.items()},
    }
    whole = {name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()}
    write_whole(Path(path), save(whole, {HEADER: json.dumps(header)}))


def load_checkpoint(
    path: str | PathLike[str],
    identity: Identity,
    start: Any,
    steps: int,
    streams: Streams,
    /,
) -> tuple[Any, int]:
    """Read a checkpoint of this very run; the streams go on from where they were.

    Args:
        path: the file.
        identity: what is being solved; the checkpoint's must agree.
        start: the state before the first step, which gives the fields, shapes and types.
        steps: steps of a full run.
        streams: the run's generators, restored in place.

    Returns:
        The state and the number of steps that were done.

    Raises:
        CheckpointError: the file is missing, damaged, or of another run or version.
        InputError: path is no file's name.
    """
    if not isinstance(path, str | PathLike):
        raise InputError(f"resume={path!r}: give the file of a checkpoint, resume='run.ckpt'")
    header, tensors = _read(Path(path))
    _check_identity(path, header, identity)
    step = header.get("step")
    if type(step) is not int or not 0 <= step <= steps:
        raise CheckpointError(f"{str(path)!r} is damaged: step {step!r} of {steps}")
    fields: dict[str, Any] = {}
    expected, numbers = _flatten(start)
    for name, like in expected.items():
        tensor = tensors.get(name)
        if tensor is None or tensor.shape != like.shape or tensor.dtype != like.dtype:
            found = "nothing" if tensor is None else f"{tuple(tensor.shape)} {tensor.dtype}"
            raise CheckpointError(
                f"{str(path)!r} is damaged: {name} should be {tuple(like.shape)} {like.dtype}, "
                f"it holds {found}"
            )
        fields[name.removeprefix(STATE)] = tensor.to(like.device)
    stored = header.get("numbers")
    for name, like_number in numbers.items():
        value = stored.get(name) if isinstance(stored, dict) else None
        truth = isinstance(like_number, bool)
        if not isinstance(value, int | float) or isinstance(value, bool) != truth:
            raise CheckpointError(f"{str(path)!r} is damaged: {name} is {value!r}")
        fields[name] = _like(value, like_number)
    try:
        streams.restore(tensors[RANDOM])
    except (KeyError, InputError, RuntimeError) as error:
        raise CheckpointError(f"{str(path)!r} is damaged: its random state: {error}") from None
    return attrs.evolve(start, **fields), step


def is_checkpoint(path: Path, /) -> bool:
    """Whether a file is a checkpoint, of whatever run."""
    try:
        _read(path)
    except CheckpointError:
        return False
    return True


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise CheckpointError(
            f"there is no checkpoint at {str(path)!r}; leave `resume` out to start anew"
        )
    try:
        with safe_open(str(path), framework="pt") as file:
            text = (file.metadata() or {}).get(HEADER)
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{str(path)!r} is no readable checkpoint, or it was cut short: {error}"
        ) from None
    if text is None:
        raise CheckpointError(f"{str(path)!r} is a safetensors file, but no invprob checkpoint")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{str(path)!r} is damaged: its header: {error}") from None
    if not isinstance(header, dict):
        raise CheckpointError(f"{str(path)!r} is damaged: its header is no JSON object")
    return header, tensors


def _check_identity(path: str | PathLike[str], header: dict[str, Any], identity: Identity) -> None:
    if header.get("format") != FORMAT or header.get("version") != _version():
        raise CheckpointError(
            f"{str(path)!r} was written by invprob {header.get('version')} in format "
            f"{header.get('format')}; this is invprob {_version()}, format {FORMAT}, which can't "
            "promise the same result: finish the run with the version that began it"
        )
    stored = header.get("parts")
    for name, (text, mark) in identity.parts.items():
        entry = stored.get(name) if isinstance(stored, dict) else None
        if not isinstance(entry, list) or len(entry) != 2:
            raise CheckpointError(f"{str(path)!r} is damaged: it does not say its {name}")
        if entry[1] != mark:
            same = (
                " (which reads the same, but its contents differ, or another version wrote it)"
                if entry[0] == text
                else ""
            )
            raise CheckpointError(
                f"{str(path)!r} is of another run: its {name} is {str(entry[0])[:300]}, "
                f"yours is {text}{same}"
            )


def _flatten(state: Any) -> tuple[dict[str, Tensor], dict[str, Real]]:
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Real] = {}
    for item in attrs.fields(type(state)):
        value = getattr(state, item.name)
        if isinstance(value, Tensor):
            tensors[STATE + item.name] = value
        elif isinstance(value, Real):
            numbers[item.name] = value
        else:
            raise CheckpointError(
                f"{type(state).__name__}.{item.name} is a {type(value).__name__}; a solver's "
                "state holds tensors and numbers only, so that it can be written to a file"
            )
    return tensors, numbers


def _plain(number: Real) -> int | float:
    """A number of Python's own, of one of numpy's as well."""
    if isinstance(number, bool):
        return number
    return int(number) if isinstance(number, Integral) else float(number)


def _like(value: float, number: Real) -> float:
    """A number that was stored, of numpy's type where the state began with one of these."""
    kind: Callable[[float], float] = type(number)  # type: ignore[assignment]
    return value if kind in (bool, int, float) else kind(value)


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Put a checkpoint's content at `path` as a whole.

    Raises:
        CheckpointError: it can't be written; what was there stays.
    """
    try:
        with replacing(path) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        before = "the previous one is intact" if path.exists() else "nothing was written"
        raise CheckpointError(
            f"the checkpoint {str(path)!r} could not be written ({error.strerror}); {before}"
        ) from error


def _version() -> str:
    from . import __version__

    return __version__
