"""Posterior samples by restarts from zero noise; only a call budget to choose.

In the likelihood's singular basis the measurement is w = Vᵀx + sd n, one number per coordinate.
Let x(r) = x + noise of variance r² be *one* Brownian path and let w be its value at the time sd.
Then the posterior's path below that time is the prior's own reverse diffusion: data that are
already in the path need no likelihood term. So

**Denoising** (one sd for all): start at x(sd) = w and run the prior's reverse SDE to zero noise.
No gradient of the likelihood, no step size, exact but for the SDE's discretisation.

**Anything else**: restarts lead to a sample of x(rho) given w, rho = min sd, and from there the
reverse SDE to zero. A restart goes from x(r) down to b = kappa r' by the reverse SDE, and back up
to the next level r' along the Brownian bridge to w. With D = D(x(r), r), c = (b / r)²,
a = r'² - b² and q = max(sd² - r'², 0), infinite where nothing was measured,

    v = (1 - c) D + c x(r) + b sqrt(1 - c) n
    x(r') = (q v + a w) / (a + q) + sqrt(a q / (a + q)) n

At r = r' = rho this leaves p(x(rho) | w) as it is, for any prior, but for the SDE's one step; the
chain stays there for half of its restarts. Before that, levels fall from far above the prior's
size to rho. Coordinates with sd < r' are pinned to w then, which inflates their noise to r':
annealing. There only the proportions of the modes are decided, so mixing counts more than
exactness, and a restart goes all the way down to the denoised image; half of its noise is that of
the restart before:

    k = min(r' / sd, 1)²                                               0 where nothing was measured
    x(r') = (1 - k) D + k w + r' sqrt(1 - k) (n_old + n_new) / sqrt(2)

In levels of one height this is a Langevin step for p(x(r) | w) with the preconditioner
r² (1 - k) and step 1, in which Leimkuhler and Matthews replace the noise by the mean of two
successive draws. That cancels the bias of the step size where the density is Gaussian. With
kappa = 0 all restarts are of this kind.

The reverse SDE is solved by SDE-DPM-Solver++(2M): from level a to b with h = log(a / b),
denoised D, and D_p with h_p of the move before,

    D' = D + min(h / h_p, 1) / 2 (D - D_p)
    x <- exp(-2 h) x + (1 - exp(-2 h)) D' + b sqrt(1 - exp(-2 h)) n

and at the end x <- D. The bound on h / h_p is ours: levels that are linear in sigma^(1/3), with
growing h, are the best here, and without it the samples come out too wide.

Exact: the bridge; with kappa = 0 and a Gaussian prior the law of x(rho) after many restarts.
Approximate: the SDE's discretisation (1 to 3 percent in variance on the way to zero at 20 calls,
10 at 10 calls), the annealed levels, and mixing between far modes.

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
from typing import ClassVar

import torch
from attrs import evolve, frozen
from torch import Tensor

from .. import schedules
from ..contracts import Denoises, Needs, Spectral
from ..errors import InputError
from ..problem import Problem
from ..streams import Streams
from . import start

LEAST_CALLS = 8
ENOUGH_FOR_DENOISING = 20
EXPONENT = 3.0
DEPTH = 200.0


@frozen(eq=False)
class RestartState:
    """A run of `Restart` between two steps.

    Attributes:
        x: the noisy images, `(B, *image)`.
        noise: the normal numbers put in last, `(B, *spectral)`; the next restart reuses them.
        denoised: what the last call said, `(B, *image)`.
        sigma: the noise level of x.
        levels: of all denoiser calls of the run, `(steps,)`, float64, on the CPU.
        restarts: how many of them are restarts; the others are the way to zero.
        done: how many are done.
    """

    x: Tensor
    noise: Tensor
    denoised: Tensor
    sigma: float
    levels: Tensor
    restarts: int
    done: int


@frozen
class Restart:
    """Samples of p(x | y) for a linear-Gaussian measurement and any denoiser.

    One denoiser call per step. Denoising white noise takes no more than 20.

    Args:
        calls: denoiser calls per sample, at least 8. More calls: closer to the posterior.
        sigma_max: the noise level to start at, for coordinates that were not measured; by default
            ten times the prior's radius, or the most that the prior can denoise.
        kappa: how far down a restart at the last level goes, as a share of it, in [0, 1). 0
            mixes fastest, which pays where the denoiser is exact; a network's errors add up.

    Raises:
        InputError: a value out of range; in use: the measurement is noisier than the prior can
            denoise.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 8, 8), 0.9))
    >>> result = ip.solve(problem, ip.Restart(), samples=100, seed=0)
    >>> round(float(result.samples.mean()), 2), round(float(result.samples.std()), 2)
    (0.7, 0.14)
    """

    calls: int = 100
    sigma_max: float | None = None
    kappa: float = 0.7

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Spectral,))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        if self.calls < LEAST_CALLS:
            raise InputError(
                f"calls={self.calls}: fewer than {LEAST_CALLS} are no sampler; for one estimate "
                "in few calls take PnP(iterations=8)"
            )
        start.check_highest(self.sigma_max)
        if not 0 <= self.kappa < 1:
            raise InputError(
                f"kappa={self.kappa}; a restart goes down to a share of the next level: 0 (all "
                "the way), or for example 0.7"
            )

    def steps(self, problem: Problem[Denoises, Spectral], /) -> int:
        """The number of denoiser calls: `calls`, or less where that makes no difference."""
        restarts, finish = self._plan(problem)
        return len(restarts) + len(finish)

    def init(
        self, problem: Problem[Denoises, Spectral], streams: Streams, x0: Tensor | None, /
    ) -> RestartState:
        """The measurement where it is less noisy than the first level, noise around x0 elsewhere.

        Raises:
            InputError: the measurement is noisier than the prior can denoise.
        """
        restarts, finish = self._plan(problem)
        levels = torch.tensor((*restarts, *finish), dtype=torch.float64)
        first = float(levels[0])
        spectrum = start.spectrum(problem)
        centre = spectrum.vt(start.centre(problem, x0))
        old, new = streams.normal(centre), streams.normal(centre)
        blurred = centre + (old + new) * (first / math.sqrt(2))
        x = spectrum.v(torch.where(spectrum.sd <= first, spectrum.observe(problem.y), blurred))
        return RestartState(x, new, x, first, levels, len(restarts), 0)

    def step(
        self, problem: Problem[Denoises, Spectral], state: RestartState, streams: Streams, /
    ) -> RestartState:
        """One denoiser call, and the way to the next level."""
        level, done = state.levels[state.done], state.done + 1
        denoised = problem.prior.denoise(state.x, level.to(state.x))
        if done == len(state.levels):
            return evolve(state, x=denoised, denoised=denoised, sigma=0.0, done=done)
        following = float(state.levels[done])
        if done <= state.restarts:
            noise = streams.normal(state.noise)
            x = (
                _part_way(problem, state, denoised, noise, following, self.kappa)
                if self.kappa and following == float(state.levels[state.restarts - 1])
                else _all_the_way(problem, denoised, state.noise + noise, following)
            )
        else:
            noise = state.noise
            x = _diffuse(state, denoised, following, streams)
        return evolve(state, x=x, noise=noise, denoised=denoised, sigma=following, done=done)

    def estimate(self, state: RestartState, /) -> Tensor:
        """What the last call said: the denoised image; at the end, the sample."""
        return state.denoised

    def _plan(
        self, problem: Problem[Denoises, Spectral]
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The levels of the restarts, and those of the way to zero."""
        noise = start.noise_range(problem)
        if noise.least == noise.greatest:
            return (), _finish(noise, min(self.calls, ENOUGH_FOR_DENOISING))
        finish = _finish(noise, min(max(self.calls // 4, 6), 12))
        first = start.first_level(problem, noise, self.sigma_max)
        middle = min(start.radius(problem) / 2, first)
        count = self.calls - len(finish)
        return _ladder(first, max(middle, noise.least), noise.least, count), finish


def _ladder(first: float, middle: float, least: float, count: int) -> tuple[float, ...]:
    """Levels of the restarts: `first`, then half of them from the middle to the least, and there.

    Far above the prior's size every level says the same, so one is enough.
    """
    stay = count // 2
    levels = (first,) if middle < first else ()
    fall = count - stay - len(levels)
    down = schedules.geometric(middle, least, fall) if least < middle else (least,) * fall
    return (*levels, *down, *(least,) * stay)


def _finish(noise: start.Range, calls: int) -> tuple[float, ...]:
    """Levels of the way to zero."""
    last = max(noise.least / DEPTH, noise.low)
    if not last < noise.least:
        return (noise.least,)
    return schedules.power(noise.least, last, calls, EXPONENT)


def _part_way(
    problem: Problem[Denoises, Spectral],
    state: RestartState,
    denoised: Tensor,
    noise: Tensor,
    level: float,
    kappa: float,
) -> Tensor:
    """Down to b = kappa r' by the reverse SDE, back up to r' by the bridge; one normal draw."""
    spectrum = start.spectrum(problem)
    below = kappa * level
    c = (below / state.sigma) ** 2
    up = level**2 - below**2
    gain = up / ((spectrum.sd - level) * (spectrum.sd + level)).clamp_(min=0).add_(up)
    free = 1 - gain
    v = spectrum.vt(torch.lerp(denoised, state.x, c))
    width = (below**2 * (1 - c) * free.square() + up * free).sqrt_()
    return spectrum.v(torch.lerp(v, spectrum.observe(problem.y), gain).addcmul_(width, noise))


def _all_the_way(
    problem: Problem[Denoises, Spectral], denoised: Tensor, twice: Tensor, level: float
) -> Tensor:
    """(1 - k) D + k w + r' sqrt(1 - k) (n_old + n_new) / sqrt(2), with `twice` = n_old + n_new."""
    spectrum = start.spectrum(problem)
    k = (level / spectrum.sd).clamp_(max=1).square_()
    joined = torch.lerp(spectrum.vt(denoised), spectrum.observe(problem.y), k)
    width = k.neg_().add_(1).mul_(level**2 / 2).sqrt_()
    return spectrum.v(joined.addcmul_(width, twice))


def _diffuse(state: RestartState, denoised: Tensor, level: float, streams: Streams) -> Tensor:
    """The reverse SDE from `state.sigma` to the next level."""
    h = math.log(state.sigma / level)
    ahead = denoised
    if state.done > state.restarts:
        before = math.log(float(state.levels[state.done - 1]) / state.sigma)
        ahead = torch.lerp(state.denoised, denoised, 1 + min(h / before, 1) / 2)
    mean = torch.lerp(ahead, state.x, math.exp(-2 * h))
    return mean.add_(streams.normal(mean), alpha=level * math.sqrt(-math.expm1(-2 * h)))
