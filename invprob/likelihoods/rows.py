"""A batch, row by row: sums, one number per row, and random numbers from one generator."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def total(values: Tensor, /) -> Tensor:
    """The sum over everything but the batch, `(B,)`.

    >>> total(torch.ones(2, 3, 4))
    tensor([12., 12.])
    """
    return values.flatten(1).sum(1)


def per_row(number: Tensor | float, like: Tensor, /) -> Tensor:
    """A number `()`, or one for each row `(B,)`, so that it multiplies a batch `(B, ...)`.

    >>> per_row(torch.tensor([1.0, 2.0]), torch.zeros(2, 3, 4)).shape
    torch.Size([2, 1, 1])
    """
    values = torch.as_tensor(number, dtype=like.dtype, device=like.device)
    return values.reshape(-1, *[1] * (like.ndim - 1)) if values.ndim else values


def normal(like: Tensor, generator: Generator, /) -> Tensor:
    """Standard normal numbers, shape, dtype and device of `like`, drawn where the generator is."""
    return torch.randn(
        like.shape, generator=generator, dtype=like.dtype, device=generator.device
    ).to(like.device)


def uniform(like: Tensor, generator: Generator, /) -> Tensor:
    """Uniform numbers in [0, 1), shape, dtype and device of `like`."""
    return torch.rand(
        like.shape, generator=generator, dtype=like.dtype, device=generator.device
    ).to(like.device)
