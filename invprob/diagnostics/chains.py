"""Do several chains agree? Split R-hat.

Each of S chains of n draws is cut in two; so a chain that drifts disagrees with itself. With the
variance W within the 2 S halves, on average, and the variance B of their means,

    R-hat = sqrt( (n_half - 1) / n_half + B / W )

is 1 for chains that have forgotten where they began and wander through the same distribution, and
above where they have not. 1.01 is the strict limit for long chains. The chains of annealed
samplers are short, and were brought to their place by the annealing: there a large value says that
the proportions between the places where samples lie are the annealing's, not the chain's. They may
be right all the same; longer runs tell.

References: A. Gelman, D. Rubin (1992). Inference from Iterative Simulation Using Multiple
Sequences. Statistical Science 7(4). https://doi.org/10.1214/ss/1177011136; A. Vehtari et al.
(2021). Rank-Normalization, Folding, and Localization: An Improved R-hat. Bayesian Analysis 16(2).
https://arxiv.org/abs/1903.08008
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import InputError

LEAST_DRAWS = 8


def split_rhat(draws: Tensor, /) -> Tensor:
    """R-hat of every quantity: 1 where the chains agree, `(*quantities)`.

    Args:
        draws: `(S, n, *quantities)`: S chains of n draws each, n at least 8.

    Raises:
        InputError: there are too few draws.

    >>> import torch, invprob as ip
    >>> draws = torch.randn(4, 1000, generator=ip.generator(0))
    >>> bool(split_rhat(draws) < 1.01), bool(split_rhat(draws + torch.arange(4.0)[:, None]) > 1.3)
    (True, True)
    """
    if draws.ndim < 2 or len(draws) < 1 or draws.shape[1] < LEAST_DRAWS:
        raise InputError(
            f"draws has shape {tuple(draws.shape)}; give (chains, draws, ...) with at least "
            f"{LEAST_DRAWS} draws"
        )
    half = draws.shape[1] // 2
    halves = torch.cat((draws[:, :half], draws[:, -half:])).double()
    within = halves.var(1).mean(0)
    between = halves.mean(1).var(0)
    ratio = torch.where(within == 0, torch.where(between > 0, torch.inf, 0.0), between / within)
    return ((half - 1) / half + ratio).sqrt()
