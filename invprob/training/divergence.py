"""Whether a run's weights have become far worse than they were: then they are not saved.

A learning rate that is too high drives weights away within a few steps, before the loss stops
being a number. The loss of a step is of the weights before it, and of a batch that may be an
unlucky one. So before a save the loss of one batch that is always the same is taken of the weights
themselves, and of their moving average, and compared with the least that it was at the saves
before and at the start.

The losses of all tasks are in units of which 1 is much: relative errors, bits, shares of the
noise. They may be negative, so what is allowed is a distance and not a ratio: ten times the least
one's size, or 10 where that is less than 1. Runs that go well rise by none of it.
"""

from __future__ import annotations

import torch
from torch import Generator, nn

from ..errors import DivergenceError
from .task import Task

FAR = 10.0
"""How far above the least loss weights are worse, in units of its size, or of 1."""


def probe(task: Task, network: nn.Module, device: torch.device) -> float:
    """The loss of the batch that is always the same."""
    generator = Generator(device).manual_seed(task.recipe.seed)
    return float(task.loss(network, 0, generator).detach())


def refuse_worse(loss: float, least: float, step: int) -> float:
    """The least loss up to this one.

    Args:
        loss: of weights that are to be saved.
        least: that of those before.
        step: after which they are.

    Raises:
        DivergenceError: the loss is far above the least one, or no number.

    >>> refuse_worse(1.5, 1.0, step=100)
    1.0
    """
    if not loss <= least + FAR * max(abs(least), 1.0):
        raise DivergenceError(
            f"the loss has risen from {least:.4g} to {loss:.5g} by step {step}: the learning rate"
            " is too high"
        )
    return min(loss, least)
