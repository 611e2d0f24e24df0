"""A likelihood's density where a measurement is possible: what the integrals over y are made of.

The convention: where `y` or `x` is impossible, `log_density` and so `log_prob` are -inf and not
NaN, and gradients stay finite. A `y` that `check_measurement` refuses has probability 0, whatever
the density says of it: nobody asks for it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..contracts import ChecksMeasurement
from ..errors import InputError
from .verdict import holds

SHOWN = 4
"""So many entries of a measurement are named."""

SAY = (
    "where y or x is impossible, log_density is -inf (torch.where(y > 0, ..., -torch.inf), with "
    "y.clamp(min=...) inside) and gradients are finite; or check_measurement(y) raises InputError"
)


def refuses(part: Any, y: Tensor) -> bool:
    """Whether `check_measurement` refuses a batch."""
    try:
        if isinstance(part, ChecksMeasurement):
            part.check_measurement(y)
    except InputError:
        return True
    return False


def log_prob_where_possible(part: Any, y: Tensor, x: Tensor) -> Tensor:
    """Log p(y | x) of every row, float64; -inf where the part refuses y.

    Raises:
        CheckFailure: it is NaN for a y that is not refused.
    """
    value: Tensor = part.log_prob(y, x).detach().double().clone()
    counts = (value != -torch.inf).nonzero().flatten()
    value[_refused(part, y, counts)] = -torch.inf
    if bool(value.isnan().any()):
        bad = int(value.isnan().nonzero()[0])
        holds(False, f"log_prob is NaN for y = {_shown(y[bad])}, x = {_shown(x[bad])}; {SAY}")
    return value


def _refused(part: Any, y: Tensor, rows: Tensor) -> Tensor:
    """Those of some rows that are refused: the halves are asked of what is refused together."""
    if len(rows) == 0 or not refuses(part, y[rows]):
        return rows[:0]
    if len(rows) == 1:
        return rows
    return torch.cat([_refused(part, y, half) for half in rows.chunk(2)])


def _shown(row: Tensor) -> str:
    numbers = [f"{number:.4g}" for number in row.flatten()[:SHOWN].tolist()]
    return ", ".join(numbers) + (", ..." if row.numel() > SHOWN else "")
