"""The noise of the data in units of the image: what a plan of denoiser levels begins with.

The sigma of a likelihood is in units of y, those of a denoiser are in units of the image. In a
singular coordinate of H with value s the data have noise sigma / s (see `Spectrum`), so

    noise of the data = sigma / max s,

the deviation of the coordinate that is known best. So the measurements y of (H, sigma) and c y of
(c H, c sigma), which say the same, have the same plan, and 16 frames of one scene have a quarter
of the noise of one. It is sigma itself for denoising, masks, and blurs that keep the brightness,
and more where pixels are averaged: n sigma for the means of blocks of n x n pixels, which fix an
image's smoothest parts alone.

Where sigma differs between entries it is the median over those that were measured, so that a few
which say nothing, or are known exactly, move no plan. (Of a photograph of 96 x 96 with noise of
0.05, and of 10 in 6 pixels of 400, `PnP` loses 8 dB by the root of the mean square; with noise of
0.1, and of 0.001 in one pixel of 100, it loses 3 by that of the mean precision.)

Where H has singular values, or is a part of an operator that has, they tell max s; elsewhere the
power method does, from below, in 12 products with H and its adjoint. That of an operator whose
largest values are close together ends a percent or so below, which moves no plan by much.
"""

from __future__ import annotations

import warnings
from typing import Any

from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..contracts import Likelihood, LinearOperator
from ..errors import NoiseWarning
from ..likelihoods.correlated import Correlated
from ..likelihoods.derived import Autograd, IterativeProx
from ..likelihoods.draws import largest_gain
from ..likelihoods.gaussian import Gaussian
from ..likelihoods.rows import normal
from ..operators.identity import Identity
from ..operators.structure import observed, operator_of
from ..problem import Problem, domain_of
from ..streams import generator
from .balance import coordinates, deviations, level_at_rest

FILTERED = Correlated, Autograd, IterativeProx
"""Likelihoods whose every method but `sample` is that of the noise within, before a filter."""
PROBES = 4
ALLOWED = 0.7
"""A level below the noise by no more than this is what methods end at."""


def noise_of(problem: Problem[Any, Any], /) -> float:
    """The noise level of the data, in units of the image; 0 where nothing was measured.

    That of y is a Gaussian's sigma, or the median of those of the entries that were measured. Of
    another noise it is what it does to grey: the root mean square of the difference between two
    simulated measurements, over √2, of the entries that were measured. Behind a filter
    (`Correlated`) it is that of the noise before it, which is what solvers see.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> tenfold = ip.from_callable(lambda x: 10 * x, image_shape=(1, 4, 4))
    >>> noise = ip.Gaussian(sigma=1.0, operator=tenfold)
    >>> round(noise_of(ip.Problem(prior, noise, torch.ones(1, 1, 4, 4))), 4)
    0.1
    """
    level, operator = _of_measurement(problem), operator_of(problem.likelihood)
    if not isinstance(operator, LinearOperator) or isinstance(operator, Identity):
        return level
    gain = largest_gain(operator, problem.zeros()[:1])
    return level / gain if gain > 0 else 0.0


def noise_of_pixels(problem: Problem[Any, Any], noise: float, /) -> float:
    """The same, spread over the pixels, where the data see only coordinates that are smooth.

    The mean of n x n pixels has noise sigma, its singular coordinate n sigma, and every pixel
    sigma again: with a share c of the coordinates seen, sqrt(c) of their noise is in a pixel.
    Smooth is noise of which half or more is left in means of 2 x 2 pixels, and not a quarter, as
    behind masks and random projections: there it is the noise itself.

    Args:
        problem: whose likelihood is asked.
        noise: of the data, in units of the image.
    """
    found = coordinates(problem, noise)
    if found is None or len(problem.image_shape) != 3:
        return noise
    seen = found[0].isfinite().double()
    share = float(seen.mean())
    if share in (0, 1) or min(problem.image_shape[-2:]) < 2:
        return noise
    drawn = found[1](normal(seen[None].expand(PROBES, *seen.shape), generator(3)) * seen)
    left = float(avg_pool2d(drawn, 2).square().mean() / drawn.square().mean())
    return noise * share**0.5 if left > 0.5 else noise


def noise_at_rest(problem: Problem[Any, Any], noise: float, /) -> float:
    """The level at which a force of Gaussian data on white noise leaves so much of it.

    That is `level_at_rest` where there are singular values; elsewhere sigma / sqrt(mean of s²),
    with Hutchinson's estimate of the mean: that of ‖H r‖² / ‖r‖² for random r.

    Args:
        problem: whose likelihood is asked.
        noise: of the data, in units of the image, which is the answer for other noise.
    """
    if (sd := deviations(problem)) is not None:
        return level_at_rest(sd)
    likelihood = problem.likelihood
    if not isinstance(likelihood, Gaussian):
        return noise
    black = problem.zeros()[:1]
    probe = normal(black.expand(PROBES, *black.shape[1:]), generator(2))
    seen = likelihood.operator.forward(probe)
    gain = float(seen.double().square().sum() / probe.double().square().sum()) ** 0.5
    return _of_measurement(problem) / gain if gain > 0 else noise


def warn_if_beyond(problem: Problem[Any, Any], noise: float, /) -> None:
    """Warn where the data are noisier than the prior can denoise, and than a method allows for.

    Args:
        problem: whose prior is asked.
        noise: of the data, in units of the image.
    """
    low, high = domain_of(problem.prior).sigma
    if ALLOWED * noise > high:
        warnings.warn(
            f"the data have noise of {noise:.3g} (in units of the image), but {problem.prior!r} "
            f"denoises {low:g} to {high:g}: much of the noise will stay. Give a prior for such "
            "levels, or, if it is good at them, its Domain(sigma=...)",
            NoiseWarning,
            stacklevel=2,
        )


def _of_measurement(problem: Problem[Any, Any]) -> float:
    noise, shape = problem.likelihood, tuple(problem.y.shape[1:])
    while isinstance(noise, FILTERED):  # all but `sample` sees what was not filtered yet
        noise = noise.noise
    seen = observed(operator_of(noise), shape).cpu().bool().expand(shape)
    if not bool(seen.any()):
        return 0.0
    if isinstance(noise, Gaussian):
        sigma = noise.sigma
        return float(sigma.expand(shape)[seen].median()) if isinstance(sigma, Tensor) else sigma
    assert isinstance(noise, Likelihood)  # `Problem` has checked it
    grey, draw = problem.zeros()[:1] + 0.5, generator(0)
    one, other = (noise.sample(grey, draw).cpu().double() for _ in range(2))
    return float((one - other)[:, seen].square().mean().div(2).sqrt())
