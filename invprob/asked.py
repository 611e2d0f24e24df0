"""What `solve` is asked for, before it begins: samples, a start, and what is called on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .compatibility import alternatives
from .contracts import AnySolver
from .counts import check_count
from .errors import InputError
from .problem import WHITE, Problem, domain_of
from .recommendation import check_sampling

BRIGHT = 100.0
"""No image in [0, 1] has such pixels, not even under the strongest noise that a network knows."""


def check_calls(callbacks: object, stop: object) -> None:
    """Raise `InputError` unless the callbacks and the stop rule can be called."""
    if not isinstance(callbacks, Sequence):
        raise InputError(f"callbacks={callbacks!r}: give a list of them, [{callbacks!r}]")
    for callback in callbacks:
        if not callable(callback):
            raise InputError(
                f"callbacks={callbacks!r}: {callback!r} can't be called; a callback is a function "
                "of an event, such as SaveEvery(50, 'run.ckpt')"
            )
    if stop is not None and not callable(stop):
        raise InputError(
            f"stop={stop!r} can't be called; a stop rule is a function of an event, such as "
            "StopAfter(60), which stops after a minute"
        )


def check_samples(problem: Problem[Any, Any], solver: AnySolver, samples: int) -> None:
    """Raise `InputError` unless the solver can draw so many samples."""
    check_count("samples", samples)
    if samples > 1 and not solver.stochastic:
        check_sampling(problem)
        others = ", ".join(alternatives(problem, stochastic=True))
        names = alternatives(problem, stochastic=True, typed=True)
        raise InputError(
            f"{solver!r} is deterministic: all {samples} samples would be equal; leave `samples` "
            f"out, or take a sampler for this problem: {others}",
            typed=" or ".join(f"-s {name}" for name in names),
        )


def starting(problem: Problem[Any, Any], x0: Tensor | None) -> Tensor | None:
    """x0 for every row of the problem; `InputError` if it is none."""
    if x0 is None:
        return None
    if not isinstance(x0, Tensor):
        raise InputError(
            f"x0 is of type {type(x0).__name__}; give a tensor (B, *image), torch.as_tensor(x0)"
        )
    rows = (problem.measurements, *problem.image_shape)
    if tuple(x0.shape) == rows:
        x0 = x0.repeat(problem.samples, *[1] * len(problem.image_shape))
    elif tuple(x0.shape) != (problem.y.shape[0], *problem.image_shape):
        raise InputError(f"x0 has shape {tuple(x0.shape)}; this problem needs {rows}")
    if not x0.is_floating_point() or not bool(torch.isfinite(x0).all()):
        raise InputError("x0 must hold finite floating-point numbers")
    if domain_of(problem.prior).unit_range and (most := float(x0.abs().max())) > BRIGHT:
        raise InputError(
            f"x0 has values up to {most:.4g}, and the prior knows images in [0, 1]; divide it by "
            f"{WHITE}"
        )
    return x0.to(problem.y)
