"""A sweep of split Gibbs with one call of the denoiser, from draws of the likelihood alone.

All that a sweep asks of the likelihood is a draw Z ~ p(y | z) N(z; D, rho²). In a direction
that the data know with the standard deviation sd, where they say w, and with k = r² / sd², a draw
of the width rho² = t r² has

    the mean D + k t / (1 + k t) (w - D)    and the variance t r² / (1 + k t).

Wanted is the restart of `restarts.restart`, in which z is x + noise of variance r² on a path that
ends in the data, so that p(x | y) is not widened:

    the mean D + k (w - D)                  and the variance r² (1 - k).

Two draws, one of each of two widths t_1, t_2, come near to it. Let u_i = b_i t_i and

    z' = D + sum of b_i (Z_i,old + Z_i,new - 2 D),
    sum of u_i = 1/2,   sum of u_i t_i = 0,   sum of u_i² = 1/2,   sum of u_i² / t_i = 1/2;

then the mean is off by k³ and the variance by k². The old draws are made around the new D with
the random numbers of the sweep before: the mean of two successive draws is what cancels the bias
of a whole step, as Leimkuhler and Matthews found. The solution is

    u = (1 ± √3) / 4,   t = (9 ∓ 3 √3) / 4 = 0.95 and 3.55,   b = (3 ± 2 √3) / 9 = 0.72 and -0.05.

A shorter sweep keeps a share c = kappa² r' / r of z, and is the same with (1 - c) / 2 in place of
1/2 in the first sum, and (1 - kappa²) / 2 in the last two.

B. Leimkuhler, C. Matthews (2013). Rational Construction of Stochastic Numerical Methods for
Molecular Sampling. AMRX. https://doi.org/10.1093/amrx/abs010.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from attrs import frozen
from torch import Generator, Tensor

from ..contracts import LocallyLinear, SamplesGivenGaussian, Spectral
from ..likelihoods import spectral
from ..likelihoods.rows import normal
from ..problem import Problem
from . import diffusion
from .linear_draws import is_linear, mean_of_draws


@frozen
class Weights:
    """How draws make a sweep: z' = keep z + rest D + sum of b_i (Z_i,old + Z_i,new).

    Attributes:
        keep: the share of z.
        rest: the share of the denoised image.
        draws: b_i.
        widths: t_i, in units of r².
    """

    keep: float
    rest: float
    draws: tuple[float, ...]
    widths: tuple[float, ...]


def weights(kappa: float, fall: float, /) -> Weights:
    """Of a sweep that goes down to kappa of the next level, which is `fall` times the present one.

    A fall so deep that what is kept of z would be too noisy is a whole sweep.

    >>> whole = weights(0.0, 1.0)
    >>> [round(number, 2) for number in (whole.rest, *whole.draws, *whole.widths)]
    [-0.33, 0.72, -0.05, 0.95, 3.55]
    """
    keep, short = kappa**2 * fall, (1 - kappa**2) / 2
    half = (1 - keep) / 2
    if half**2 > 0.9 * short:
        keep, short, half = 0.0, 0.5, 0.5
    root = math.sqrt(2 * short - half**2)
    more, less = (half + root) / 2, (half - root) / 2
    scale = (more**3 - less**3) / short
    widths = scale / more, -scale / less
    draws = more / widths[0], less / widths[1]
    return Weights(keep, 1 - keep - 2 * sum(draws), draws, widths)


def sweep(
    problem: Problem[Any, SamplesGivenGaussian | LocallyLinear],
    z: Tensor,
    denoised: Tensor,
    seeds: tuple[Tensor, Tensor],
    levels: tuple[float, float],
    how: Weights,
) -> Tensor:
    """The next z, at its level.

    Args:
        problem: whose likelihood is drawn from; one row at a time, unless it is linear, or has a
            singular basis.
        z: the noisy images.
        denoised: what the denoiser makes of them.
        seeds: of the old draws and of the new ones, `(B,)` each.
        levels: the next one; and the deviation of what the data know well.
        how: the weights.
    """
    made = how.keep * z + how.rest * denoised
    width, share = (z.new_tensor(numbers) for numbers in (how.widths, how.draws))
    level, least = levels
    likelihood: Any = problem.likelihood
    rho, count = level * width.sqrt(), len(how.draws)
    if is_linear(likelihood):
        widths = rho, level / least
        drawn = mean_of_draws(likelihood, (problem.y, denoised), widths, seeds)
        return made.add_(torch.tensordot(share, drawn, 1), alpha=len(seeds))
    if exact := diffusion.linear(problem):
        return made.add_(_in_basis(exact, denoised, seeds, rho, share))
    for numbers in seeds:
        for row, seed in enumerate(numbers.tolist()):
            y, v = (many[row].expand(count, *many.shape[1:]) for many in (problem.y, denoised))
            drawn = likelihood.sample_given(y, v, rho, Generator().manual_seed(seed))
            made[row] += torch.tensordot(share, drawn, 1)
    return made


def _in_basis(
    problem: Problem[Any, Spectral],
    denoised: Tensor,
    seeds: tuple[Tensor, Tensor],
    rho: Tensor,
    share: Tensor,
) -> Tensor:
    """The sum of all draws, of all rows at once: each row's random numbers are from its seeds."""
    spectrum = diffusion.spectrum(problem)
    seen, w = spectrum.vt(denoised), spectrum.observe(problem.y)
    total, widths = torch.zeros_like(seen), []
    for each, b in zip(rho, share, strict=True):
        mean, sd = spectral.moments_given(spectrum, w, seen, each)
        total.add_(mean, alpha=len(seeds) * float(b))
        widths.append(b * sd)
    width = torch.stack(widths)
    like = seen[:1].expand(len(rho), *seen.shape[1:])
    for numbers in seeds:
        for row, seed in enumerate(numbers.tolist()):
            total[row] += (width * normal(like, Generator().manual_seed(seed))).sum(0)
    return spectrum.v(total)
