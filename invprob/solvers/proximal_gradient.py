r"""Plug-and-play proximal gradient: a gradient step on the data, then the denoiser.

    x <- D(z + step grad log p(y | z), sigma),       step = 1 / L

with L the likelihood's curvature (see `curvature`; s_max² / sigma_0² for a linear measurement). A
denoiser at noise level sigma stands for the proximal map of -sigma² log p, so the level that
belongs to the step is sigma = sqrt(step): for a Gaussian prior the fixed point is then the
posterior mean, and for plain denoising one step from y is the denoiser itself. It needs no
proximal map, only a gradient.

With `accelerated` the gradient is taken ahead of x, at z (see `momentum`): FISTA. Otherwise z = x.

Coarse to fine: sigma falls from a high level (see `annealing`) until it meets sqrt(step) and stays
there, row by row; only then step and sigma agree, before it is a start. No pixel follows the
gradient farther than 10 sigma.

References: U. Kamilov, H. Mansour, B. Wohlberg (2017). A Plug-and-Play Priors Approach for Solving
Nonlinear Imaging Inverse Problems. IEEE Signal Processing Letters.
https://doi.org/10.1109/LSP.2017.2763583; A. Beck, M. Teboulle (2009). A Fast Iterative
Shrinkage-Thresholding Algorithm. SIAM Journal on Imaging Sciences.
https://doi.org/10.1137/080716542
"""

from __future__ import annotations

from typing import ClassVar

import torch
from attrs import frozen
from torch import Tensor

from ..contracts import Denoises, Differentiable, Needs
from ..problem import Problem, domain_of
from ..streams import Streams
from . import annealing, curvature
from .annealing import DescentState
from .momentum import rows
from .pnp import LOWEST

FARTHEST = 10.0


@frozen
class ProximalGradient:
    """One estimate for any likelihood with a gradient and any denoiser.

    Args:
        iterations: denoiser calls.
        accelerated: look ahead (see `momentum`).

    Raises:
        InputError: iterations < 1.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> round(float(ip.solve(problem, ip.ProximalGradient()).x.mean()), 3)
    0.7
    """

    iterations: int = 60
    accelerated: bool = True

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Differentiable,))
    stochastic: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        annealing.check(self.iterations, None)

    def steps(self, problem: Problem[Denoises, Differentiable], /) -> int:
        """`iterations`."""
        return self.iterations

    def init(
        self, problem: Problem[Denoises, Differentiable], streams: Streams, x0: Tensor | None, /
    ) -> DescentState:
        """x0, or what the measurement alone suggests."""
        plan = annealing.plan(problem, self.iterations, None, 0.0)
        return DescentState.begin(problem, plan, x0, curved=True)

    def step(
        self,
        problem: Problem[Denoises, Differentiable],
        state: DescentState,
        streams: Streams,
        /,
    ) -> DescentState:
        """A step along the likelihood's gradient, one denoiser call, and the look ahead."""
        z, planned = state.z, state.planned
        pull = problem.likelihood.grad_x(problem.y, z)
        direction, steepest = curvature.refine(problem, z, pull, state.direction)
        low, high = domain_of(problem.prior).sigma
        own = steepest.clamp(min=torch.finfo(z.dtype).tiny).rsqrt().clamp(max=high)
        sigma = own.clamp(min=max(planned, low, LOWEST))
        reach = FARTHEST * rows(sigma, z)
        move = (rows(own, z).square() * pull).minimum(reach).maximum(-reach)
        x = problem.prior.denoise(z + move, sigma)
        return state.after(x, accelerated=self.accelerated, direction=direction)

    def estimate(self, state: DescentState, /) -> Tensor:
        """The denoised image."""
        return state.x
