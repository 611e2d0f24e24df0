"""A first image for estimates, which descend from it; samplers begin with noise (`diffusion`).

With f the data filled in smoothly (see `fill`), the estimate under the crudest prior, independent
pixels:

    argminₓ -log p(y | x) + ‖x - f‖² / (2 * 0.25²),

which for every noise is an image that could have caused y. It is a prox; where there is none, the
image that makes y likeliest, or y itself, or the prior's mean.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..compatibility import lacks
from ..contracts import MatchesScore, Proximal
from ..problem import Problem
from . import diffusion
from .agreement import agree
from .fill import fill

DEVIATION = 0.25


def first_image(problem: Problem[Any, Any], x0: Tensor | None, /) -> Tensor:
    """Images to start from, `(B, *image)`: x0, or what the measurement alone suggests.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.25), torch.ones(1, 1, 2, 2))
    >>> first_image(problem, None)[0, 0, 0]
    tensor([1., 1.])
    """
    if x0 is not None:
        return x0
    y, likelihood = problem.y, problem.likelihood
    if lacks(likelihood, Proximal) is None:
        step = torch.as_tensor(DEVIATION**2).to(y)
        return agree(problem, fill(problem, DEVIATION**2), step)
    centre = diffusion.centre(problem, None)
    if y.shape != centre.shape:
        return centre
    if lacks(likelihood, MatchesScore) is None:
        image: Tensor = likelihood.match_score(y, torch.zeros_like(y), y)
        return image
    return y.clone()
