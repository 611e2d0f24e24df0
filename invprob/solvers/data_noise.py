"""The noise of the data in units of the image: what a plan of denoiser levels begins with.

The sigma of a likelihood is in units of y, those of a denoiser are in units of the image. In a
singular coordinate of H with value s the data have noise sigma / s (see `Spectrum`), so

    noise of the data = sigma / max s,

the deviation of the coordinate that is known best. So the measurements y of (H, sigma) and c y of
(c H, c sigma), which say the same, have the same plan, and 16 frames of one scene have a quarter
of the noise of one. It is sigma itself for denoising, masks, and blurs that keep the brightness,
and more where pixels are averaged: n sigma for the means of blocks of n x n pixels, which fix an
image's smoothest parts alone.

Where H has singular values, or is a part of an operator that has, they tell max s; elsewhere the
power method does, from below, in 12 products with H and its adjoint. That of an operator whose
largest values are close together ends a percent or so below, which moves no plan by much.
"""

from __future__ import annotations

from typing import Any

import torch

from ..compatibility import lacks
from ..contracts import HasSVD, Likelihood, Linearised, LinearOperator
from ..likelihoods.delegation import operator_of
from ..likelihoods.draws import sharpest
from ..likelihoods.gaussian import Gaussian
from ..operators.identity import Identity
from ..operators.structure import PartOf, observed
from ..problem import Problem
from ..streams import generator


def noise_of(problem: Problem[Any, Any], /) -> float:
    """The noise level of the data, in units of the image; 0 where nothing was measured.

    That of y is a Gaussian's sigma, in the root of the mean square. Of another noise it is what it
    does to grey: the root mean square of the difference between two simulated measurements, over
    √2, of the entries that were measured.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> tenfold = ip.from_callable(lambda x: 10 * x, image_shape=(1, 4, 4))
    >>> noise = ip.Gaussian(sigma=1.0, operator=tenfold)
    >>> round(noise_of(ip.Problem(prior, noise, torch.ones(1, 1, 4, 4))), 4)
    0.1
    """
    level, gain = _of_measurement(problem), largest_gain(problem)
    return level / gain if gain > 0 else 0.0


def largest_gain(problem: Problem[Any, Any], /) -> float:
    """The largest singular value of the operator that the likelihood is behind; 1 for none."""
    operator, shape = operator_of(problem.likelihood), problem.image_shape
    if not isinstance(operator, LinearOperator) or isinstance(operator, Identity):
        return 1.0
    basis = operator.whole() if isinstance(operator, PartOf) else operator
    if isinstance(basis, HasSVD) and lacks(basis, HasSVD) is None:
        return float(basis.svd(shape).s.max())
    image = problem.zeros()[:1]
    data = Linearised(problem.y[:1], image.new_ones(()), operator.forward, operator.adjoint)
    return float(sharpest(data, image) ** 0.5)


def _of_measurement(problem: Problem[Any, Any]) -> float:
    noise = problem.likelihood
    if isinstance(noise, Gaussian):
        return float(torch.as_tensor(noise.sigma).double().square().mean().sqrt())
    assert isinstance(noise, Likelihood)  # `Problem` has checked it
    grey = problem.zeros()[:1].cpu() + 0.5
    draw = generator(0)
    one, other = (noise.sample(grey, draw).double() for _ in range(2))
    seen = observed(operator_of(noise), tuple(one.shape[1:]))
    squares = (one - other).square() * seen
    share = seen.expand(one.shape).double().mean()
    return float(squares.mean().div(2 * share).sqrt()) if share > 0 else 0.0
