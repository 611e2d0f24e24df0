r"""Plug-and-play proximal gradient: a gradient step on the data, then the denoiser.

    x = D(v, sigma),        v <- v + (x + sigma² grad log p(y | x) - v) / max(1, c)

A denoiser at noise level sigma stands for the proximal map of -sigma² log p, so sigma² is the step
that belongs to it: for a Gaussian prior the fixed point is then the posterior mean, at every
sigma, and for plain denoising the first x is the denoised y. It needs no proximal map, only a
gradient.

With c = 1 everywhere this is the method of the papers, which must choose sigma² <= 1 / L by the
likelihood's largest curvature L. Photon counts know a dark pixel so well that no step is left for
the others. Here c is sigma² times the curvature of each pixel (see `curvature`), and at least so
much that no v moves farther than sigma: where the data are sharp, v moves by parts of the way, and
the fixed point, x + sigma² grad = v, is the same. The gradient is that of the denoised image, and
has mean 0 there if that is the truth: skewed noise makes the fixed point no darker. Where the
likelihood knows no image darker than black, it is asked about pixels of at least 0.001 of white,
for at black itself speckle's gradient is infinite, and no look ahead takes more than half of a
pixel's brightness: with looks that do, photographs of 2 photons at white were 4 dB worse.

With `accelerated` v is taken beyond where it is (see `momentum`): FISTA. sigma falls from coarse
to fine (see `annealing`) down to the noise level of the data. For noise that is not Gaussian it is
there from the start: a coarse level takes dark pixels, which are nearly certain, far from their
data, and the way back is long.

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
from ..likelihoods.gaussian import Gaussian
from ..problem import Problem
from ..streams import Streams
from . import annealing, curvature
from .annealing import DescentState
from .data_noise import noise_of
from .pnp import LOWEST


@frozen
class ProximalGradient:
    """One estimate for any likelihood with a gradient and any denoiser.

    Args:
        iterations: denoiser calls.
        accelerated: go on by a share of the last move (Nesterov's momentum).

    Raises:
        InputError: iterations < 1.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> round(float(ip.solve(problem, ip.ProximalGradient()).x.mean()), 3)
    0.7

    Method, what is exact, references: help("invprob.solvers.proximal_gradient").
    """

    iterations: int = 30
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
        noise = noise_of(problem)
        plan = annealing.plan(problem, self.iterations, None, noise, noise, rests=True)
        if not isinstance(problem.likelihood, Gaussian):
            plan = plan[-1].repeat(self.iterations)
        dark = annealing.needs_light(problem)
        return DescentState.begin(problem, plan, x0, curved=True, positive=dark)

    def step(
        self,
        problem: Problem[Denoises, Differentiable],
        state: DescentState,
        streams: Streams,
        /,
    ) -> DescentState:
        """A step along the likelihood's gradient, one denoiser call, and the look ahead."""
        v, sigma = state.ahead, state.plan[state.done].to(state.z)
        x = problem.prior.denoise(v, sigma)
        lit = x.clamp(min=LOWEST) if state.positive else x
        pull = problem.likelihood.grad_x(problem.y, lit)
        bend, steepest = curvature.at(problem, lit, pull, state.bend, positive=state.positive)
        variance = sigma.square()
        steep = torch.maximum(variance * steepest, sigma * pull.abs()).clamp(min=1)
        following = v + (x + variance * pull - v) / steep
        return state.after(following, x, accelerated=self.accelerated, bend=bend)

    def estimate(self, state: DescentState, /) -> Tensor:
        """The denoised image."""
        return state.denoised
