"""One small example of each operator, in each of its variants, and its matrix."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

import invprob as ip
from invprob.operators import kernels

Shape = tuple[int, ...]


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=ip.generator(seed), dtype=dtype)


def matrix(f: Callable[[Tensor], Tensor], shape: Shape) -> Tensor:
    """The matrix of a linear map, column by column."""
    n = math.prod(shape)
    columns = [f(unit.reshape(1, *shape)).flatten() for unit in torch.eye(n, dtype=torch.float64)]
    return torch.stack(columns, 1)


def slanted(x: Tensor) -> Tensor:
    return 2 * x[..., 1:, :-1] - 0.5 * x[..., :-1, 1:]


def orthogonal(n: int) -> Tensor:
    return torch.linalg.qr(random(n, n, seed=4)).Q


RECTANGLE = np.asarray(random(7, 24, seed=5))

EXAMPLES: dict[str, tuple[Any, Shape]] = {
    "identity": (ip.Identity(), (2, 3, 4)),
    "identity, one axis": (ip.Identity(), (5,)),
    "mask": (ip.Mask.random((2, 4, 3), keep=0.6, seed=1), (2, 4, 3)),
    "mask, all channels alike": (ip.Mask.random((4, 3), keep=0.4), (3, 4, 3)),
    "mask, everything": (ip.Mask(torch.ones(4, 3)), (1, 4, 3)),
    "blur, asymmetric": (ip.CircularBlur(random(3, 2)), (2, 5, 6)),
    "blur, even": (ip.CircularBlur(random(4, 4)), (1, 6, 4)),
    "blur, odd sides": (ip.CircularBlur(random(3, 3)), (1, 5, 7)),
    "blur, blind": (ip.CircularBlur(kernels.uniform(3)), (1, 6, 6)),
    "blur, as large as the image": (ip.CircularBlur(random(4, 5)), (1, 4, 5)),
    "blur, one row": (ip.CircularBlur(random(1, 3)), (2, 1, 6)),
    "blur, a kernel for each channel": (ip.CircularBlur(random(2, 3, 3)), (2, 4, 4)),
    "blur, no channels": (ip.CircularBlur(kernels.gaussian(0.5)), (6, 5)),
    "blur, valid": (ip.Blur(random(3, 2)), (2, 5, 6)),
    "blur, valid, even": (ip.Blur(random(4, 2)), (1, 4, 5)),
    "blur, valid, a kernel for each channel": (ip.Blur(random(2, 3, 3)), (2, 4, 4)),
    "separable, zero": (ip.SeparableBlur(random(3), random(4), "zero"), (2, 4, 5)),
    "separable, reflect": (ip.SeparableBlur(random(4), random(5), "reflect"), (1, 4, 6)),
    "separable, replicate": (ip.SeparableBlur(random(5), random(2), "replicate"), (1, 6, 4)),
    "separable, circular": (ip.SeparableBlur(random(2), random(3), "circular"), (1, 4, 5)),
    "separable, blind": (ip.SeparableBlur([1, 1], [1, 0, 1], "circular"), (2, 4, 4)),
    "downsample": (ip.Downsample(2), (2, 4, 6)),
    "downsample by 3": (ip.Downsample(3), (1, 3, 6)),
    "downsample by 1": (ip.Downsample(1), (1, 3, 2)),
    "decimate": (ip.BlurDecimate(random(3, 2), 2), (2, 4, 6)),
    "decimate, even groups": (ip.BlurDecimate(random(3, 3), 2), (1, 8, 4)),
    "decimate by 3": (ip.BlurDecimate(random(2, 3), 3), (1, 6, 9)),
    "decimate by 4": (ip.BlurDecimate(random(4, 4), 4), (1, 8, 4)),
    "decimate, blind": (ip.BlurDecimate(kernels.uniform(4), 2), (1, 8, 8)),
    "decimate, no blur": (ip.BlurDecimate(torch.ones(1, 1), 2), (1, 4, 4)),
    "decimate, a kernel for each channel": (ip.BlurDecimate(random(2, 3, 3), 2), (2, 4, 4)),
    "hadamard": (ip.Hadamard((4, 8)), (2, 4, 8)),
    "hadamard, some": (ip.Hadamard(4, keep=0.4, seed=2), (3, 4, 4)),
    "hadamard, scrambled": (ip.Hadamard(8, keep=0.3, seed=3, scramble=True), (1, 8, 8)),
    "hadamard, one pixel": (ip.Hadamard(1), (2, 1, 1)),
    "fourier": (ip.Fourier.lines((4, 6), keep=0.5), (2, 4, 6)),
    "fourier, odd sides": (ip.Fourier.random((5, 7), keep=0.4, seed=1), (1, 5, 7)),
    "fourier, odd and even": (ip.Fourier.random((5, 4), keep=0.6, seed=2), (1, 5, 4)),
    "fourier, everything": (ip.Fourier(torch.ones(4, 4)), (1, 4, 4)),
    "fourier, one row": (ip.Fourier.random((1, 6), keep=0.5), (2, 1, 6)),
    "fourier, one column": (ip.Fourier.random((5, 1), keep=0.5), (1, 5, 1)),
    "fourier, one pixel": (ip.Fourier(torch.ones(1, 1)), (2, 1, 1)),
    "fourier, a mask for each channel": (ip.Fourier(random(2, 3, 4) > 0), (2, 3, 4)),
    "fourier, not 0": (ip.Fourier(torch.eye(4).flip(0)), (1, 4, 4)),
    "fourier, gray": (
        ip.Compose(ip.Fourier.lines((3, 4), keep=0.5), ip.Grayscale()),
        (3, 3, 4),
    ),
    "gray, of fourier": (
        ip.Compose(ip.Grayscale(), ip.Fourier.random((3, 4), keep=0.5)),
        (3, 3, 4),
    ),
    "grayscale": (ip.Grayscale(), (3, 2, 3)),
    "grayscale, negative": (ip.Grayscale((-1.0, 0.5)), (2, 2, 3)),
    "grayscale, minus one channel": (ip.Grayscale((-1.0, 0.0)), (2, 2, 2)),
    "grayscale, first weight zero": (ip.Grayscale((0.0, 0.5, 2.0)), (3, 2, 2)),
    "dense, wide": (ip.Dense(RECTANGLE, (2, 3, 4)), (2, 3, 4)),
    "dense, tall": (ip.Dense(RECTANGLE.T, (7,)), (7,)),
    "dense, square": (ip.Dense(random(6, 6), (1, 2, 3)), (1, 2, 3)),
    "dense, singular": (ip.Dense(torch.ones(4, 4), (2, 2)), (2, 2)),
    "filter, circular": (ip.CorrelationFilter(), (2, 4, 5)),
    "filter, zero": (ip.CorrelationFilter("zero"), (2, 4, 5)),
    "filter, replicate": (ip.CorrelationFilter("replicate"), (1, 6, 5)),
    "filter, reflect": (ip.CorrelationFilter("reflect"), (1, 4, 5)),
    "filter, thin": (ip.CorrelationFilter("replicate"), (1, 1, 2)),
    "mask of a transform": (
        ip.Compose(ip.Mask.random((2, 16), keep=0.5), ip.Hadamard(4)),
        (2, 4, 4),
    ),
    "transform of a mask": (
        ip.Compose(ip.Dense(orthogonal(12), (1, 3, 4)), ip.Mask.random((3, 4), keep=0.5)),
        (1, 3, 4),
    ),
    "gray after blur": (
        ip.Compose(ip.Grayscale(), ip.SeparableBlur(random(3), random(2), "reflect")),
        (3, 4, 3),
    ),
    "decimated after gray": (
        ip.Compose(ip.BlurDecimate(random(3, 3), 2), ip.Grayscale()),
        (3, 4, 4),
    ),
    "mask after gray": (
        ip.Compose(ip.Mask.random((1, 3, 4), keep=0.4), ip.Grayscale()),
        (3, 3, 4),
    ),
    "mask after blur": (
        ip.Compose(ip.Mask.random((4, 4), keep=0.5), ip.CircularBlur(random(3, 3))),
        (1, 4, 4),
    ),
    "blur after filter": (
        ip.Compose(ip.CircularBlur(kernels.gaussian(0.4)), ip.CorrelationFilter("zero")),
        (1, 5, 5),
    ),
    "stack": (
        ip.Stack([ip.Mask.random((4, 4)), ip.Downsample(2), ip.Grayscale()], (3, 4, 4)),
        (3, 4, 4),
    ),
    "a function": (
        ip.from_callable(slanted, image_shape=(2, 3, 4), dtype=torch.float64),
        (2, 3, 4),
    ),
    "scipy": (ip.from_scipy(scipy.sparse.csr_array(RECTANGLE), (2, 3, 4)), (2, 3, 4)),
}
