r"""Plug-and-play ADMM: a denoiser and a proximal map in turns, with a multiplier between them.

    x <- argminₓ -log p(y | x) + ‖x - (v - u)‖² / (2 sigma²)         the likelihood's prox
    v <- D(x + u, sigma)                                             the prior's
    u <- u + x - v

The alternating direction method of multipliers for -log p(y | x) - log p(x), with a denoiser in
the place of the prior's proximal map. Without u it is half-quadratic splitting (`PnP`); with u a
fixed point has x = v and does not depend on how sigma got there. For a Gaussian prior it is the
posterior mean at *every* sigma, where half-quadratic splitting and `RED` blur the prior by sigma.

sigma falls from coarse to fine and then stays (see `annealing`) where the denoiser is told the
truth. At rest x = v and the multiplier is the force of the data, Hᵀ (y - H x) / sigma_0², so that
the noise in x + u is sigma² Hᵀ n / sigma_0, large where H is. Its root mean square is sigma for

    sigma = sigma_0 / sqrt(mean of s²),        s the singular values of H, 0 included:

sigma_0 for plain denoising, 5 sigma_0 for a blur by 5x5 pixels, 1.4 sigma_0 for half of the
pixels (but not above the first level); for noise that is not Gaussian what it does to grey.
Against sigma_0 for all, blurred photographs gain 0.5 to 1.4 dB in 24 calls, four-fold
super-resolution 0.2 to 0.5, and missing pixels up to 0.8. Where H has no singular values random
images tell the mean: a photograph behind 45 angles of parallel rays gains 0.8 to 1.2 dB by that.
The multiplier is kept as u / sigma², the force between the two images, which keeps its meaning
when sigma changes.

What is exact: the prox, but for less than a denoiser can tell (see `agreement`). A denoiser that
is a proximal map (symmetric and nonexpansive), or close to the identity, makes it converge; for
networks nothing is guaranteed but the experience of many.

References: S. Venkatakrishnan, C. Bouman, B. Wohlberg (2013). Plug-and-Play Priors for Model Based
Reconstruction. IEEE GlobalSIP. https://doi.org/10.1109/GlobalSIP.2013.6737048; E. Ryu et al.
(2019). Plug-and-Play Methods Provably Converge with Properly Trained Denoisers. ICML.
https://arxiv.org/abs/1905.05406
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from attrs import frozen
from torch import Tensor

from ..contracts import Denoises, Needs, Proximal
from ..problem import Problem
from ..streams import Streams
from . import annealing
from .agreement import agree
from .data_noise import noise_at_rest, noise_of
from .first_image import first_image


@frozen(eq=False)
class SplitState:
    """A run of a method that splits the image in two, with a multiplier, between two steps.

    Attributes:
        v: the images that agree with the prior, `(B, *image)`.
        dual: u / sigma², `(B, *image)`.
        sigma: the noise level of the last denoiser call; of the next one before the first.
        plan: the noise level of each step, `(iterations,)`.
        done: how many steps are done.
    """

    v: Tensor
    dual: Tensor
    sigma: float
    plan: Tensor
    done: int

    @classmethod
    def begin(cls, problem: Problem[Any, Any], plan: Tensor, x0: Tensor | None, /) -> SplitState:
        """x0, or what the measurement alone suggests; no force."""
        x = first_image(problem, x0)
        return cls(x, torch.zeros_like(x), float(plan[0]), plan, 0)

    def next(self, v: Tensor, dual: Tensor, /) -> SplitState:
        """The state after the next step."""
        return SplitState(v, dual, float(self.plan[self.done]), self.plan, self.done + 1)


@frozen
class ADMM:
    """One estimate for any likelihood with a proximal map and any denoiser, with a multiplier.

    Args:
        iterations: denoiser calls.
        sigma: the last noise level, in units of the image; by default where the denoiser is told
            the truth: sigma_0 over the root mean square of the operator's singular values.

    Raises:
        InputError: a value out of range; in use: the prior can't denoise at sigma.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> round(float(ip.solve(problem, ip.ADMM()).x.mean()), 3)
    0.7

    Method, what is exact, references: help("invprob.solvers.admm").
    """

    iterations: int = 30
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
        """x0, or what the measurement alone suggests; no force."""
        noise = noise_of(problem)
        rest = noise_at_rest(problem, noise)
        plan = annealing.plan(problem, self.iterations, self.sigma, noise, rest, rests=True)
        return SplitState.begin(problem, plan, x0)

    def step(
        self, problem: Problem[Denoises, Proximal], state: SplitState, streams: Streams, /
    ) -> SplitState:
        """The likelihood's prox, one denoiser call, and the multiplier."""
        sigma = state.plan[state.done].to(state.v)
        u = sigma.square() * state.dual
        noisy = agree(problem, state.v - u, sigma.square()) + u
        del u  # no more images than needed beside the denoiser's own
        v = problem.prior.denoise(noisy, sigma)
        return state.next(v, (noisy - v) / sigma.square())

    def estimate(self, state: SplitState, /) -> Tensor:
        """The denoised image."""
        return state.v
