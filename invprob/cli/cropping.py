"""Files of a blur's results have the size of what was measured, although the image is larger.

Behind a `Blur` the image reaches beyond the measurement on all sides, as far as light was spread.
There it is a guess, and files are to lie on one another: so results are cropped to the measured
field of view. The run, its misfit and its checkpoint are of the whole image.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from torch import Tensor

from ..operators.structure import crop, operator_of
from ..result import Result


def cropped(result: Result, noise: Any, /) -> Result:
    """The result in the field of view of its measurement; it has no misfit of its own."""
    samples = result.samples.flatten(0, 1)
    if not what_is_cropped(samples, noise):
        return result
    shown = crop(operator_of(noise), samples)
    shown = shown.reshape(*result.samples.shape[:2], *shown.shape[1:])
    return evolve(result, samples=shown, problem=None)


def what_is_cropped(x: Tensor, noise: Any, /) -> str:
    """By how much a measurement's field of view is less than an image; empty if it isn't."""
    shown = crop(operator_of(noise), x) if x.ndim > 3 else x
    if shown.shape == x.shape:
        return ""
    height, width = shown.shape[-2:]
    return f"the {height}x{width} pixels in the field of view, of {x.shape[-2]}x{x.shape[-1]}"
