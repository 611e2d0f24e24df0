"""Posterior samples for any operator, by split Gibbs: denoise, then draw from the likelihood.

An image z, which stays within r of x, stands between the prior and the data:

    pi_r(x, z)  ~  p(x) N(z; x, r² I) p(y | z)

Gibbs sampling takes turns. x given z is denoising: the prior's own reverse diffusion, from z at
noise level r down. z given x asks the likelihood for one thing, a draw from p(y | z) N(z; x, r²)
(`sample_given`). All noise that treats pixels by themselves has it. Behind an operator without a
singular basis a draw is a linear system, under Gaussian noise, and under any other noise as well
once it is linearised around D (`linear_draws`). So blurs with any border, filters, stacks and
operators of your own, of which no more than H x and Hᵀ y can be had, have samples too. Where there
is a singular basis, and noise that is Gaussian or of single pixels, `Restart` is nearer to the
posterior.

The price of splitting is that x is drawn from p(x) times a likelihood which is blurred by r: with
Gaussian noise sd, one of variance sd² + r². And a whole reverse diffusion in each turn would cost
many calls, whose small errors add up from turn to turn. Both are avoided here: a sweep is one call
of the denoiser, D = D(z, r), and

    z'  =  D - (1/3) D + sum of b_i (Z_i,old + Z_i,new),    Z_i ~ p(y | z) N(z; D, t_i r'²),

with two widths t_i and old draws made of the random numbers of the sweep before. `split_moves` has
the numbers, and what they cancel: with a Gaussian prior and Gaussian noise what remains of the
blurring is k² in the variance, k = (r / sd)², where it was k, and nothing of the length of the
step. Levels r fall as those of `Restart` for a sample alone do, from ten times the prior's radius
to a quarter of the data's noise, where a quarter of the sweeps is spent. Then the reverse
diffusion to zero, SDE-DPM-Solver++(2M) as in `restarts.restart`. Beyond 64 sweeps they get
shorter, for the sake of a network's errors: they keep kappa² r' / r of z. And where a network (a
prior that does not know its moments) is behind an operator without a basis that measures at least
half as many numbers as an image has, kappa is 0.85 at least while levels fall, for the reasons
that `restarts.alone` has where something was measured. Of photographs behind a blur, and of rays
at 45 angles, in Gaussian noise, samples lose less of their spread then: with 100 calls error over
spread is 0.9 to 1.3, where whole sweeps have 1.15 to 1.5, and those with a kappa of 0.78, whose
means are up to 0.8 dB better, 1.0 to 1.4. With an exact prior whole sweeps mix faster.

How noisy data are is found out by drawing (`least_noise`), from y that are simulated: measurements
in one batch know nothing of each other.

Exact: with a Gaussian prior and Gaussian noise, in the long run, but for k² (1.4 percent of the
variance at a quarter) and the diffusion's discretisation (1 to 3 percent).
Approximate: noise that is not Gaussian is drawn with the right mean and variance around each
image, but not the right law, which matters less the lower r is; behind an operator it is replaced
by the Gaussian with its gradient and curvature. What is known better than r, such as dark pixels
in a batch of bright ones, comes out as wide as r: give a lower `sigma_min` if it matters. With few
calls there are few sweeps, and what they begin with shows: white noise of the prior's own size has
the mean a fifth of the way with 8 calls, 80 % with 12, 95 % with 20, 99 % with 40.
Modes that are far apart are decided while the likelihood is blurred: as often wrong as by
`Restart(particles=1)` or a little more often, and crowds, which need singular values, do far
better. The numbers are in docs/exactness.md.

Behind an operator without singular vectors the systems of all samples are solved together, with
some thirty to sixty products at the first levels and one or two at the last (a blur of 192 x 192
pixels in colour: a fifth to a third of the time of the embedded denoiser). All other draws are
made for one sample at a time. Under noise that is not Gaussian they take one to two times as long
as the embedded denoiser, nearly all of it for the density at a hundred points of each pixel:
drawing rows together would gain a factor of four on 8 x 8 pixels, and nothing from 32 x 32 on.

References: M. Vono, N. Dobigeon, P. Chainais (2019). Split-and-Augmented Gibbs Sampler:
Application to Large-Scale Inference Problems. IEEE TSP. https://arxiv.org/abs/1804.05809;
F. Coeurdoux, N. Dobigeon, P. Chainais (2024). Plug-and-Play Split Gibbs Sampler: Embedding Deep
Generative Priors in Bayesian Inference. IEEE TIP. https://arxiv.org/abs/2304.11134; Z. Wu et al.
(2024). Principled Probabilistic Imaging using Diffusion Models as Plug-and-Play Priors. NeurIPS.
https://arxiv.org/abs/2405.18782. The weights of the draws are ours.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from attrs import evolve, field, frozen
from torch import Tensor

from ..contracts import Denoises, HasMoments, LocallyLinear, Needs, SamplesGivenGaussian
from ..counts import check_count
from ..errors import InputError
from ..problem import Problem, domain_of
from ..streams import Streams
from . import diffusion, least_noise, linear_draws, moves, split_moves
from .restarts import alone, plans

SHARE = 0.25
"""The usual last level of the sweeps, over the data's least noise."""
SEEDS = 2**53
"""How many seeds there are: as many as uniform numbers in double precision."""


@frozen(eq=False)
class SplitGibbsState:
    """A run of `SplitGibbs` between two steps.

    Attributes:
        x: the noisy images, `(B, *image)`.
        denoised: what the last call said, `(B, *image)`.
        seeds: of the last draws of each row, `(B,)`, int64, on the CPU; the next sweep makes
            them again.
        sigma: the noise level of x.
        least: the deviation of what the data know well.
        short: the least kappa, while levels fall.
        levels: of all steps of the run, `(steps,)`, float64, on the CPU.
        sweeps: how many steps are sweeps; the others are the way to zero.
        done: how many are done.
    """

    x: Tensor
    denoised: Tensor
    seeds: Tensor
    sigma: float
    least: float
    short: float
    levels: Tensor
    sweeps: int
    done: int


@frozen
class SplitGibbs:
    """Samples of p(x | y) for any denoiser and any operator, and noise that can be drawn from.

    Each call of the denoiser comes with four draws of the likelihood, one row at a time; or with
    two linear systems, behind an operator without a singular basis.

    Args:
        calls: images through the denoiser per sample, at least 8. More: closer to the posterior.
        sigma_min: the last noise level of the sweeps. By default a quarter of the data's least
            noise, or of the first level, or the least that the prior can denoise. Lower: less
            bias, if there are calls enough to mix.
        sigma_max: the noise level to start at; by default ten times the prior's radius, or the
            most that the prior can denoise.
        kappa: how short sweeps are, in [0, 1); 0 is whole, which mixes fastest and pays if the
            prior is exact. By default 0 up to 64 sweeps and then closer to 1 the more there are;
            behind an operator without singular values, and with a network, 0.85 at least.

    Raises:
        InputError: a value out of range; in use: levels that the prior can't denoise, data that
            are noisier than that (or measure all with no more than the least of them), a sigma_min
            above the data's noise, or a sigma_max that is below it or too low to start from grey.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 8, 8), 0.9))
    >>> result = ip.solve(problem, ip.SplitGibbs(), samples=100, seed=0)
    >>> round(float(result.samples.mean()), 2), round(float(result.samples.std()), 2)
    (0.7, 0.14)

    Method, what is exact, references: help("invprob.solvers.split_gibbs").
    """

    calls: int = 100
    sigma_min: float | None = field(default=None, kw_only=True)
    sigma_max: float | None = field(default=None, kw_only=True)
    kappa: float | None = field(default=None, kw_only=True)

    needs: ClassVar[Needs] = Needs(
        prior=(Denoises,), likelihood=(SamplesGivenGaussian | LocallyLinear,)
    )
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        few = (
            f"fewer than {plans.LEAST_CALLS} are no sampler; for one estimate in few calls "
            "take PnP(iterations=8), -s pnp:iterations=8"
        )
        check_count("calls", self.calls, plans.LEAST_CALLS, few)
        diffusion.check_levels(self.sigma_min, self.sigma_max)
        diffusion.check_share(self.kappa)

    def steps(self, problem: Problem[Denoises, SamplesGivenGaussian | LocallyLinear], /) -> int:
        """As many as calls."""
        return self.calls

    def init(
        self,
        problem: Problem[Denoises, SamplesGivenGaussian | LocallyLinear],
        streams: Streams,
        x0: Tensor | None,
        /,
    ) -> SplitGibbsState:
        """A sweep around x0, or the prior's mean, to the first level.

        Raises:
            InputError: levels that the prior can't denoise, data that are noisier than that, or
                levels that are too high or too low for these data.
        """
        least = least_noise.least_noise(problem)
        least_noise.check_known(problem, least)
        first, last = self._ends(problem, x0, least)
        low, high = domain_of(problem.prior).sigma
        noise = diffusion.Range(last, math.inf, low, high)
        plan = plans.alone(problem, noise, first, self.calls)
        centre, rows = diffusion.centre(problem, x0), len(problem.y)
        old, seeds = _seeds(rows, streams), _seeds(rows, streams)
        whole = split_moves.weights(0.0, 1.0)
        x = split_moves.sweep(problem, centre, centre, (old, seeds), (first, least), whole)
        levels = torch.tensor(plan.levels, dtype=torch.float64)
        short = self._short(problem, centre)
        return SplitGibbsState(x, x, seeds, first, least, short, levels, plan.restarts, 0)

    def step(
        self,
        problem: Problem[Denoises, SamplesGivenGaussian | LocallyLinear],
        state: SplitGibbsState,
        streams: Streams,
        /,
    ) -> SplitGibbsState:
        """The denoiser at one level, and the way to the next."""
        sigma, done = float(state.levels[state.done]), state.done + 1
        denoised = problem.prior.denoise(state.x, state.levels[state.done].to(state.x))
        if done == len(state.levels):
            return evolve(state, x=denoised, denoised=denoised, sigma=0.0, done=done)
        level, seeds = float(state.levels[done]), state.seeds
        if done <= state.sweeps:
            seeds = _seeds(len(state.x), streams)
            kappa = alone.kappa(state.sweeps) if self.kappa is None else self.kappa
            kappa = max(kappa, state.short) if level < sigma else kappa
            how = split_moves.weights(kappa, level / sigma)
            both = (state.seeds, seeds)
            levels = level, state.least
            x = split_moves.sweep(problem, state.x, denoised, both, levels, how)
        else:
            ahead = denoised
            if done - 1 > state.sweeps:
                falls = (float(state.levels[done - 2]), sigma, level)
                ahead = moves.ahead(state.denoised, denoised, falls)
            x = moves.diffuse(state.x, ahead, streams.normal(state.x), sigma, level)
        return evolve(state, x=x, denoised=denoised, seeds=seeds, sigma=level, done=done)

    def estimate(self, state: SplitGibbsState, /) -> Tensor:
        """What the last call said: the denoised image; at the end, the sample."""
        return state.denoised

    def _short(
        self, problem: Problem[Denoises, SamplesGivenGaussian | LocallyLinear], x: Tensor
    ) -> float:
        """The least kappa, while levels fall."""
        network = self.kappa is None and not isinstance(problem.prior, HasMoments)
        return alone.MEASURED if network and linear_draws.measures_most(problem, x) else 0.0

    def _ends(
        self,
        problem: Problem[Denoises, SamplesGivenGaussian | LocallyLinear],
        x0: Tensor | None,
        least: float,
    ) -> tuple[float, float]:
        """The level to start at, and the last one of the sweeps."""
        low, high = domain_of(problem.prior).sigma
        first = (
            min(10 * diffusion.radius(problem), high) if self.sigma_max is None else self.sigma_max
        )
        if not low <= first <= high:
            raise InputError(
                f"sigma_max={first:.4g}, but {problem.prior!r} denoises from {low:.4g} to "
                f"{high:.4g}; leave it out to start at {high:.4g} or below"
            )
        if x0 is None and self.sigma_max is not None:
            self._check_first(problem, first, least)
        if self.sigma_min is not None and not low <= self.sigma_min < first:
            raise InputError(
                f"sigma_min={self.sigma_min:.4g}, but {problem.prior!r} denoises from {low:.4g} "
                f"on, and the noise levels fall from {first:.4g}; leave it out, or give a level "
                "between"
            )
        if self.sigma_min is not None and self.sigma_min > least:
            raise InputError(
                f"sigma_min={self.sigma_min:.4g}, but the data's least noise is about "
                f"{least:.2g}: what was measured better than the last level would be as noisy as "
                f"that. Leave sigma_min out, or give {max(SHARE * least, low):.2g}"
            )
        if self.sigma_min is not None:
            return first, self.sigma_min
        usual = min(SHARE * least, first / 4)
        return first, min(max(usual, low), first)

    def _check_first(self, problem: Problem[Denoises, Any], first: float, least: float) -> None:
        """Raise `InputError` if a sigma_max is too low to start from grey."""
        if first < diffusion.deviation(problem):
            raise InputError(
                f"sigma_max={first:.4g} is less than pixels vary by, "
                f"{diffusion.deviation(problem):.4g}; what was not measured would stay as grey as "
                "it begins; leave it out, or give x0 to start near an image"
            )
        if first < (noise := least_noise.surely(problem, least)) * diffusion.APART:
            raise InputError(
                f"sigma_max={first:.4g} is less than the noise of the data, {noise:.4g}; leave it "
                "out, give more than that, or x0 to start near an image"
            )


def _seeds(rows: int, streams: Streams) -> Tensor:
    """New seeds of the draws of a sweep, one for each row, `(B,)`."""
    return (streams.uniform(torch.zeros(rows, dtype=torch.float64)) * SEEDS).long()
