r"""Which noise levels a denoiser is trained on, and how much an error counts at each.

The squared error of a patch is divided by e(sigma)², with

    e(sigma) = sigma / (1 + (sigma / 0.0208)^0.627)

about the error that a good denoiser makes on photographs (fitted to published results for sigma
from 0.01 to 1), so that no noise level outweighs the others. It stays a squared error and no
robust one: its minimiser is the posterior mean, and Tweedie's formula needs exactly that.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from ..networks.denoiser import SIGMA_RANGE

CENTRE, SPREAD = 0.12, 1.1
"""Of the log-normal part for photographs, in the image's unit and in units of log sigma."""

NORMAL_SHARE = 0.85
"""How much of a batch is log-normal; the rest is log-uniform over the whole range."""


def expected_error(sigma: Tensor) -> Tensor:
    """About the root mean squared error of a good denoiser, in the image's unit."""
    return sigma / (1 + (sigma / 0.0208) ** 0.627)


def draw_levels(
    count: int, generator: Generator, centre: float = CENTRE, spread: float = SPREAD
) -> Tensor:
    """Noise levels `(count,)`, stratified, on the generator's device.

    Args:
        count: how many.
        generator: the source of randomness.
        centre: of the log-normal part, in the image's unit; the rest is log-uniform over the
            whole range.
        spread: the standard deviation of log sigma in the log-normal part.
    """
    low, high = (math.log(bound) for bound in SIGMA_RANGE)
    within, uniform = torch.rand(2, count, generator=generator, device=generator.device)
    places = (torch.arange(count, device=generator.device) + within) / count
    uniform = low + (high - low) * uniform
    quantiles = (places / NORMAL_SHARE).clamp(0, 0.999)
    normal = math.log(centre) + spread * torch.special.ndtri(quantiles)
    log_sigma = torch.where(places < NORMAL_SHARE, normal, uniform)
    return log_sigma.clamp(low, high).exp()
