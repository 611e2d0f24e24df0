"""One step of particles under noise that is not Gaussian: twisted diffusion.

Here no inflated measurement takes part in the path, and nothing cancels. But the reverse SDE from
a level to the next is a Gaussian move whose density is known, and what y says can be left to
weights, for any likelihood with a density. The target at level r is p(x(r)) exp(psi),

    psi(x(r)) = log of the integral of p(y | x) N(x; D, V),        V = r² v / (r² + v).

For noise that treats pixels by themselves these are integrals over one number each, from the
least brightness that the noise knows (a photon count none below black) to where nothing is left;
they are done by quadrature. Behind an operator, a mask too, it is Laplace's method, from the
surrogate of p(y | x) around D (`likelihoods.local`), with the curvatures J of its coordinates and
the likeliest image z:

    psi = log p(y | z) - ‖z - D‖² / (2 V) - ½ sum_j log(1 + V J_j).

v is the variance of a pixel within a mode (`particles`). From r to r' an image moves by

    x(r') = (1 - e) (D' + s) + e x(r) + r' sqrt(1 - e) n,        e = (r' / r)²,

which is the reverse SDE, with the extrapolated D' of `restart`, but for the shift s = z - D, here
with all of a pixel's variance for v: it leads to where the data are likely. log W gains the
difference of the two psi, and pays for the shift, ½ sum (n_j² - (n_j + (1 - e) s_j / (r' sqrt(1 -
e)))²).

The survivor is biased for two reasons. One is the finite number N of particles: this part falls as
1 / N, and every level adds about as much to it, so N is the same at all levels until modes are
decided. The other is the SDE's discretisation: with the extrapolated D', six levels do as well as
thirty without it. Once modes are decided, one particle of each crowd is left. It goes on by
ordinary restarts, without weights, and by the way to zero, which take about half of the calls.

Exact: with many particles and many levels, the proportions of modes, whatever the posterior.
Approximate: what crowds of a dozen miss; the look-ahead of the last crowd, which counts as
log p(y | x) then; within a mode, the last level (`restart`).

Reference: L. Wu, B. Trippe, C. Naesseth, D. Blei, J. Cunningham (2023), Practical and
Asymptotically Exact Conditional Sampling in Diffusion Models. https://arxiv.org/abs/2306.17775.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from numpy.polynomial.legendre import leggauss
from torch import Tensor

from ...compatibility import lacks
from ...contracts import Differentiable, HasLikelihood, LocallyGaussian
from ...likelihoods.pixelwise import Pixelwise, Smooths
from ...problem import Problem
from ...streams import Streams
from .. import diffusion, moves
from . import crowds, particles
from .state import RestartState

LEAST = -1e30
"""The log weight of what is impossible."""

NODES, TAIL = 16, 8
"""Nodes of the quadrature around the maximum; and of a long tail, as speckle has."""
DEEP = 18.0
"""Quadrature ends where the integrand is exp(-DEEP) of its maximum."""


def restart(
    problem: Problem[object, LocallyGaussian],
    state: RestartState,
    images: tuple[Tensor, Tensor],
    streams: Streams,
    /,
) -> RestartState:
    """The state at the next, lower level.

    Args:
        problem: with `(B, *image)` images.
        state: `sigma` is the present level, and `done` counts the denoiser call at it.
        images: the noisy particles, and the denoised ones, `(B * now, *image)`.
        streams: of all random numbers.
    """
    level, following = state.sigma, float(state.levels[state.done])
    now, then = crowds.counts(state)
    pixel = diffusion.deviation(problem) ** 2
    x, denoised = images
    ahead = look(problem, denoised, _left(level, particles.WITHIN * pixel))
    weight = state.weight[:, :now] + ahead.view(-1, now) - state.ahead[:, :now]
    drawn = crowds.draw(problem, state, weight, 1, streams)
    one, weight = drawn.chosen, drawn.weight
    x, denoised, ahead = x[one], denoised[one], ahead[one].view(-1, then)
    towards = denoised
    if state.done > 1:
        falls = (float(state.levels[state.done - 2]), level, following)
        towards = moves.ahead(state.denoised[:, :now].flatten(0, 1)[one], denoised, falls)

    likely, _ = likeliest(problem, denoised, _left(level, pixel))
    kept = (following / level) ** 2
    width = following * math.sqrt(1 - kept)
    shift = (1 - kept) * (likely - denoised)
    normal = crowds.normal(streams, x, then)
    weight = weight + particles.effort(normal, shift / width).view(-1, then)
    x = torch.lerp(towards, x, kept).add_(shift).add_(normal, alpha=width)
    # What later restarts find as the noise before: the start's, long forgotten by x.
    noise = state.noise[:, :1].repeat_interleave(then, 1).flatten(0, 1)
    return crowds.keep(state, (x, denoised), noise, weight, ahead)


def look(
    problem: Problem[object, LocallyGaussian], denoised: Tensor, variance: float, /
) -> Tensor:
    """The look-ahead psi, `(N,)`.

    Args:
        problem: with B rows, of which N is a multiple: particles of a row stand together.
        denoised: D, `(N, *image)`.
        variance: V.
    """
    likelihood = problem.likelihood
    assert isinstance(likelihood, HasLikelihood)  # `Restart` has checked it
    z, curvature = likeliest(problem, denoised, variance)
    y = _measured(problem, denoised)
    if lacks(likelihood, Pixelwise) is None and lacks(likelihood, Differentiable) is None:
        inside = _integral(likelihood, (y, z, denoised), variance, curvature)
        psi = inside.flatten(1).sum(1)
    else:
        distance = (z - denoised).square() / variance
        cost = distance.flatten(1).sum(1) + (variance * curvature).log1p().flatten(1).sum(1)
        psi = likelihood.log_prob(y, z) - 0.5 * cost
    return psi.nan_to_num(nan=-torch.inf).clamp(min=LEAST)


def likeliest(
    problem: Problem[object, LocallyGaussian], denoised: Tensor, variance: float, /
) -> tuple[Tensor, Tensor]:
    """The likeliest images z, `(N, *image)`, and the curvatures J of singular coordinates.

    The arguments are those of `look`.
    """
    likelihood, y = problem.likelihood, _measured(problem, denoised)
    near = likelihood.surrogate(y, denoised, denoised.new_tensor(math.sqrt(variance)))
    curvature, seen = near.sd.square().reciprocal(), near.vt(denoised)
    moved = (near.w - seen) * (variance * curvature / (1 + variance * curvature))
    z = near.v(seen + torch.where(curvature > 0, moved, 0))
    return z.clamp(min=_darkest(likelihood)), curvature


def _measured(problem: Problem[object, LocallyGaussian], denoised: Tensor) -> Tensor:
    """The measurement of each particle."""
    return problem.y.repeat_interleave(len(denoised) // len(problem.y), 0)


def _integral(
    noise: Any, images: tuple[Tensor, Tensor, Tensor], variance: float, curvature: Tensor
) -> Tensor:
    """The psi of each pixel, by Gauss-Legendre quadrature around its likeliest brightness z.

    The integrand is about a Gaussian of the curvature 1 / V + J; if z is the least brightness that
    the noise knows, it falls off with a slope as well.
    """
    y, z, denoised = images
    curved, least = curvature + 1 / variance, _darkest(noise)
    slope = torch.where(z > least, 0, noise.grad_x(y, z) - (z - denoised) / variance).clamp(max=0)
    reach = (slope + (slope.square() + 2 * DEEP * curved).sqrt()) / curved
    low = (z - (2 * DEEP / curved).sqrt()).clamp(min=least)
    near, far = z + reach, torch.maximum(z + reach, denoised + math.sqrt(2 * DEEP * variance))
    total = torch.full_like(z, -torch.inf)
    for begin, end, count in ((low, near, NODES), (near, far, TAIL)):
        for node, weight in zip(*leggauss(count), strict=True):
            x = torch.lerp(begin, end, (float(node) + 1) / 2)
            gaussian = -(x - denoised).square() / (2 * variance)
            log_p = noise.log_density(y, x) + gaussian + ((end - begin) * weight).log()
            total = torch.logaddexp(total, torch.where(log_p.isnan(), -torch.inf, log_p))
    return total - 0.5 * math.log(8 * math.pi * variance)


def _darkest(likelihood: object) -> float:
    """The least brightness that the noise knows: a likeliest image may round to less."""
    noise: Any = likelihood
    while lacks(noise, Smooths) and hasattr(noise, "noise"):  # behind an operator, mixed
        noise = noise.noise
    return -math.inf if lacks(noise, Smooths) else float(noise.least_x())


def _left(level: float, variance: float) -> float:
    """V: what a pixel of this variance still varies by, given the noisy image."""
    return level**2 * variance / (level**2 + variance)
