"""No measurement at all: the posterior is the prior.

    p(y | x) = 1 for y = 0

So image synthesis is the inverse problem without data, `Problem(prior, Unobserved(), y)`, where y
is a batch of black images that says only how many images there shall be, of which shape and type.
Every capability is trivial and exact: the gradient is 0, the prox leaves its point alone, and a
draw against a Gaussian is a draw from the Gaussian. There is no spectrum: samplers that start from
what was measured find nothing to start from, and `PriorSampling` is made for this.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from attrs import frozen
from torch import Generator, Tensor

from ..contracts import MatchesScore, Spectral
from ..errors import InputError
from .rows import normal, per_row


@frozen
class Unobserved:
    """A likelihood that says nothing; y is black.

    >>> import torch, invprob as ip
    >>> noise, x = ip.Unobserved(), torch.rand(2, 1, 4, 4)
    >>> y = noise.sample(x, ip.generator(0))
    >>> bool(torch.equal(noise.prox(y, x, torch.tensor(0.1)), x))
    True

    Formulas: help("invprob.likelihoods.unobserved").
    """

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """0 everywhere."""
        return torch.zeros_like(x)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """0, `(B,)`."""
        return x.new_zeros(len(x))

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """0."""
        return torch.zeros_like(x)

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """The point v."""
        return v.clone()

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """A draw from N(v, rho²)."""
        return v + per_row(rho, v) * normal(v, generator)

    def annealed_score(
        self, y: Tensor, x: Tensor, prior_score: Tensor, sigma: Tensor, /
    ) -> Tensor:
        """The prior's."""
        return prior_score.clone()

    def withdrawn(self) -> Mapping[type, str]:
        """The score equation, and the spectrum."""
        return {
            MatchesScore: "y is 0 whatever x is, so no score of it determines an image",
            Spectral: "nothing was measured, so there is nothing to start from; PriorSampling "
            "draws from the prior",
        }

    def flat(self) -> bool:
        """True."""
        return True

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` unless y is black."""
        if bool((y != 0).any()):
            raise InputError(
                f"y has values up to {float(y.abs().max()):.4g}, which Unobserved() would ignore; "
                "give torch.zeros(B, C, H, W) to sample the prior, or the likelihood that y has",
                typed="give a black image of the size that is wanted",
            )
