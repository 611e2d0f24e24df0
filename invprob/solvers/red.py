r"""Regularization by denoising (RED): the denoiser's residual as the gradient of a prior.

At noise level sigma the prior's score is (D(x, sigma) - x) / sigma², so an image where

    grad log p(y | x) + weight (D(x, sigma) - x) / sigma² = 0                                 (*)

is a stationary point of log p(y | x) + weight log p_sigma(x), with p_sigma the prior blurred by
sigma. This is RED with the regularisation parameter weight / sigma². (The authors read (*) as the
gradient of ½ xᵀ(x - D(x)), which holds for denoisers with a symmetric Jacobian only; as
score matching it holds for all.) Three ways to get there, one denoiser call in each step:

* `RED`, steepest descent, for any likelihood with a gradient:

      x <- x + step (grad log p(y | x) + weight (D(x) - x) / sigma²)
      step = 1 / (h + weight / sigma²)

  with h the likelihood's curvature, pixel by pixel; several such steps for each D(x), eight in
  short runs and three in long ones, or one under noise that knows no black (see `descent`). With
  one for all, eight calls for photographs behind blurs of noise 0.02 end 1.4 dB lower, and forty
  0.1. Where sigma falls, the first steps begin at D(x): noise that a deconvolved start has in
  excess would outlast them. (Not under noise of a brightness, where dark pixels would be slow to
  come back.)
* `REDFixedPoint`, for any likelihood with a proximal map:

      x <- argminₓ -log p(y | x) + weight ‖x - D(x_before)‖² / (2 sigma²)

  the quickest of the three where the data decide. (Plug-and-play by half-quadratic splitting is
  the same iteration, with a weight for each level, and few levels.)
* `REDADMM`, the same two parts with a multiplier between them: see `red_admm`.

sigma falls from coarse to fine (see `annealing`), because at a fixed small sigma the descent stops
in the next local optimum; the more slowly, the nearer x keeps to (*). The last sigma is part of
the model. A large one leaves noise in the image: (*) asks for a likely *noisy* image. So the
estimate is what the last call made of it, D(x, sigma). A small one asks for the mode of the
posterior, which is worse than its mean. With white noise sigma_0 on y and a denoiser that takes
all of it away, (*) leaves

    k / (1 + k) sigma_0,        k = sigma² / (weight sigma_0²)

in x; the denoiser is told the truth if that is sigma: at sigma = 0.7 sigma_0 and weight = 0.23.
Behind blurs it is better told of a little more noise than there is, 13 %: with weight = 0.3, the
default, gray photographs gain 0.4 to 1.4 dB there over 0.23, those in colour -0.1 to 0.6, and no
more than 0.05 are lost where pixels are missing. (Romano et al. chose 0.21 by hand, for a uniform
blur and another denoiser.) With weight = 1 it is told of far more, and loses three decibels.

Under skewed noise (*) is biased: even at the truth the data would pull the noisy image to one
side, mostly towards black, and photographs end up to 20 % too dark and up to 3 dB worse. With
`unbiased`, the default, what they would do on average is simulated (see `excess`) and taken from
what the denoiser is given, in all three variants alike:

    x = argminₓ -log p(y | x) + weight ‖x - z‖² / (2 sigma²),      z = D(x - b(z)).

For noise without a proximal map nothing is known of b, and `RED` solves (*).

What is exact: with a Gaussian prior of covariance C the three agree, and x is the posterior mean
under the covariance (C + sigma² I) / weight; the estimate is D(x, sigma). Networks may diverge.

References: Y. Romano, M. Elad, P. Milanfar (2017). The Little Engine That Could: Regularization by
Denoising. SIAM Journal on Imaging Sciences. https://arxiv.org/abs/1611.02862; E. Reehorst, P.
Schniter (2019). Regularization by Denoising: Clarifications and New Interpretations. IEEE
Transactions on Computational Imaging. https://arxiv.org/abs/1806.02296
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen
from torch import Tensor

from ..contracts import Denoises, Differentiable, Needs, Proximal
from ..problem import Problem
from ..streams import Streams
from . import annealing
from .agreement import agree
from .annealing import DescentState
from .balance import HEAVY
from .data_noise import noise_of
from .descent import descend
from .excess import without_excess
from .pnp import check_weight

SHARE = 0.7


@frozen
class RED:
    """One estimate by steepest descent, for any likelihood with a gradient and any denoiser.

    The result is D(x, sigma), where x is the image that the method finds: a likely *noisy* one.

    Args:
        iterations: denoiser calls.
        sigma: the last noise level, in units of the image; by default 0.7 of that of the data.
        accelerated: go on by a share of the last move (Nesterov's momentum).
        weight: how much the denoiser counts against the data.
        unbiased: take away what skewed noise adds on average, which is simulated.

    Raises:
        InputError: a value out of range; in use: the prior can't denoise at sigma.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> round(float(ip.solve(problem, ip.RED(sigma=0.04, weight=1.0)).x.mean()), 2)
    0.7

    Method, what is exact, references: help("invprob.solvers.red").
    """

    iterations: int = 40
    sigma: float | None = None
    accelerated: bool = True
    weight: float = HEAVY
    unbiased: bool = True

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Differentiable,))
    stochastic: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        annealing.check(self.iterations, self.sigma)
        check_weight(self.weight)

    def steps(self, problem: Problem[Denoises, Differentiable], /) -> int:
        """`iterations`."""
        return self.iterations

    def init(
        self, problem: Problem[Denoises, Differentiable], streams: Streams, x0: Tensor | None, /
    ) -> DescentState:
        """x0, or what the measurement alone suggests."""
        noise = noise_of(problem)
        plan = annealing.plan(problem, self.iterations, self.sigma, noise, SHARE * noise)
        dark = annealing.needs_light(problem)
        return DescentState.begin(problem, plan, x0, curved=True, positive=dark)

    def step(
        self, problem: Problem[Denoises, Differentiable], state: DescentState, streams: Streams, /
    ) -> DescentState:
        """One denoiser call and some steps along the gradient."""
        sigma = state.plan[state.done].to(state.z)
        variance, noisy = sigma.square() / self.weight, state.ahead
        if self.unbiased:
            noisy = without_excess(problem, noisy, state.denoised, variance)
        denoised, x = problem.prior.denoise(noisy, sigma), state.ahead
        if state.done == 0 and state.plan[0] > state.plan[-1] and not state.positive:
            x = denoised
        x, bend = descend(problem, state, x, denoised, variance, sigma)
        return state.after(x, denoised, accelerated=self.accelerated, bend=bend)

    def estimate(self, state: DescentState, /) -> Tensor:
        """What the last call made of the image: the noise that it is to have, taken away."""
        return state.denoised


@frozen
class REDFixedPoint:
    """One estimate by fixed-point steps, for any likelihood with a proximal map and any denoiser.

    The result is D(x, sigma), where x is the image that the method finds: a likely *noisy* one.

    Args:
        iterations: denoiser calls.
        sigma: the last noise level, in units of the image; by default 0.7 of that of the data.
        accelerated: go on by a share of the last move (Nesterov's momentum).
        weight: how much the denoiser counts against the data.
        unbiased: take away what skewed noise adds on average, which is simulated.

    Raises:
        InputError: a value out of range; in use: the prior can't denoise at sigma.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> round(float(ip.solve(problem, ip.REDFixedPoint(sigma=0.04, weight=1.0)).x.mean()), 2)
    0.7

    Method, what is exact, references: help("invprob.solvers.red").
    """

    iterations: int = 30
    sigma: float | None = None
    accelerated: bool = True
    weight: float = HEAVY
    unbiased: bool = True

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Proximal,))
    stochastic: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        annealing.check(self.iterations, self.sigma)
        check_weight(self.weight)

    def steps(self, problem: Problem[Denoises, Proximal], /) -> int:
        """`iterations`."""
        return self.iterations

    def init(
        self, problem: Problem[Denoises, Proximal], streams: Streams, x0: Tensor | None, /
    ) -> DescentState:
        """x0, or what the measurement alone suggests."""
        noise = noise_of(problem)
        plan = annealing.plan(problem, self.iterations, self.sigma, noise, SHARE * noise)
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
        variance, noisy = sigma.square() / self.weight, state.z
        if self.unbiased:
            noisy = without_excess(problem, noisy, state.denoised, variance)
        denoised = problem.prior.denoise(noisy, sigma)
        x = agree(problem, denoised, variance)
        return state.after(x, denoised, accelerated=self.accelerated)

    def estimate(self, state: DescentState, /) -> Tensor:
        """What the last call made of the image: the noise that it is to have, taken away."""
        return state.denoised
