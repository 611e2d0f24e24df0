"""How much of the image a mask leaves to be measured, said before a run.

An inverted mask is a mask as well: nothing fails, the scratch is taken for the measurement and the
picture around it is made up. So the share of pixels that count is said, with a warning where it is
small.
"""

from __future__ import annotations

import warnings
from typing import Any

from torch import Tensor

from ..operators.structure import observed, operator_of

FEW = 0.15
"""A mask that leaves less than this may be the wrong way round."""


def share_measured(noise: Any, y: Tensor, /) -> float:
    """The share of a measurement's entries that were measured; 1 where there is no mask."""
    shape = tuple(y.shape[1:])
    return float(observed(operator_of(noise), shape).double().expand(shape).mean())


def what_is_measured(noise: Any, y: Tensor, /, *, warn: bool = True) -> str:
    """What a mask takes for measured, in words; empty without one.

    Args:
        noise: it may have a mask.
        y: the measurement.
        warn: whether to warn if that is little.
    """
    share = share_measured(noise, y)
    if share == 1:
        return ""
    if y.ndim != 4:  # frequencies, for one
        return f"mask: {share:.1%} of the measurement's numbers were measured"
    if warn and share < FEW:
        warnings.warn(
            f"the mask is white in {share:.1%} of the pixels, and only these are taken for "
            "measured; if they are the ones to fill in, invert the mask: black marks what is "
            "missing",
            stacklevel=2,
        )
    return f"mask: {share:.1%} of the pixels are measured, those that are white in it"
