r"""Regularization by denoising (RED): the denoiser's residual as the gradient of a prior.

At noise level sigma the prior's score is (D(x, sigma) - x) / sigma², so an image where

    grad log p(y | x) + (D(x, sigma) - x) / sigma² = 0                                        (*)

is a stationary point of log p(y | x) + log p_sigma(x), a maximum a posteriori estimate under the
prior blurred by sigma. This is RED with the weight 1 / sigma². (The authors read (*) as the
gradient of ½ xᵀ(x - D(x)) / sigma², which holds for denoisers with a symmetric Jacobian only; as
score matching it holds for all.) Three ways to get there, one denoiser call for each step:

* `RED`, steepest descent, for any likelihood with a gradient:

      x <- x + step (grad log p(y | x) + (D(x) - x) / sigma²),      step = 1 / (L + 1 / sigma²)

  L is the likelihood's curvature (see `curvature`). No pixel moves farther than sigma in one step,
  which keeps likelihoods that grow steep, such as Poisson's at black, from throwing x away.
* `REDFixedPoint`, for any likelihood with a proximal map:

      x <- argminₓ -log p(y | x) + ‖x - D(x_before)‖² / (2 sigma²)

  the quickest of the three where the data decide. (Plug-and-play by half-quadratic splitting is
  the same iteration; it stops on the way, at sigma_0, where RED goes on to (*).)
* `REDADMM`, the same two parts with a multiplier u between them:

      x <- argminₓ -log p(y | x) + ‖x - (v - u)‖² / (2 sigma²)
      v <- (x + u + D(v)) / 2
      u <- u + x - v

sigma falls from coarse to fine (see `annealing`), because at a fixed small sigma the descent stops
in the next local optimum. The last sigma is part of the model. A large one leaves noise in the
image: (*) asks for a likely *noisy* image. A small one asks for the mode of the posterior, which
is worse than its mean. Half of the data's noise level is in between. `ADMM` and `PnP`, whose fixed
points average, are mostly ahead in peak signal-to-noise ratio: by little at low noise, by up to
three decibels with a network at noise of 0.3.

What is exact: with a Gaussian prior of covariance C the three agree and (*) is the posterior mean
under C + sigma² I. With a network nothing guarantees convergence to one point.

References: Y. Romano, M. Elad, P. Milanfar (2017). The Little Engine That Could: Regularization by
Denoising. SIAM Journal on Imaging Sciences. https://arxiv.org/abs/1611.02862; E. Reehorst, P.
Schniter (2019). Regularization by Denoising: Clarifications and New Interpretations. IEEE
Transactions on Computational Imaging. https://arxiv.org/abs/1806.02296
"""

from __future__ import annotations

from typing import ClassVar

import torch
from attrs import frozen
from torch import Tensor

from ..contracts import Denoises, Differentiable, Needs, Proximal
from ..problem import Problem
from ..streams import Streams
from . import annealing, curvature
from .admm import SplitState
from .annealing import DescentState
from .momentum import rows

SHARE = 0.5


@frozen
class RED:
    """One estimate by steepest descent, for any likelihood with a gradient and any denoiser.

    Args:
        iterations: denoiser calls.
        sigma: the last noise level; by default half of that of the data.
        accelerated: look ahead (see `momentum`).

    Raises:
        InputError: a value out of range; in use: the prior can't denoise at sigma.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> round(float(ip.solve(problem, ip.RED(sigma=0.04)).x.mean()), 2)
    0.7
    """

    iterations: int = 80
    sigma: float | None = None
    accelerated: bool = True

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Differentiable,))
    stochastic: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        annealing.check(self.iterations, self.sigma)

    def steps(self, problem: Problem[Denoises, Differentiable], /) -> int:
        """`iterations`."""
        return self.iterations

    def init(
        self, problem: Problem[Denoises, Differentiable], streams: Streams, x0: Tensor | None, /
    ) -> DescentState:
        """x0, or what the measurement alone suggests."""
        plan = annealing.plan(problem, self.iterations, self.sigma, SHARE)
        return DescentState.begin(problem, plan, x0, curved=True)

    def step(
        self, problem: Problem[Denoises, Differentiable], state: DescentState, streams: Streams, /
    ) -> DescentState:
        """One denoiser call and one step along the gradient."""
        z, sigma = state.z, state.plan[state.done].to(state.z)
        pull = problem.likelihood.grad_x(problem.y, z)
        direction, steepest = curvature.refine(problem, z, pull, state.direction)
        residual = problem.prior.denoise(z, sigma) - z
        size = rows(1 / (1 + steepest * sigma.square()), z)
        move = size * (sigma.square() * pull + residual)
        x = z + torch.minimum(torch.maximum(move, -sigma), sigma)
        return state.after(x, accelerated=self.accelerated, direction=direction)

    def estimate(self, state: DescentState, /) -> Tensor:
        """The image."""
        return state.x


