"""Randomness that belongs to a row, not to a batch.

A row of a batch is sample i of measurement b. Its generator is seeded from `(seed, i, b)` alone,
so sample i is the same whether 3 or 8 samples were asked for, and in whatever batch; unless a
solver makes something else of the whole batch, as `Restart` its noise levels under noise that is
not Gaussian. Numbers are drawn on the CPU, so a seed means the same on every device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from .counts import check_count
from .errors import InputError


def generator(seed: int, *key: int) -> Generator:
    """A generator whose stream depends on the seed and on the key, and on nothing else.

    Args:
        seed: any non-negative integer.
        key: which of the streams of that seed.

    >>> import torch, invprob as ip
    >>> a, b = ip.generator(0, 1), ip.generator(0, 1)
    >>> bool(torch.rand((), generator=a) == torch.rand((), generator=b))
    True
    """
    check_count("seed", seed, 0, "it is an integer >= 0")
    words = np.random.SeedSequence(seed, spawn_key=key).generate_state(2, np.uint32)
    return Generator().manual_seed(int(words[0]) << 32 | int(words[1]))


class Streams:
    """One generator per row of a batch.

    Args:
        seed: any non-negative integer.
        samples: how many samples of each measurement.
        measurements: how many measurements; row `i * measurements + b` is sample i of number b.

    >>> import torch, invprob as ip
    >>> few, many = ip.Streams(0, samples=2), ip.Streams(0, samples=5)
    >>> like = torch.zeros(5, 3)
    >>> bool(torch.equal(few.normal(like[:2]), many.normal(like)[:2]))
    True
    """

    def __init__(self, seed: int, samples: int = 1, measurements: int = 1) -> None:
        self.seed = seed
        self._generators = tuple(
            generator(seed, i, b) for i in range(samples) for b in range(measurements)
        )

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._generators)

    def normal(self, like: Tensor, /) -> Tensor:
        """Standard normal numbers, shape, dtype and device of `like` `(rows, ...)`."""
        self._check(like)
        rows = [
            torch.randn(like.shape[1:], generator=g, dtype=like.dtype, device=g.device)
            for g in self._generators
        ]
        return torch.stack(rows).to(like.device)

    def uniform(self, like: Tensor, /) -> Tensor:
        """Uniform numbers in [0, 1), shape, dtype and device of `like` `(rows, ...)`."""
        self._check(like)
        rows = [
            torch.rand(like.shape[1:], generator=g, dtype=like.dtype, device=g.device)
            for g in self._generators
        ]
        return torch.stack(rows).to(like.device)

    def each(self, draw: Callable[[int, Generator], Tensor], /) -> Tensor:
        """`draw(row, generator)`, of shape `(1, ...)`, for every row, in one batch.

        For draws that are not plain normals, such as `SamplesGivenGaussian.sample_given`.
        """
        return torch.cat([draw(row, g) for row, g in enumerate(self._generators)])

    def state(self) -> Tensor:
        """All that is needed to go on from here: bytes, `(rows, n)`."""
        return torch.stack([g.get_state() for g in self._generators])

    def restore(self, state: Tensor, /) -> None:
        """Go on from a `state()` of as many rows; `InputError` for anything else."""
        own = self.state()
        if state.shape != own.shape or state.dtype != own.dtype:
            raise InputError(
                f"a random state of shape {tuple(state.shape)} and type {state.dtype} can't be "
                f"restored into {len(self)} rows, which need {tuple(own.shape)} {own.dtype}"
            )
        rows: Sequence[Tensor] = list(state)
        for g, row in zip(self._generators, rows, strict=True):
            g.set_state(row.clone())

    def _check(self, like: Tensor) -> None:
        if like.shape[0] != len(self):
            raise InputError(
                f"random numbers for {like.shape[0]} rows were asked of Streams with {len(self)}"
            )
