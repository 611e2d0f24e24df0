"""What torch says of parts that users write, in words that say what to change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from .contracts import Denoises
from .errors import InputError
from .problem import Problem, domain_of

NO_GRADIENT = "does not require grad"
"""In what torch says where a gradient is asked for of what was computed without one."""


@contextlib.contextmanager
def explained(problem: Problem[Any, Any], /) -> Iterator[None]:
    """Errors of torch in a step, in words where a part of the problem is at fault.

    A part that takes gradients meets `torch.no_grad()`, under which a run keeps no graphs. A plain
    prior may change the shape; `DenoiserPrior` looks at the shapes of every call. Both cost a call
    more, and only after an error.

    Raises:
        InputError: a part asks for a gradient that is not recorded, or changes the shape.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        prior, x = problem.prior, problem.zeros()[:1]
        if NO_GRADIENT in str(error):
            raise InputError(
                f"a part of the problem took a gradient, and a run records none ({error}). If "
                f"{prior!r} or {problem.likelihood!r} calls torch.autograd, let it do so within "
                "`with torch.enable_grad():`, and return a tensor that is detached"
            ) from error
        made = x
        if isinstance(prior, Denoises):
            low, high = domain_of(prior).sigma
            with torch.no_grad(), contextlib.suppress(RuntimeError):
                made = prior.denoise(x, x.new_tensor(min(max(0.1, low), high)))
        if made.shape != x.shape:
            raise InputError(
                f"the prior {prior!r} made {tuple(made.shape)} of images of shape "
                f"{tuple(x.shape)}; `denoise(x, sigma)` has to keep the shape"
            ) from error
        raise
