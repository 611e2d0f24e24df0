"""Downhill by conjugate gradients (Polak and Ribière), a batch of rows at once.

Along each direction a step to the zero of the directional derivative is taken by a secant, and
halved until the objective falls, so that the objective never rises. On a quadratic function it is
the linear method of conjugate gradients.

Reference: E. Polak, G. Ribière (1969). Note sur la convergence de méthodes de directions
conjuguées. Revue française d'informatique et de recherche opérationnelle 3(R1).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .rows import per_row, total


def conjugate_gradients(
    objective: Callable[[Tensor], Tensor],
    gradient: Callable[[Tensor], Tensor],
    x: Tensor,
    steps: int,
    /,
) -> Tensor:
    """Walk downhill from x, each row by itself; the objective never rises.

    Args:
        objective: from `(B, ...)` to `(B,)`; inf where it is not defined, but not at x.
        gradient: its gradient.
        x: where to start.
        steps: how many directions to search.
    """
    value, slope = objective(x), gradient(x)
    direction = -slope
    length = torch.full_like(value, 0.1)
    for _ in range(steps):
        descent = total(slope * direction)
        direction = torch.where(per_row(descent, x) < 0, direction, -slope)
        descent = total(slope * direction)
        ahead = total(gradient(x + per_row(length, x) * direction) * direction)
        bend = (ahead - descent) / length
        step = torch.where(bend > 0, -descent / bend.clamp_min(1e-30), 2 * length)
        slack = 4 * torch.finfo(x.dtype).eps * value.abs()
        for _ in range(30):
            there = objective(x + per_row(step, x) * direction)
            worse = ~(there <= value + 1e-4 * step * descent + slack)
            if not bool(worse.any()):
                break
            step = torch.where(worse, step / 2, step)
        step = torch.where(worse, 0, step)
        x = x + per_row(step, x) * direction
        value = torch.where(worse, value, there)
        length = torch.where(step > 0, step, length)
        before, slope = slope, gradient(x)
        turn = total(slope * (slope - before)) / total(before.square()).clamp_min(1e-30)
        direction = per_row(turn.clamp_min(0), x) * direction - slope
    return x
