r"""Regularization by denoising with a multiplier: the data and the denoiser, each by itself.

It ends at the same images as `RED` (see `red` for what these are), and goes there in two parts
with a multiplier u between them. Of the two, the proximal map and the denoiser, each sees the
image once in a step:

    x <- argminₓ -log p(y | x) + link weight ‖x - (z - u)‖² / (2 sigma²)
    d  = D(x + 0.35 (z - x), sigma)
    v <- (link (x + u) + d) / (1 + link)
    u <- u + x - v

with z beyond v by a share of its last move (see `momentum`). The v of the method as published
solves v = (link (x + u) + D(v)) / (1 + link), which takes several calls; here it is one, of an
image near where that v will be. If v - D(v) did not change from step to step, that image were x.
Where the data are bad, x is still noisy, so that it stays a third of the way behind. `link` = 0.4
is how much the two images count for each other, in units of what the denoiser counts for v.

With the look at the v before, a link of 1 and no momentum, as it was published for one call in a
step, eight calls for photographs behind blurs of noise 0.02 end 1.4 dB lower; with half of the
pixels missing, 2.6.

The multiplier is kept as u / (sigma² / (link weight)), a force, which keeps its meaning when sigma
changes. Then d is v - sigma² / weight times that force.

Reference: Y. Romano, M. Elad, P. Milanfar (2017). The Little Engine That Could: Regularization by
Denoising. SIAM Journal on Imaging Sciences. https://arxiv.org/abs/1611.02862
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
from .balance import HEAVY
from .data_noise import noise_of
from .excess import without_excess
from .first_image import first_image
from .momentum import look_ahead
from .pnp import check_weight
from .red import SHARE

LINK = 0.4
BEHIND = 0.35


@frozen(eq=False)
class LinkedState:
    """A run between two steps.

    Attributes:
        v: the images that agree with the prior, `(B, *image)`.
        z: beyond them, where the next step is taken, `(B, *image)`.
        force: the multiplier u, in units of sigma² / (link weight), `(B, *image)`.
        momentum: t of each row, `(B,)`; see `momentum`.
        sigma: the noise level of the last denoiser call; of the next one before the first.
        plan: the noise level of each step, `(iterations,)`.
        done: how many steps are done.
    """

    v: Tensor
    z: Tensor
    force: Tensor
    momentum: Tensor
    sigma: float
    plan: Tensor
    done: int

    @classmethod
    def begin(cls, problem: Problem[Any, Any], plan: Tensor, x0: Tensor | None, /) -> LinkedState:
        """x0, or what the measurement alone suggests; no force."""
        x = first_image(problem, x0)
        return cls(x, x, torch.zeros_like(x), x.new_ones(len(x)), float(plan[0]), plan, 0)


@frozen
class REDADMM:
    """One estimate by alternating directions, for any likelihood with a prox and any denoiser.

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
    >>> round(float(ip.solve(problem, ip.REDADMM(sigma=0.04, weight=1.0)).x.mean()), 2)
    0.7

    Method, what is exact, references: help("invprob.solvers.red_admm").
    """

    iterations: int = 40
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
    ) -> LinkedState:
        """x0, or what the measurement alone suggests; no force."""
        noise = noise_of(problem)
        plan = annealing.plan(problem, self.iterations, self.sigma, noise, SHARE * noise)
        return LinkedState.begin(problem, plan, x0)

    def step(
        self, problem: Problem[Denoises, Proximal], state: LinkedState, streams: Streams, /
    ) -> LinkedState:
        """The likelihood's prox, one denoiser call, the multiplier and the look ahead."""
        sigma = state.plan[state.done].to(state.v)
        variance = sigma.square() / self.weight
        apart = variance / LINK
        looked = agree(problem, state.z - apart * state.force, apart).lerp(state.z, BEHIND)
        noisy = looked
        if self.unbiased:
            noisy = without_excess(problem, looked, state.v - variance * state.force, variance)
        denoised = problem.prior.denoise(noisy, sigma)
        x = (looked - BEHIND * state.z) / (1 - BEHIND)  # not kept beside the denoiser's own images
        pushed = x + apart * state.force
        v = (LINK * pushed + denoised) / (1 + LINK)
        z, momentum = v, state.momentum
        if self.accelerated:
            z, momentum = look_ahead(state.v, state.z, v, momentum)
        done = state.done + 1
        return LinkedState(v, z, (pushed - v) / apart, momentum, float(sigma), state.plan, done)

    def estimate(self, state: LinkedState, /) -> Tensor:
        """What the last call made of the image: the noise that it is to have, taken away."""
        return state.v - state.sigma**2 / self.weight * state.force
