"""The step towards the data: a prox that is as exact as a denoiser can tell.

    x = argminₓ -log p(y | x) + ‖x - z‖² / (2 step)

is the likelihood's `prox`, which is exact to rounding. Gaussian noise behind an operator that has
no singular basis makes it a linear system, (I + step Hᵀ H / sigma²) (x - z) = step Hᵀ (y - H z) /
sigma², and conjugate gradients take many of their products for the last digits. Here they stop
when the residual is 0.002 of sqrt(step) in the root of the mean square. No eigenvalue of the
system is below 1, so x is then as near to the exact one, or nearer: in a direction in which the
data say k times as much as z, by 1 + k. A denoiser that is told sigma gets an x within half a
percent of that. Where z hardly moves, the goal is a tenth of the first residual, if that is less.

Behind parallel rays at 45 angles and blurs without borders, with noise of 1e-4 to 0.01, `PnP` and
`ADMM` take 40 to 55 percent of the time that an exact prox costs, and photographs are the same to
0.01 dB; with 0.01 in the place of 0.002 they lose up to 0.2 dB behind blurs. A share of
the first residual as the goal would leave out directions that the data see weakly: with a
thousandth, 0.16 dB are lost where rays have little noise.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..compatibility import lacks
from ..contracts import Proximal, Spectral
from ..likelihoods.draws import draw
from ..likelihoods.gaussian import Gaussian
from ..problem import Problem

ERROR = 2e-3
"""Of the residual, over sqrt(step)."""
FOLLOWED = 0.1
"""Of the residual, over the first one."""


def agree(problem: Problem[Any, Proximal], z: Tensor, step: Tensor, /) -> Tensor:
    """The images that agree with the data, and are near z.

    Args:
        problem: y and its likelihood.
        z: `(B, *image)`.
        step: > 0, `()`.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.ones(1, 1, 2, 2))
    >>> agree(problem, torch.zeros(1, 1, 2, 2), torch.tensor(0.01))[0, 0, 0]
    tensor([0.5000, 0.5000])
    """
    likelihood: Any = problem.likelihood
    if not isinstance(likelihood, Gaussian) or lacks(likelihood, Spectral) is None:
        image: Tensor = likelihood.prox(problem.y, z, step)
        return image
    rho = step.sqrt().expand(len(z))
    data = likelihood.linearised(problem.y, z, rho)
    nothing = torch.zeros_like(data.w), torch.zeros_like(z)
    return draw(data, z, rho, nothing, ERROR, FOLLOWED)
