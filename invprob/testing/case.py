"""A case: one seeded draw of everything that a check needs.

Checks draw through a `Case` and nowhere else, so a failure is reproduced by the seed, the shape
and the batch that its message names, with hypothesis installed or without.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any

import torch
from attrs import evolve, frozen
from torch import Generator, Tensor

from ..contracts import Shape
from ..problem import Problem
from ..streams import generator

Images = Callable[[Shape, Generator], Tensor]


@frozen(eq=False)
class Case:
    """One draw.

    Attributes:
        seed: decides everything that is drawn.
        kind: what the part is.
        shape: the image's shape, without the batch.
        small: the smallest image that the part takes, for checks that need thousands of them.
        several: the smallest of more than one pixel.
        block: the smallest with several channels, rows and columns, as far as the part takes such.
        batch: how many images.
        dtype: of every tensor drawn.
        low: the darkest pixel drawn.
        high: the brightest pixel drawn.
        sigma_range: the noise levels that the part can be asked about.
        draw: how images are drawn, `(B, *shape)` float64, instead of uniformly.
        problem: for solvers, the problem to solve.
    """

    seed: int
    kind: str
    shape: Shape
    small: Shape
    several: Shape
    block: Shape
    batch: int = 2
    dtype: torch.dtype = torch.float64
    low: float = 0.1
    high: float = 0.9
    sigma_range: tuple[float, float] = (0.02, 0.5)
    draw: Images | None = None
    problem: Problem[Any, Any] | None = None

    def __repr__(self) -> str:
        """What it takes to draw the same again."""
        return f"Case(seed={self.seed}, shape={self.shape}, batch={self.batch})"

    def as_float32(self) -> Case:
        """The same draws, rounded to single precision."""
        return evolve(self, dtype=torch.float32)

    def generator(self, name: str = "", /) -> Generator:
        """A generator in its initial state; each name has its own."""
        return generator(self.seed, zlib.crc32(name.encode()))

    def normal(self, shape: Shape, name: str, /) -> Tensor:
        """Standard normal numbers of exactly this shape."""
        return torch.randn(shape, generator=self.generator(name), dtype=torch.float64).to(
            self.dtype
        )

    def image(
        self, name: str = "image", /, *, batch: int | None = None, shape: Shape | None = None
    ) -> Tensor:
        """Images, `(batch, *shape)`, drawn uniformly between `low` and `high`."""
        size = (self.batch if batch is None else batch, *(shape or self.shape))
        stream = self.generator(name)
        if self.draw is not None:
            return self.draw(size, stream).to(self.dtype)
        unit = torch.rand(size, generator=stream, dtype=torch.float64)
        return (self.low + (self.high - self.low) * unit).to(self.dtype)

    def sigma(self, name: str = "sigma", /, *, low: float = 0.0, high: float = math.inf) -> Tensor:
        """One noise level per row, `(B,)`, uniform in its logarithm and within `sigma_range`."""
        least, greatest = self.sigma_range
        least, greatest = max(low, least), min(high, greatest)
        unit = torch.rand(self.batch, generator=self.generator(name), dtype=torch.float64)
        return (least * (max(greatest, least) / least) ** unit).to(self.dtype)

    def many(
        self, likelihood: Any, count: int, /, shape: Shape | None = None
    ) -> tuple[Tensor, Tensor]:
        """`count` measurements of one image, by default a small one: y `(count, *m)` and x."""
        shape = shape or self.small
        x = self.image("one", batch=1, shape=shape).expand(count, *shape).clone()
        y: Tensor = likelihood.sample(x, self.generator("many"))
        return y, x
