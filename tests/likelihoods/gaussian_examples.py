"""Gaussian noise after every kind of operator, and images for it."""

import torch
from torch import Tensor

import invprob as ip

SHAPE = (2, 4, 5)


def image(seed: int, rows: int = 3) -> Tensor:
    return torch.rand(rows, *SHAPE, generator=ip.generator(seed), dtype=torch.float64)


def levels() -> Tensor:
    return 0.05 + 0.2 * image(9, 1)[0]


MASK = ip.Mask.random(SHAPE, keep=0.6, seed=3)
NOISES = {
    "identity": ip.Gaussian(sigma=0.2),
    "identity, levels": ip.Gaussian(sigma=levels()),
    "mask": ip.Gaussian(sigma=0.1, operator=MASK),
    "mask, levels": ip.Gaussian(sigma=levels()[:1], operator=MASK),
    "blur": ip.Gaussian(
        sigma=0.1, operator=ip.CircularBlur(torch.rand(3, 2, generator=ip.generator(1)))
    ),
    "blind blur": ip.Gaussian(sigma=0.1, operator=ip.CircularBlur(torch.ones(2, 5) / 10)),
}


def draw(noise: ip.Gaussian, x: Tensor, seed: int = 5) -> Tensor:
    return noise.sample(x, ip.generator(seed))


class Shear:
    """A linear operator without a singular value decomposition."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.5 * x.roll(1, -1)

    def adjoint(self, y: Tensor) -> Tensor:
        return y + 0.5 * y.roll(-1, -1)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape
