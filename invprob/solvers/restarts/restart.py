"""Posterior samples by restarts from zero noise; only a call budget to choose.

In the likelihood's singular basis the measurement is w = Vᵀx + sd n, one number per coordinate.
Let x(r) = x + noise of variance r² be *one* Brownian path and let w be its value at the time sd.
Then the posterior's path below that time is the prior's own reverse diffusion: data that are
already in the path need no likelihood term. So

**Denoising** (one sd for all): start at x(sd) = w and run the prior's reverse SDE to zero noise.
No gradient of the likelihood, no step size, exact but for the SDE's discretisation.

**Anything else**: restarts lead to a sample of x(rho) given w, rho = min sd, and from there the
reverse SDE to zero. A restart goes from x(r) down towards the denoised image D = D(x(r), r), and
back up to the next level r' <= r, on the path that ends in w. With

    k = min(r' / sd, 1)²                                               0 where nothing was measured
    c = kappa² r' / r                                                  how much of x(r) is kept

    x(r') = (1 - c) ((1 - k) D + k w) + c x(r) + r' sqrt((1 - kappa²) (1 - k) / 2) (n_old + n_new)

and half of its noise is that of the restart before. At r = r' = rho this is a Langevin step for
p(x(rho) | w) with the preconditioner rho² (1 - k) and step 1 - kappa², in which Leimkuhler and
Matthews replace the noise by the mean of two successive draws. That cancels the bias of the step
size where the density is Gaussian, whatever the step. A chain of its own stays there for a quarter
of its restarts (a tenth, if the prior is a network). Before, levels fall from far above the
prior's size to rho. Coordinates with sd < r' are pinned to w then, which inflates their noise to
r': annealing. Longer restarts mix better, but a network's errors add up: beyond 64 they get
shorter, kappa² = 1 - 64 / restarts, and more so for coordinates that were measured. A network also
makes samples too smooth: where nothing was measured its noise is 1.03 times that of the formula
(`alone` says why).

The reverse SDE is solved by SDE-DPM-Solver++(2M): from level a to b with h = log(a / b),
denoised D, and D_p with h_p of the move before,

    D' = D + min(h / h_p, 1) / 2 (D - D_p)
    x <- exp(-2 h) x + (1 - exp(-2 h)) D' + b sqrt(1 - exp(-2 h)) n

and at the end x <- D. The bound on h / h_p is ours: levels that are linear in sigma^(1/3), with
growing h, are the best here, and without it the samples come out too wide.

**Noise that is not Gaussian** (Poisson, Gamma, any that treats pixels by themselves, also of
H x) looks like a Gaussian near an image, N(w; x, sd²) with the gradient and curvature of
log p(y | x): its surrogate. It is renewed in every restart, around D; levels go down to where x(r)
is within sd / 3 of D, so that the two agree there. The drift k (w - D) of a whole restart is r²
times the gradient of the true likelihood, whatever its curvature is. The few pixels that are known
better than the last level are drawn from the noise itself on the way to zero (`to_zero`).

**In crowds, together, guided.** Where the data barely tell modes apart, samples alone end up in
wrong ones. So in small images each sample begins as a crowd of particles, of which one survives:
`particles` has the theory. With `population` the crowds of several samples of one measurement
make one crowd. With `guided` the data pull the restarts (`linear_response`). How a crowd spends
its calls is in `crowd_plans`, and how it moves in `gaussian_crowds` and `surrogate_crowds`.

Exact: with a Gaussian prior the law of x(rho) after many restarts at the last level.
Approximate: the SDE's discretisation (1 to 3 percent in variance with 12 levels on the way to
zero, 10 with 6), the annealed levels, the proportions of modes that are far apart, the surrogate,
whose error vanishes with the square of the last level (behind a blur its curvature is taken for
even, and samples of photographs are too narrow by half: `SplitGibbs` there), and the last step of
a prior that denoises no level far below the data's noise (`solvers.finest`).

References: the path and its pinning, B. Kawar, G. Vaksman, M. Elad (2021). SNIPS: Solving Noisy
Inverse Problems Stochastically. NeurIPS. https://arxiv.org/abs/2105.14951; restarts, Y. Xu et al.
(2023). Restart Sampling for Improving Generative Processes. NeurIPS.
https://arxiv.org/abs/2306.14878; the noise, B. Leimkuhler, C. Matthews (2013). Rational
Construction of Stochastic Numerical Methods for Molecular Sampling. AMRX.
https://doi.org/10.1093/amrx/abs010; the SDE solver, C. Lu et al. (2022). DPM-Solver++.
https://arxiv.org/abs/2211.01095.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from attrs import evolve, frozen
from torch import Tensor

from ...contracts import Denoises, LocallyGaussian, Needs, Spectral
from ...counts import check_count, real
from ...errors import InputError
from ...problem import Problem
from ...streams import Streams
from .. import diffusion, finest
from . import alone, crowd_plans, crowds, gaussian_crowds, plans, surrogate_crowds, to_zero
from .plans import Plan
from .state import RestartState, padded

AFTER_CROWDS = 0.7
"""The usual kappa at the last level after crowds, or guided."""


@frozen
class Restart:
    """Samples of p(x | y) for any denoiser; for Gaussian noise on H x, or what is like it nearby.

    Measurements of one batch share their noise levels. Those of noise that is not Gaussian depend
    on the darkest and brightest among them: in another batch a sample is another draw.

    Args:
        calls: images through the denoiser per sample, at least 8. More: closer to the posterior.
            Denoising white noise takes no more than 20.
        population: how many samples of one measurement interact, by drawing those again that
            explain the data best. Ask for a multiple of it. 4 or more find the right modes where
            independent samples do not always; but they are no longer independent of each other.
        particles: the most that a sample begins as, if the calls allow; images may have 4096
            numbers then. By default as many as the calls allow in images of at most 1024 numbers
            (256 if the noise is not Gaussian but has a density, 4096 with a `population`), and 1,
            the sample alone, in larger ones. Of images of one kind crowds find the right one;
            crops of photographs, of 32 x 32 pixels, are better alone.
        guided: whether the data pull restarts towards images that explain them. Each takes a
            second call then, and the first one a few more. By default they pull crowds only: in
            the first restart, if the prior can denoise three times its radius, and, from 20 calls
            on, at and below the level that pixels vary by. True pulls every restart, also of
            samples alone, which makes them better if the prior is exact, and worse if it is a
            network. False pulls none.
        sigma_max: the noise level to start at, for coordinates that were not measured; by default
            ten times the prior's radius, or the most that the prior can denoise.
        kappa: how short restarts are: they go down to this share of the next level, in [0, 1).
            After crowds it is for the last level under Gaussian noise, by default 0.7; all others
            are whole. For samples alone it is by default closer to 1 the more restarts there are,
            and at least 0.85 (0.7 if the noise is not Gaussian) for what was measured. 0, whole
            restarts, mixes fastest, which pays if the prior is exact.
        s_noise: the noise that restarts of a sample alone put in where nothing was measured, over
            their level, at least 1 (`S_noise` of Karras et al. 2022). More: wider samples with
            more detail. By default 1.03, which fits the embedded network, if the prior is one
            (does not know its moments) and the noise Gaussian, and 1 otherwise. An exact prior
            without moments wants 1; of your own network `error_over_spread` tells.

    Raises:
        InputError: a value out of range; in use: the measurement is noisier than the prior can
            denoise (or has white noise no greater than the least that it can), sigma_max is less
            than the least noise, the samples are no multiple of the population, or the image is
            too large for one, or for particles.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 8, 8), 0.9))
    >>> result = ip.solve(problem, ip.Restart(), samples=100, seed=0)
    >>> round(float(result.samples.mean()), 2), round(float(result.samples.std()), 2)
    (0.7, 0.14)

    Method, what is exact, references: help("invprob.solvers.restarts.restart").
    """

    calls: int = 100
    population: int = 1
    particles: int | None = None
    guided: bool | None = None
    sigma_max: float | None = None
    kappa: float | None = None
    s_noise: float | None = None

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Spectral | LocallyGaussian,))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        few = (
            f"fewer than {plans.LEAST_CALLS} are no sampler; for one estimate in few calls "
            "take PnP(iterations=8), -s pnp:iterations=8"
        )
        check_count("calls", self.calls, plans.LEAST_CALLS, few)
        diffusion.check_highest(self.sigma_max)
        check_count("population", self.population, why="a sample is at least alone, 1")
        if self.particles is not None:
            check_count("particles", self.particles, why="a sample is at least one, 1")
        diffusion.check_share(self.kappa)
        if self.s_noise is not None and not 1 <= real(self.s_noise, "s_noise") < math.inf:
            raise InputError(
                f"s_noise={self.s_noise}: the noise of a restart over its level is 1 or more, for "
                "example 1.02; leave it out for the usual one"
            )

    def steps(self, problem: Problem[Denoises, Spectral | LocallyGaussian], /) -> int:
        """The number of noise levels; the denoiser sees at most `calls` images per sample."""
        return len(self._plan(problem).levels)

    def init(
        self,
        problem: Problem[Denoises, Spectral | LocallyGaussian],
        streams: Streams,
        x0: Tensor | None,
        /,
    ) -> RestartState:
        """The measurement where it is less noisy than the first level, noise around x0 elsewhere.

        Raises:
            InputError: the measurement is noisier than the prior can denoise, sigma_max is less
                than the least noise or too low to start from grey, the samples are no multiple of
                the population, or the image is too large for one, or for particles.
        """
        plans.check_crowd(problem, self.population, self.particles, self.guided)
        if x0 is None:
            diffusion.check_reach(problem, self.sigma_max)
        plan = self._plan(problem)
        first = plan.levels[0]
        middle = diffusion.centre(problem, x0)
        near = diffusion.near(problem, middle, diffusion.deviation(problem))
        centre = near.vt(middle)
        old, new = streams.normal(centre), streams.normal(centre)
        blurred = centre + (old + new) * (first / math.sqrt(2))
        x = near.v(torch.where(near.sd <= first, near.w, blurred))
        weight = x.new_zeros(len(x), max(plan.alive))
        return RestartState(
            x=padded(x[:, None], max(plan.alive)),
            noise=padded(new[:, None], max(plan.alive)),
            denoised=padded(x[:, None], max(plan.alive)),
            weight=weight,
            ahead=weight,
            sigma=first,
            levels=torch.tensor(plan.levels, dtype=torch.float64),
            alive=torch.tensor(plan.alive),
            restarts=plan.restarts,
            pulls=torch.tensor(plan.pulls),
            done=0,
            chained=self.population == 1 and max(plan.alive) == 1,
        )

    def step(
        self,
        problem: Problem[Denoises, Spectral | LocallyGaussian],
        state: RestartState,
        streams: Streams,
        /,
    ) -> RestartState:
        """The denoiser at one level, and the way to the next."""
        level, done = state.levels[state.done], state.done + 1
        x = state.x[:, : int(state.alive[state.done])].flatten(0, 1)
        state = evolve(state, sigma=float(level), done=done)
        if done == len(state.levels):
            least = float(state.levels[max(state.restarts - 1, 0)])
            ended = finest.last_call(problem, x, level, least, streams)
            return to_zero.end(problem, state, ended, streams)
        denoised = problem.prior.denoise(x, level.to(x))
        following = float(state.levels[done])
        if done > state.restarts:
            state = to_zero.down(problem, state, (x, denoised), following, streams)
        elif (exact := diffusion.linear(problem)) and self._weighs(problem):
            pulls = int(state.pulls[done - 1])
            kappa = (AFTER_CROWDS if self.kappa is None else self.kappa) if state.is_last else 0.0
            how = gaussian_crowds.How(self.population, pulls, kappa)
            state = gaussian_crowds.restart(exact, state, (x, denoised), streams, how)
        elif max(crowds.counts(state)) > 1:
            local: Any = problem
            state = surrogate_crowds.restart(local, state, (x, denoised), streams)
        elif plans.has_surrogate(problem, self.particles):
            state = alone.crowded(problem, state, (x, denoised), streams)
        else:
            asked = alone.How(self.kappa, self.s_noise)
            state = alone.restart(problem, state, (x, denoised), streams, asked)
        return evolve(state, sigma=following)

    def estimate(self, state: RestartState, /) -> Tensor:
        """What the last call said: the denoised image; at the end, the sample."""
        return state.denoised[:, 0]

    def remark(self, state: RestartState, /) -> str:
        """That calls are few for samples alone, where more than white noise is to be undone."""
        few = state.chained and state.restarts > 0 and self.calls < plans.ENOUGH_ALONE
        return plans.FEW.format(self.calls) if few else ""

    def _weighs(self, problem: Problem[Denoises, Spectral | LocallyGaussian]) -> bool:
        crowded = plans.fits(problem, self.particles)
        return self.population > 1 or crowded or bool(self.guided)

    def _plan(self, problem: Problem[Denoises, Spectral | LocallyGaussian]) -> Plan:
        noise = diffusion.noise_range(problem)
        first = diffusion.first_level(problem, noise, self.sigma_max)
        if noise.least == noise.greatest and diffusion.linear(problem):
            return plans.denoising(problem, noise, self.calls)
        if diffusion.linear(problem) and self._weighs(problem):
            crowd = self.population > 1 or plans.fits(problem, self.particles)
            most = self.particles if crowd else 1
            how = (self.guided, most, self.population)
            return crowd_plans.gaussian(problem, noise, first, self.calls, *how)
        if plans.has_surrogate(problem, self.particles):
            first = diffusion.first_level(
                problem, evolve(noise, greatest=math.inf), self.sigma_max
            )
            return crowd_plans.surrogate(problem, noise, first, self.calls, self.particles)
        return plans.alone(problem, noise, first, self.calls)
