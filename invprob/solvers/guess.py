"""A first image for methods that descend from somewhere.

The best estimate under the crudest prior, independent pixels around the prior's mean:

    argminₓ -log p(y | x) + ‖x - centre‖² / (2 * 0.25²),

a Wiener filter for a linear measurement and inside the support for every noise. It is a prox; where
there is none, the image that makes y likeliest, or y itself, or the centre.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..compatibility import lacks
from ..contracts import MatchesScore, Proximal
from ..problem import Problem
from . import start

DEVIATION = 0.25


def guess(problem: Problem[Any, Any], x0: Tensor | None, /) -> Tensor:
    """Images to start from, `(B, *image)`: x0, or what the measurement alone suggests.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.2)
    >>> guess(ip.Problem(prior, ip.Gaussian(sigma=0.25), torch.ones(1, 1, 2, 2)), None)[0, 0, 0]
    tensor([0.7500, 0.7500])
    """
    if x0 is not None:
        return x0
    y, likelihood, centre = problem.y, problem.likelihood, start.centre(problem, None)
    if lacks(likelihood, Proximal) is None:
        image: Tensor = likelihood.prox(y, centre, torch.as_tensor(DEVIATION**2).to(y))
        return image
    if y.shape != centre.shape:
        return centre
    if lacks(likelihood, MatchesScore) is None:
        image = likelihood.match_score(y, torch.zeros_like(y), y)
        return image
    return y.clone()
