r"""Unsupervised denoising by the score equation: one network for many kinds of noise.

Differentiating p(y) = ∫ p(y | x) p(x) dx under the integral gives, for any noise with a density,

    s(y) = ∇ log p(y) = E[f(x, y) | y],        f(x, y) = ∇_y log p(y | x).

The left side is the score of *noisy* images, which a network learns from noisy images alone. The
right side is an expectation over x; the method replaces it by the value at a single image and
solves

    s(y) = f(x̂, y)        for x̂.

Most noises have a closed form; the others are solved by sweeps of a fixed-point iteration, which
is the likelihood's part (`match_score`). The prior is asked once, before the first sweep.

**What the answer is.** Only for additive Gaussian noise is it the posterior mean (Tweedie's
formula). Where f = a(y) - b(y) h(x), as in every exponential family, x̂ solves h(x̂) = E[h(x) |
y]: a mean in the noise's natural parameter,

    Gaussian    x̂ = E[x | y]
    Gamma       x̂ = 1 / E[1/x | y]           the harmonic mean
    Poisson     x̂ = exp E[log x | y]         the geometric mean

and the last two lie below the posterior mean. For Poisson counts `MeasuredPrior.of_counts` gives
the posterior mean instead. Elsewhere x̂ is an approximation of the posterior mean, good where the
posterior is narrow.

Reference: Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score
Function. NeurIPS. https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from attrs import frozen
from torch import Tensor

from ..contracts import MatchesScore, Needs, ScoresMeasurement
from ..counts import check_count, real
from ..errors import InputError
from ..priors.measured import MeasuredPrior
from ..problem import Problem
from ..streams import Streams


@frozen(eq=False)
class ScoreEquationState:
    """A run of `ScoreEquation` between two sweeps.

    Attributes:
        x: the images, `(B, *image)`.
        score: ∇ log p(y), `(B, *measurement)`; 0 before the first sweep.
        change: the largest change of a pixel in the last sweep, `(B,)`.
        sweeps: how many were done.
    """

    x: Tensor
    score: Tensor
    change: Tensor
    sweeps: int


@frozen
class ScoreEquation:
    """The image x̂ with ∇_y log p(y | x̂) = ∇ log p(y), from the score of noisy images.

    The prior is called once. A row of the batch whose sweeps have converged is left alone.

    Args:
        sweeps: the most fixed-point sweeps; closed forms need one.
        tolerance: a row has converged when no pixel changes by more, in units of the image.

    Raises:
        InputError: sweeps < 1, or tolerance < 0.

    >>> import torch, invprob as ip
    >>> prior = ip.MeasuredPrior(lambda y: (0.5 - y) / (0.2**2 + 0.1**2))  # x ~ N(0.5, 0.2²)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.full((1, 1, 2, 2), 1.0))
    >>> ip.solve(problem, ip.ScoreEquation()).x[0, 0, 0]
    tensor([0.9000, 0.9000])

    Method, what is exact, references: help("invprob.solvers.score_equation").
    """

    sweeps: int = 30
    tolerance: float = 1e-6

    needs: ClassVar[Needs] = Needs(prior=(ScoresMeasurement,), likelihood=(MatchesScore,))
    stochastic: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        check_count("sweeps", self.sweeps)
        if not 0 <= real(self.tolerance, "tolerance", "one such as 1e-6") < math.inf:
            raise InputError(
                f"tolerance={self.tolerance}; it is a change of a pixel, >= 0, for example 1e-6"
            )

    def steps(self, problem: Problem[ScoresMeasurement, MatchesScore], /) -> int:
        """The most sweeps."""
        return self.sweeps

    def init(
        self,
        problem: Problem[ScoresMeasurement, MatchesScore],
        streams: Streams,
        x0: Tensor | None,
        /,
    ) -> ScoreEquationState:
        """The measurement itself; grey where it has not the shape of an image."""
        y = problem.y
        if isinstance(problem.prior, MeasuredPrior):
            problem.prior.warn_of_other_noise(problem.likelihood)
        if x0 is None:
            x0 = y.clone() if y.shape[1:] == problem.image_shape else problem.zeros() + 0.5
        change = y.new_full((len(y),), torch.inf)
        return ScoreEquationState(x0, torch.zeros_like(y), change, 0)

    def step(
        self,
        problem: Problem[ScoresMeasurement, MatchesScore],
        state: ScoreEquationState,
        streams: Streams,
        /,
    ) -> ScoreEquationState:
        """One sweep; the first one calls the prior."""
        score = state.score if state.sweeps else problem.prior.measurement_score(problem.y)
        active = state.change > self.tolerance
        if not bool(active.any()):
            return ScoreEquationState(state.x, score, state.change, state.sweeps + 1)
        swept = problem.likelihood.match_score(problem.y, score, state.x)
        change = (swept - state.x).abs().flatten(1).amax(1)
        x = torch.where(active.reshape(-1, *[1] * (swept.ndim - 1)), swept, state.x)
        return ScoreEquationState(
            x, score, torch.where(active, change, state.change), state.sweeps + 1
        )

    def estimate(self, state: ScoreEquationState, /) -> Tensor:
        """The image after the last sweep."""
        return state.x
