"""A laboratory: problems whose posterior is known exactly, on which samplers can be measured.

The prior is a mixture of smooth random fields on a small square grid. Its modes overlap, so that a
measurement leaves several of them possible, in proportions that a sampler has to get right; each
mode is narrow along rough directions and wide along smooth ones, as photographs are.

    mean_k = spread * field of correlation length side / 4
    C_k    = scale_k² * (squared-exponential kernel of length side / 5) + floor² I

Its exact denoiser takes the place of a network, and `GaussianMixturePrior.posterior` gives the
exact posterior of any linear measurement with Gaussian noise.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import InputError
from ..priors.gaussian_mixture import GaussianMixturePrior
from ..streams import generator

SPREAD = 0.2
SCALE = 0.15
FLOOR = 0.03


def smooth_mixture(
    side: int = 8, /, *, components: int = 25, seed: int = 0
) -> GaussianMixturePrior:
    """A mixture of smooth random fields around 0, of shape `(1, side, side)`, in float64.

    Args:
        side: pixels along an edge; the covariances are dense over side² of them.
        components: how many modes.
        seed: of the modes.

    Raises:
        InputError: side or components is not positive.

    >>> prior = smooth_mixture(4, components=3)
    >>> prior.means.shape, prior.covariances.shape
    (torch.Size([3, 1, 4, 4]), torch.Size([3, 16, 16]))
    """
    if side < 1 or components < 1:
        raise InputError(f"side={side}, components={components}; both must be at least 1")
    draw = generator(seed, side, components)
    pixels = side * side
    normal = torch.randn(components, pixels, generator=draw, dtype=torch.float64)
    uniform = torch.rand(2, components, generator=draw, dtype=torch.float64)
    noise = torch.eye(pixels, dtype=torch.float64)
    root = torch.linalg.cholesky(_kernel(side, side / 4) + 1e-8 * noise)
    scale = SCALE * (0.5 + uniform[0])
    return GaussianMixturePrior(
        0.5 + uniform[1],
        SPREAD * (normal @ root.mT).reshape(components, 1, side, side),
        scale.square()[:, None, None] * _kernel(side, side / 5) + FLOOR**2 * noise,
    )


def _kernel(side: int, length: float) -> Tensor:
    """exp(-distance² / (2 length²)) between all pixels of a square grid."""
    place = torch.arange(side, dtype=torch.float64)
    line = (-0.5 * ((place[:, None] - place) / length).square()).exp()
    return torch.kron(line, line)
