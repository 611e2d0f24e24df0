"""A laboratory: problems whose posterior is known exactly, on which samplers can be measured.

Priors are mixtures of 25 Gaussians over small images; the exact denoiser takes the place of a
network, and `GaussianMixturePrior.posterior` gives the exact posterior of any linear measurement
with Gaussian noise. In three characters,

    smooth      modes that overlap; each is narrow along rough directions and wide along smooth
                ones, as photographs are
    separated   modes far apart, in smooth directions: which one it is must be found
    similar     five families of five modes that differ by a little noise: which one of a family
                it is, a measurement of part of the image barely tells

with means m and, for a kernel K of correlation length l, covariances scale² K(l) + floor² I.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ..contracts import LinearOperator
from ..errors import InputError
from ..likelihoods.gaussian import Gaussian
from ..operators.blur import CircularBlur
from ..operators.dense import Dense
from ..operators.downsample import Downsample
from ..operators.hadamard import Hadamard
from ..operators.identity import Identity
from ..operators.mask import Mask
from ..priors.gaussian_mixture import GaussianMixturePrior
from ..streams import generator

COMPONENTS = 25
TASKS = ("denoise", "inpaint", "blur", "sr", "cs")
FAMILIES = 5
Grid = tuple[int, int]


def smooth_mixture(grid: Grid = (8, 8), /, *, seed: int = 0) -> GaussianMixturePrior:
    """Overlapping modes around 0, of shape `(1, *grid)`, in float64.

    Args:
        grid: height and width; the covariances are dense over all pixels.
        seed: of the modes.

    Raises:
        InputError: a side of the grid is not positive.

    >>> prior = smooth_mixture((4, 4))
    >>> prior.means.shape, prior.covariances.shape
    (torch.Size([25, 1, 4, 4]), torch.Size([25, 16, 16]))
    """
    draw = _draw(grid, seed, 0)
    return _mixture(grid, 0.2 * _field(grid, 1 / 4, COMPONENTS, draw), (0.15, 1 / 5, 0.03), draw)


def separated_mixture(grid: Grid = (8, 8), /, *, seed: int = 0) -> GaussianMixturePrior:
    """Modes far apart, in smooth directions; arguments and errors of `smooth_mixture`."""
    draw = _draw(grid, seed, 1)
    means = 0.5 + 0.25 * _field(grid, 1 / 5, COMPONENTS, draw)
    return _mixture(grid, means, (0.04, 1 / 4, 0.01), draw)


def similar_mixture(grid: Grid = (8, 8), /, *, seed: int = 0) -> GaussianMixturePrior:
    """Families of modes that differ by a little noise; otherwise like `smooth_mixture`."""
    draw = _draw(grid, seed, 2)
    family = 0.2 * _field(grid, 1 / 4, FAMILIES, draw)
    apart = 0.08 * _normal(COMPONENTS, grid, draw)
    means = 0.5 + family.repeat_interleave(COMPONENTS // FAMILIES, 0) + apart
    return _mixture(grid, means, (0.03, 1 / 5, 0.015), draw)


PRIORS = {"smooth": smooth_mixture, "separated": separated_mixture, "similar": similar_mixture}
NOISE = {
    "smooth": (1.0, 0.3, 0.5, 0.1, 0.3),
    "separated": (0.2, 0.05, 0.05, 0.03, 0.05),
    "similar": (0.2, 0.05, 0.05, 0.03, 0.05),
}


def measurements(
    grid: Grid = (8, 8), /, *, character: str = "similar", seed: int = 0
) -> dict[str, Gaussian]:
    """Denoising, inpainting, deblurring, super-resolution and compressive sensing on a grid.

    Of an inpainting an eighth of the pixels is left, of compressive sensing as many numbers, in
    any case two; on grids without room for that they are dense matrices of one row.

    Args:
        grid: height and width of the images.
        character: of the prior, which the noise levels fit: one of `NOISE`.
        seed: of the mask and of the rows that are sensed.

    >>> list(measurements((1, 2)))
    ['denoise', 'inpaint', 'blur', 'sr', 'cs']
    """
    draw, count = _draw(grid, seed, 3), grid[0] * grid[1]
    kept = torch.randperm(count, generator=draw)[: max(count // 8, min(2, count // 2))]
    mask = torch.zeros(count, dtype=torch.bool)
    mask[kept] = True
    operators: list[LinearOperator] = [Identity(), Mask(mask.reshape(grid))]
    if min(grid) < 4:
        row = torch.randn(1, count, generator=draw, dtype=torch.float64)
        mix = 0.6 * torch.eye(count, dtype=torch.float64) + 0.4 / count
        mean = torch.full((1, count), 1 / count, dtype=torch.float64)
        operators += [Dense(matrix, (1, *grid)) for matrix in (mix, mean, row / row.norm())]
    else:
        sensed = Hadamard(grid, keep=max(1 / 8, 2 / count), scramble=True, seed=seed)
        operators += [CircularBlur.named("uniform3"), Downsample(2), sensed]
    return {
        task: Gaussian(sigma=sigma, operator=operator)
        for task, sigma, operator in zip(TASKS, NOISE[character], operators, strict=True)
    }


def _draw(grid: Grid, seed: int, key: int) -> Generator:
    if min(grid) < 1:
        raise InputError(f"grid={grid}; both sides must be at least 1")
    return generator(seed, *grid, key)


def _normal(count: int, grid: Grid, draw: Generator) -> Tensor:
    return torch.randn(count, 1, *grid, generator=draw, dtype=torch.float64)


def _field(grid: Grid, share: float, count: int, draw: Generator) -> Tensor:
    """Smooth random fields of standard deviation 1, `(count, 1, *grid)`."""
    kernel = _kernel(grid, share)
    root: Tensor = torch.linalg.cholesky(
        kernel + 1e-8 * torch.eye(len(kernel), dtype=torch.float64)
    )
    return (_normal(count, grid, draw).flatten(1) @ root.mT).reshape(count, 1, *grid)


def _mixture(
    grid: Grid, means: Tensor, within: tuple[float, float, float], draw: Generator
) -> GaussianMixturePrior:
    """Modes with these means; within a mode: scale, correlation length, and floor."""
    scale, share, floor = within
    uniform = torch.rand(2, len(means), generator=draw, dtype=torch.float64)
    kernel = _kernel(grid, share)
    width = (scale * (0.5 + uniform[0])).square()[:, None, None]
    noise = torch.eye(len(kernel), dtype=torch.float64)
    return GaussianMixturePrior(0.5 + uniform[1], means, width * kernel + floor**2 * noise)


def _kernel(grid: Grid, share: float) -> Tensor:
    """exp(-distance² / (2 length²)) between all pixels, with a length of `share` of the width."""
    length = share * max(grid)
    down, across = (_decay(side, length) for side in grid)
    return torch.kron(down, across)


def _decay(side: int, length: float) -> Tensor:
    place = torch.arange(side, dtype=torch.float64)
    return (-0.5 * ((place[:, None] - place) / length).square()).exp()
