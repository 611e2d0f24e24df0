"""A batch, row by row: sums, one number per row, and random numbers from one generator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from ..errors import InputError


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
    where = device_of(generator)
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=where).to(
        like.device
    )


def uniform(like: Tensor, generator: Generator, /) -> Tensor:
    """Uniform numbers in [0, 1), shape, dtype and device of `like`."""
    where = device_of(generator)
    return torch.rand(like.shape, generator=generator, dtype=like.dtype, device=where).to(
        like.device
    )


def device_of(generator: Generator) -> torch.device:
    """Where a generator draws; `InputError` if it is none, but a seed."""
    if not isinstance(generator, Generator):
        raise InputError(
            f"generator={generator!r} is no torch.Generator; of a seed, ip.generator(seed) is one"
        )
    return generator.device


def together(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors, expanded to the one shape to which they broadcast."""
    return torch.broadcast_tensors(*tensors)  # type: ignore[no-any-return, no-untyped-call]


def precise(values: Tensor, /) -> Tensor:
    """In double precision; on the processor, of a device that has no 64 bits."""
    try:
        return values.double()
    except TypeError:
        return values.cpu().double()


def in_pieces(
    function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor, nodes: int
) -> tuple[Tensor, ...]:
    """A function of pixels that needs `nodes` numbers for each, a few thousand pixels at a time.

    Args:
        function: takes the tensors as columns `(n, 1)` and returns columns `(n,)`.
        tensors: they broadcast to one shape, which the results have.
        nodes: how many numbers the function holds for each pixel.

    >>> grid = torch.linspace(0, 1, 5)
    >>> in_pieces(lambda a, b: ((a + b * grid).sum(1),), torch.ones(2, 3), torch.ones(3), nodes=5)
    (tensor([[7.5000, 7.5000, 7.5000],
            [7.5000, 7.5000, 7.5000]]),)
    """
    tensors = together(*tensors)
    columns = [torch.split(t.reshape(-1, 1), max(1, 2**20 // nodes)) for t in tensors]
    pieces = [function(*columns) for columns in zip(*columns, strict=True)]
    return tuple(torch.cat(piece).reshape(tensors[0].shape) for piece in zip(*pieces, strict=True))