@frozen
class REDFixedPoint:
    """One estimate by fixed-point steps, for any likelihood with a proximal map and any denoiser.

    Args:
        iterations: denoiser calls.
        sigma: the last noise level; by default half of that of the data.
        accelerated: look ahead (see `momentum`).

    Raises:
        InputError: a value out of range; in use: the prior can't denoise at sigma.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> round(float(ip.solve(problem, ip.REDFixedPoint(sigma=0.04)).x.mean()), 2)
    0.7
    """

    iterations: int = 60
    sigma: float | None = None
    accelerated: bool = True

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Proximal,))
    stochastic: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        annealing.check(self.iterations, self.sigma)

    def steps(self, problem: Problem[Denoises, Proximal], /) -> int:
        """`iterations`."""
        return self.iterations

    def init(
        self, problem: Problem[Denoises, Proximal], streams: Streams, x0: Tensor | None, /
    ) -> DescentState:
        """x0, or what the measurement alone suggests."""
        plan = annealing.plan(problem, self.iterations, self.sigma, SHARE)
        return DescentState.begin(problem, plan, x0, curved=False)

    def step(
        self,
        problem: Problem[Denoises, Proximal],
        state: DescentState,
        streams: Streams,
        /,
    ) -> DescentState:
        """One denoiser call and the likelihood's prox."""
        sigma = state.plan[state.done].to(state.x)
        denoised = problem.prior.denoise(state.z, sigma)
        x = problem.likelihood.prox(problem.y, denoised, sigma.square())
        return state.after(x, accelerated=self.accelerated)

    def estimate(self, state: DescentState, /) -> Tensor:
        """The image."""
        return state.x


@frozen
class REDADMM:
    """One estimate by alternating directions, for any likelihood with a prox and any denoiser.

    Args:
        iterations: denoiser calls.
        sigma: the last noise level; by default half of that of the data.

    Raises:
        InputError: a value out of range; in use: the prior can't denoise at sigma.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> round(float(ip.solve(problem, ip.REDADMM(sigma=0.1)).x.mean()), 2)
    0.72
    """

    iterations: int = 80
    sigma: float | None = None

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Proximal,))
    stochastic: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        annealing.check(self.iterations, self.sigma)

    def steps(self, problem: Problem[Denoises, Proximal], /) -> int:
        """`iterations`."""
        return self.iterations

    def init(
        self, problem: Problem[Denoises, Proximal], streams: Streams, x0: Tensor | None, /
    ) -> SplitState:
        """x0, or what the measurement alone suggests."""
        plan = annealing.plan(problem, self.iterations, self.sigma, SHARE)
        return SplitState.begin(problem, plan, x0)

    def step(
        self, problem: Problem[Denoises, Proximal], state: SplitState, streams: Streams, /
    ) -> SplitState:
        """The likelihood's prox, one denoiser call, and the multiplier."""
        sigma = state.plan[state.done].to(state.x)
        u = sigma.square() * state.dual
        x = problem.likelihood.prox(problem.y, state.v - u, sigma.square())
        v = (x + u + problem.prior.denoise(state.v, sigma)) / 2
        return state.next(x, v, state.dual + (x - v) / sigma.square())

    def estimate(self, state: SplitState, /) -> Tensor:
        """The image that agrees with the data."""
        return state.x
