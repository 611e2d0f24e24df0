"""How well a likelihood knows images, found out by drawing from it.

A draw x ~ p(y | x) N(x; v, rho²) follows v, if its random numbers stay the same. In a direction
that the data know with the standard deviation sd it follows by the share 1 / (1 + rho² / sd²). So
the least sd of all directions is that of the largest eigenvalue of what does not follow, which the
power method finds: the direction d becomes d minus the change of the draw. Where rho is much
larger than sd all known directions are alike, so rho becomes the sd that was found, and it begins
again from there. For Gaussian noise that is the noise level over the largest singular value, which
nothing but the draws has to be known for.

The y is simulated, with the prior's mean at half its brightness, for of most noises dark pixels
are known better. So nothing depends on the measurements that are solved together. Few products
make it a soft maximum: what single pixels say that drew extreme noise counts little, and a blur is
thought up to half noisier than it is in the few directions that it lets through unchanged.

Behind an operator without a singular basis it is asked of the linear system: the mean of the
eigenvalues of Hᵀ J H, weighted by themselves, which is as soft (`likelihoods.draws`).
"""

from __future__ import annotations

import math
from typing import Any

import torch

from ..contracts import LocallyLinear, SamplesGivenGaussian
from ..problem import Problem, domain_of
from ..streams import generator
from . import diffusion
from .data_noise import noise_of
from .linear_draws import deviation_of_known, is_linear

ROUNDS, PRODUCTS = 4, 3
SMALL = 0.1
"""How far images are moved, over rho."""
LEAST = 1e-4
"""A share by which a draw does not follow that counts as none."""


def least_noise(problem: Problem[Any, SamplesGivenGaussian | LocallyLinear], /) -> float:
    """The standard deviation of what the data know well, about; infinite if they know nothing.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    >>> noise = ip.Gaussian(sigma=0.1, operator=ip.Mask.random((8, 8), keep=0.5))
    >>> round(least_noise(ip.Problem(prior, noise, torch.zeros(1, 1, 8, 8))), 3)
    0.1
    """
    x = diffusion.centre(problem, None)[:1] / 2
    likelihood: Any = problem.likelihood
    y, rho = likelihood.sample(x, generator(0)), diffusion.deviation(problem)
    if is_linear(likelihood):
        return deviation_of_known(likelihood, y, x, x.new_tensor([rho]))
    for _ in range(ROUNDS):
        way = torch.randn(x.shape, generator=generator(1), dtype=x.dtype).to(x.device)
        width = x.new_tensor(rho)
        base = likelihood.sample_given(y, x, width, generator(2))
        for _ in range(PRODUCTS):
            way = way * (SMALL * rho * math.sqrt(way.numel()) / way.norm())
            moved = likelihood.sample_given(y, x + way, width, generator(2)) - base
            follows = float((way * moved).sum() / way.square().sum())
            way = way - moved
        if not follows < 1 - LEAST:
            return math.inf
        rho = rho * math.sqrt(max(follows, LEAST**2) / (1 - follows))
    return rho


def surely(problem: Problem[Any, Any], least: float, /) -> float:
    """A noise level that the data are at least as noisy as, in units of the image.

    Args:
        problem: whose likelihood is asked.
        least: its `least_noise`, which is up to half more than that.
    """
    return min(least, noise_of(problem))


def check_known(problem: Problem[Any, Any], least: float, /) -> None:
    """Raise `InputError` if the prior denoises none of the levels that the data's noise has.

    That is where all of it is more than the prior can denoise, or everything was measured with no
    more than the least: a draw against an image of that noise would be as noisy.

    Args:
        problem: whose prior and likelihood are asked.
        least: its `least_noise`.
    """
    if math.isinf(least):
        return
    if exact := diffusion.linear(problem):
        noise = diffusion.noise_range(exact)
        diffusion.last_level(exact, noise, noise.greatest, None, noise.low)
    elif least > domain_of(problem.prior).sigma[1]:
        diffusion.check_known(problem, surely(problem, least))
