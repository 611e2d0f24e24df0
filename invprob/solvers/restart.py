"""Posterior samples by reverse diffusion with restarts; only a call budget to choose.

In the likelihood's singular basis the measurement is w = Vᵀx + sd n, one number per coordinate.
Let x(sigma) = x + noise of variance sigma² be *one* Brownian path and let w be its value at the
time sigma = sd. Then the posterior's path below that time is the prior's own reverse diffusion:
data that are already in the path need no likelihood term. So

* **Denoising** (one sd for all): start at x(sd) = w, run the prior's reverse SDE to zero. No
  gradient of the likelihood, no step size, exact but for the SDE's discretisation.
* **Anything else**: at a level r draw x(r) given the data, run the reverse SDE down to b = kappa
  r', and go back up to the next level r' along the Brownian bridge to w. With a = r'² - b² and v =
  Vᵀx(b),

      q = max(sd² - r'², 0)
      x(r') = (q v + a w) / (a + q) + sqrt(a q / (a + q)) n        where something was measured
      x(r') = v + sqrt(a) n                                        elsewhere

  a Gibbs step that leaves p(x(r') | w) invariant as long as r' <= min sd. Above, coordinates with
  sd < r' are pinned to w, which inflates their noise to r': annealing. Levels fall from far above
  the prior's size to min sd, where the chain stays for half of its steps and mixes; then the
  reverse SDE runs to zero.

The SDE solver is SDE-DPM-Solver++(2M): from level a to b with h = log(a / b), denoised D and the
previous D_p with h_p,

    D' = D + h / (2 h_p) (D - D_p)            (after a restart there is no history: D' = D)
    x <- exp(-2 h) x + (1 - exp(-2 h)) D' + b sqrt(1 - exp(-2 h)) n

and at the end x <- D. It and a restart's bridge need one normal draw together. Exact: the kernels
at r' = min sd. Approximate: the discretisation, and the mixing between far modes in finitely many
steps. Narrow directions come out a few percent too narrow in variance at 10 calls.

References: the path and its pinning, B. Kawar, G. Vaksman, M. Elad (2021). SNIPS: Solving Noisy
Inverse Problems Stochastically. NeurIPS. https://arxiv.org/abs/2105.14951; restarts, Y. Xu et al.
(2023). Restart Sampling for Improving Generative Processes. NeurIPS.
https://arxiv.org/abs/2306.14878; the SDE solver, C. Lu et al. (2022). DPM-Solver++.
https://arxiv.org/abs/2211.01095.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from attrs import frozen
from torch import Tensor

from .. import schedules
from ..contracts import Denoises, Needs, Spectral
from ..errors import InputError
from ..problem import Problem
from ..streams import Streams
from . import start

KAPPA = 0.7
COARSE = 3
LEAST_CALLS = 8
ENOUGH_FOR_DENOISING = 40


class Move(NamedTuple):
    """One denoiser call: from level `sigma` by the reverse SDE to `to`, and back up to `restart`.

    `to` is 0 in the last move of all, `restart` is 0 where there is no going back up, and
    `previous` is the level of the call before, 0 where its result can't be used.
    """

    sigma: float
    to: float
    restart: float = 0.0
    previous: float = 0.0


@frozen(eq=False)
class RestartState:
    """A run of `Restart` between two steps.

    Attributes:
        x: the noisy images, `(B, *image)`.
        denoised: what the last call said about them, `(B, *image)`.
        sigma: their noise level.
        plan: all moves of the run, one row each: `(moves, 4)`, float64, on the CPU.
        done: how many of them are done.
    """

    x: Tensor
    denoised: Tensor
    sigma: float
    plan: Tensor
    done: int


@frozen
class Restart:
    """Samples of p(x | y) for a linear-Gaussian measurement and any denoiser, by restarts.

    One denoiser call per step. Denoising with white noise takes at most 40 calls.

    Args:
        calls: denoiser calls per sample, at least 8. More calls: closer to the posterior.
        sigma_max: the noise level to start at, for coordinates that were not measured; by default
            ten times the prior's radius, or the most that the prior can denoise.
        sigma_min: the last noise level; a third of the least standard deviation of the images
            along any direction, or less.

    Raises:
        InputError: a value out of range; in use: the measurement is noisier than the prior can
            denoise.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> result = ip.solve(problem, ip.Restart(calls=20), samples=200, seed=0)
    >>> round(float(result.samples.mean()), 1), round(float(result.samples.std()), 2)
    (0.7, 0.14)
    """

    calls: int = 100
    sigma_max: float | None = None
    sigma_min: float = 0.002

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Spectral,))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        if self.calls < LEAST_CALLS:
            raise InputError(
                f"calls={self.calls}: fewer than {LEAST_CALLS} are no sampler; for one estimate "
                "in few calls take PnP(iterations=8)"
            )
        if not 0 < self.sigma_min < math.inf:
            raise InputError(f"sigma_min={self.sigma_min}; it must be > 0, for example 0.002")
        if self.sigma_max is not None and not self.sigma_min < self.sigma_max < math.inf:
            raise InputError(
                f"sigma_max={self.sigma_max}; it must be finite and larger than sigma_min="
                f"{self.sigma_min}"
            )

    def steps(self, problem: Problem[Denoises, Spectral], /) -> int:
        """The number of denoiser calls: `calls`, or less where it makes no difference."""
        return len(self._plan(problem))

    def init(
        self, problem: Problem[Denoises, Spectral], streams: Streams, x0: Tensor | None, /
    ) -> RestartState:
        """The measurement where it is less noisy than the first level, noise around x0 elsewhere.

        Raises:
            InputError: the measurement is noisier than the prior can denoise.
        """
        plan = self._plan(problem)
        first = plan[0].sigma
        spectrum = start.spectrum(problem)
        w = spectrum.observe(problem.y)
        prior = spectrum.vt(start.centre(problem, x0))
        x = torch.where(spectrum.sd <= first, w, prior + first * streams.normal(prior))
        images = spectrum.v(x)
        return RestartState(images, images, first, torch.tensor(plan, dtype=torch.float64), 0)

    def step(
        self,
        problem: Problem[Denoises, Spectral],
        state: RestartState,
        streams: Streams,
        /,
    ) -> RestartState:
        """One denoiser call, one move of the reverse SDE and the way back up."""
        move = Move(*state.plan[state.done].tolist())
        denoised = problem.prior.denoise(state.x, start.level(problem, move.sigma))
        x = _diffuse(problem, state, denoised, move, streams) if move.to else denoised
        return RestartState(x, denoised, move.restart or move.to, state.plan, state.done + 1)

    def estimate(self, state: RestartState, /) -> Tensor:
        """What the last call said: the denoised image; at the end, the sample."""
        return state.denoised

    def _plan(self, problem: Problem[Denoises, Spectral]) -> tuple[Move, ...]:
        noise = start.noise_range(problem, self.sigma_min)
        if noise.least == noise.greatest:
            return _finish(noise.least, noise.low, min(self.calls, ENOUGH_FOR_DENOISING))
        first = start.first_level(problem, self.sigma_min, self.sigma_max)
        return _plan(self.calls, first, noise.least, start.radius(problem) / 2, noise.low)


def _diffuse(
    problem: Problem[Denoises, Spectral],
    state: RestartState,
    denoised: Tensor,
    move: Move,
    streams: Streams,
) -> Tensor:
    """The image at the next level: the reverse SDE, and where asked the bridge back up."""
    ahead = denoised
    h = math.log(move.sigma / move.to)
    if move.previous:
        ratio = h / (2 * math.log(move.previous / move.sigma))
        ahead = torch.lerp(state.denoised, denoised, 1 + ratio)
    mean = torch.lerp(ahead, state.x, math.exp(-2 * h))
    variance = -(move.to**2) * math.expm1(-2 * h)
    if not move.restart:
        return mean.add_(streams.normal(mean), alpha=math.sqrt(variance))
    spectrum = start.spectrum(problem)
    a = move.restart**2 - move.to**2
    q = (spectrum.sd.square() - move.restart**2).clamp_(min=0)
    gain = a / (a + q)
    free = 1 - gain
    coordinates = spectrum.vt(mean)
    z = torch.lerp(coordinates, spectrum.observe(problem.y), gain)
    noise = (variance * free.square() + a * free).sqrt_()
    return spectrum.v(z.addcmul_(noise, streams.normal(z)))


def _plan(calls: int, first: float, least: float, middle: float, low: float) -> tuple[Move, ...]:
    """Restarts from the highest level to the least noise of the data, then the way to zero.

    Three restarts bring the level to the middle, half the prior's radius; half of the others bring
    it to the least noise, and half stay there.
    """
    finish = min(max(calls // 4, 6), 14)
    restarts = calls - finish
    coarse = min(COARSE, restarts // 3) if least < middle < first else 0
    fine = (restarts - coarse + 1) // 2
    top = schedules.geometric(first, middle, coarse + 1)[:-1] if coarse else ()
    bottom = schedules.geometric(middle if coarse else first, least, fine + 1)
    ladder = (*top, *bottom, *[least] * (restarts - coarse - fine))
    moves = (Move(r, KAPPA * below, restart=below) for r, below in pairwise(ladder))
    return (*moves, *_finish(least, low, finish))


def _finish(sigma: float, low: float, calls: int) -> tuple[Move, ...]:
    """The reverse SDE from sigma to zero, without restarts."""
    if not sigma > low:
        return (Move(sigma, 0.0),)
    levels = schedules.power(sigma, low, calls)
    path = zip((0.0, *levels[:-1]), levels, (*levels[1:], 0.0), strict=True)
    return tuple(Move(level, below, previous=above) for above, level, below in path)
