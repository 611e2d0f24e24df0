r"""Which noise levels a denoiser is trained on, and how much an error counts.

The squared error of a patch is divided by e(sigma)², with

    e(sigma) = sigma / (1 + (sigma / 0.0208)^0.627)

about the error that a good denoiser makes on photographs (fitted to published results for sigma
from 0.01 to 1), so that no noise level outweighs the others.

Nor should rough photographs outweigh smooth ones, in which the same denoiser's squared error is a
tenth of that. PSNR is the mean over photographs of a logarithm, so a patch should count by the
error of the photograph that it is from: at 25 of 255 that goes as the power 0.18 of the mean
squared step t from pixel to pixel in the patch (of the training photographs, halved), its own as
the power 0.43. So it is divided by (t / t₀)^0.2 as well, with t taken of the *denoised* patch.

It stays a squared error, and what it is divided by depends on the noisy patch and sigma alone, so
the minimiser is the posterior mean, and Tweedie's formula needs exactly that. A robust error, or
one divided by something of the clean patch, would have another minimiser.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from ..networks.denoiser import SIGMA_RANGE
from .patches import squared_steps

CENTRE, SPREAD = 0.12, 1.1
"""Of the log-normal part for photographs, in the image's unit and in units of log sigma."""

NORMAL_SHARE = 0.85
"""How much of a batch is log-normal; the rest is log-uniform over the whole range."""

MIDDLING_STEP, LEAST_STEP = 1.5e-3, 1e-5
"""t₀ above, the median of photographs, and the least t that is told apart."""

ROUGHNESS_POWER = 0.2
"""Of t, by which an error is divided; see above."""


def expected_error(sigma: Tensor) -> Tensor:
    """About the root mean squared error of a good denoiser, in the image's unit."""
    return sigma / (1 + (sigma / 0.0208) ** 0.627)


def roughness(denoised: Tensor) -> Tensor:
    """How much of the squared error in a patch is due to its texture; 1 for a middling one.

    Args:
        denoised: patches `(B, C, H, W)` in [0, 1], as the network answers.

    Returns:
        `(B,)`, with no gradient.
    """
    step = squared_steps(denoised.detach())
    return (step.clamp_min(LEAST_STEP) / MIDDLING_STEP) ** ROUGHNESS_POWER


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
