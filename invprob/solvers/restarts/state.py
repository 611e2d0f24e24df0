"""What `Restart` remembers from one step to the next."""

from __future__ import annotations

import torch
from attrs import frozen
from torch import Tensor


@frozen(eq=False)
class RestartState:
    """A run of `Restart` between two steps.

    Attributes:
        x: the noisy images, `(B, particles, *image)`; of fewer particles, the others are zero.
        noise: the normal numbers put in last, `(B, particles, *spectral)`; the next restart
            uses them again.
        denoised: what the last call said of the particles that go on, `(B, particles, *image)`.
        weight: log weights of the particles, `(B, particles)`.
        ahead: their look-ahead, which is in their weight, `(B, particles)`.
        sigma: the noise level of x.
        levels: of all steps of the run, `(steps,)`, float64, on the CPU.
        alive: how many particles a row has in each step, `(steps,)`, int64, on the CPU.
        restarts: how many steps are restarts; the others are the way to zero.
        pulls: rounds in which the data pull the particles, of each step, `(steps,)`.
        done: how many are done.
        chained: whether each sample is a chain of its own, and not chosen among others.
    """

    x: Tensor
    noise: Tensor
    denoised: Tensor
    weight: Tensor
    ahead: Tensor
    sigma: float
    levels: Tensor
    alive: Tensor
    restarts: int
    pulls: Tensor
    done: int
    chained: bool

    @property
    def is_last(self) -> bool:
        """Whether the next level is the last one of the restarts."""
        return float(self.levels[self.done]) == float(self.levels[self.restarts - 1])


def padded(x: Tensor, count: int, /) -> Tensor:
    """`(B, n, ...)` with zeros up to `count` particles: a state's shapes never change."""
    missing = count - x.shape[1]
    return x if missing == 0 else torch.cat((x, x.new_zeros(len(x), missing, *x.shape[2:])), 1)
