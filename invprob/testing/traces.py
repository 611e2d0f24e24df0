"""Where a part raised: the innermost line of the part itself, for the report."""

from __future__ import annotations

import traceback
from pathlib import Path

import torch

from .case import Case

KIT = Path(__file__).parent
TORCH = Path(torch.__file__).parent
SHAPES = "size", "shape", "channel", "dimension"
"""Words of torch's errors about tensors that do not fit."""


def where(error: Exception, case: Case, /) -> str:
    """File, line and function, as the end of a sentence; and what a wrong shape may mean.

    A line of invprob's own is named where there is none of anybody else.

    >>> def broken():
    ...     raise ZeroDivisionError
    >>> try:
    ...     broken()
    ... except ZeroDivisionError as error:
    ...     where(error, Case(0, "prior", (1, 8, 8), (1, 1, 1), (1, 1, 2), (1, 2, 2)))
    ', at <doctest invprob.testing.traces.where[0]>:2, in broken'
    """
    frames = traceback.extract_tb(error.__traceback__)
    for others in ((KIT.parent, TORCH), (KIT, TORCH)):
        own = [one for one in frames if not any(map(Path(one.filename).is_relative_to, others))]
        if own:
            place = f", at {Path(own[-1].filename).name}:{own[-1].lineno}, in {own[-1].name}"
            return place + _of_colour(error, case)
    return _of_colour(error, case)


def _of_colour(error: Exception, case: Case) -> str:
    """Advice for a prior that may take gray images alone, and was given colour."""
    odd = isinstance(error, RuntimeError | ValueError) and any(w in str(error) for w in SHAPES)
    if not odd or case.kind != "prior" or len(case.shape) != 3 or case.shape[0] != 3:
        return ""
    return (
        "; the images had 3 channels: if it takes gray ones alone, give it a method domain() that "
        "returns ip.Domain(channels=(1,))"
    )
