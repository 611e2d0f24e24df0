"""Trial runs of a solver, and what its states consist of."""

from __future__ import annotations

from typing import Any

import attrs
import torch
from torch import Tensor

from ..errors import InputError
from ..problem import Problem
from ..streams import Streams
from .case import Case
from .verdict import Figure, holds

SHORT = 6
"""Steps of a run that is not about its end."""


def problem_of(case: Case, samples: int = 1) -> Problem[Any, Any]:
    """The case's problem in the case's precision, for several samples of each measurement."""
    if case.problem is None:
        raise InputError("a solver is checked on a problem; give problem=")
    problem = case.problem
    typed = attrs.evolve(problem, y=problem.y.to(case.dtype))
    return typed.repeat(samples)


def streams_of(case: Case, problem: Problem[Any, Any], offset: int = 0) -> Streams:
    """Fresh streams for a problem; another offset is another seed."""
    return Streams(case.seed + offset, problem.samples, problem.measurements)


def run(
    solver: Any, problem: Problem[Any, Any], streams: Streams, steps: int | None = SHORT
) -> tuple[Any, Tensor]:
    """The state after some steps, or after a full run, and its estimate."""
    with torch.no_grad():
        state = solver.init(problem, streams, None)
        whole = solver.steps(problem)
        for _ in range(whole if steps is None else min(steps, whole)):
            state = solver.step(problem, state, streams)
        return state, solver.estimate(state)


def fields_of(state: Any) -> dict[str, Any]:
    """The fields of a state, by name."""
    holds(
        attrs.has(type(state)),
        f"the state is a {type(state).__name__}, not an attrs class, so no checkpoint can hold it",
    )
    return {field.name: getattr(state, field.name) for field in attrs.fields(type(state))}


def copied(state: Any) -> dict[str, Any]:
    """The fields of a state, tensors cloned."""
    return {
        name: value.clone() if isinstance(value, Tensor) else value
        for name, value in fields_of(state).items()
    }


def same_state(one: dict[str, Any], other: dict[str, Any], otherwise: str) -> Figure:
    """Two states are equal bit for bit; `otherwise` says what it means if not."""
    for name, value in one.items():
        twin = other[name]
        equal = torch.equal(value, twin) if isinstance(value, Tensor) else value == twin
        holds(bool(equal), f"{otherwise}: field {name} differs")
    return Figure(0.0, 1.0)


def form_of(state: Any) -> dict[str, object]:
    """The shapes and types of a state's fields, which a checkpoint must be able to hold."""
    form: dict[str, object] = {}
    for name, value in fields_of(state).items():
        if isinstance(value, Tensor):
            form[name] = (tuple(value.shape), value.dtype)
        else:
            holds(
                value is None or isinstance(value, bool | int | float | str),
                f"the state's field {name} is a {type(value).__name__}; a checkpoint "
                "holds tensors and numbers",
            )
            form[name] = type(value).__name__
    return form


def arguments_of(state: Any) -> dict[str, Any]:
    """A copy of a state's fields, by the names that its class takes."""
    aliases = {field.name: field.alias for field in attrs.fields(type(state)) if field.init}
    return {aliases[name]: value for name, value in copied(state).items() if name in aliases}
