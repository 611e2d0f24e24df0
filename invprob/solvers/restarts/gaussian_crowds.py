"""One step of particles that weigh each other, look ahead, and may be guided.

The theory is in `particles`; here are its steps, in order: the look-ahead of the present images
enters their weights; uneven particles are drawn again; the data's gain on the way to the next
level enters the weights; the move, shifted to where the data pull if it is guided.

The move is a restart, which makes copies of a particle most different, while a level is above
what pixels vary by. But a restart puts D in place of x, and takes away what x still varies by
around it, r² (1 - r'/r) where the prior is wide. Steep levels would leave samples too narrow. So
below it is a fall, the reverse SDE with the extrapolated D of `restart`, in which a coordinate
stays w down to the level sd.
"""

from __future__ import annotations

import torch
from attrs import evolve, frozen
from torch import Tensor

from ...contracts import Denoises, Spectral
from ...problem import Problem
from ...streams import Streams
from .. import diffusion, moves
from . import crowds, linear_response, particles
from .particles import Data
from .state import RestartState

BELOW = 1.0
"""The level, in standard deviations of a pixel, from which on particles fall."""
CAP = 3.0
"""The most that the data pull a restart, in units of the next noise level."""


@frozen
class How:
    """How a restart is done.

    Attributes:
        population: samples that interact.
        pulls: rounds of `linear_response.pull`; 0 for none.
        kappa: of this restart.
    """

    population: int
    pulls: int
    kappa: float


def restart(
    problem: Problem[Denoises, Spectral],
    state: RestartState,
    images: tuple[Tensor, Tensor],
    streams: Streams,
    how: How,
    /,
) -> RestartState:
    """The state at the next level.

    Args:
        problem: with `(B, *image)` images.
        state: `sigma` is the present level, and `done` counts the denoiser call at it.
        images: the noisy particles, and the denoised ones, `(B * alive, *image)`.
        streams: of all random numbers.
        how: who interacts, how much the data pull, and kappa.
    """
    spectrum = diffusion.spectrum(problem)
    level, following = state.sigma, float(state.levels[state.done])
    now, then = crowds.counts(state)
    w = spectrum.observe(problem.y)
    within = particles.WITHIN * diffusion.deviation(problem) ** 2
    sd = spectrum.sd.clamp(min=float(state.levels[state.restarts - 1]))
    data = Data(w.repeat_interleave(now, 0), sd, within)

    x, denoised = images
    old = state.noise[:, :now].flatten(0, 1)
    seen = spectrum.vt(denoised)
    ahead = data.ahead(seen, level).view(-1, now)
    weight = state.weight[:, :now] + ahead - state.ahead[:, :now]
    pulled = how.pulls > 0 and data.informs(level)
    shift = linear_response.pull(problem, data, x, seen, level, how.pulls) if pulled else seen
    drawn = crowds.draw(problem, state, weight, how.population, streams)
    one, weight = drawn.chosen, drawn.weight
    falls = following < level <= BELOW * diffusion.deviation(problem) and state.done > 1
    towards = spectrum.vt(_towards(state, denoised, now)) if falls else seen
    x, denoised, seen, shift, towards = (
        value[one] for value in (x, denoised, seen, shift, towards)
    )
    old, ahead = old[one], ahead.flatten()[one].view(-1, then)
    if now * how.population > 1 or then > 1:
        old = torch.where(
            particles.rows(drawn.copied, old), crowds.normal(streams, old, then), old
        )
    data = Data(w.repeat_interleave(then, 0), sd, within)
    weight = weight + data.gain(seen, level, following).view(-1, then)

    new = crowds.normal(streams, old, then)
    if falls:
        move, noise = moves.fall(sd, spectrum.vt(x), towards, level, following), new
    else:
        move = moves.restart(spectrum, data.w, x, denoised, level, following, how.kappa)
        noise = old + new
    if pulled:
        shift = particles.capped(shift, CAP * following) * move.free
        weight = weight + particles.effort(new, _over(shift, move.width)).view(-1, then)
        move = evolve(move, mean=move.mean + shift)
    moved = spectrum.v(move.to(noise))
    return crowds.keep(state, (moved, denoised), new, weight, ahead)


def _towards(state: RestartState, denoised: Tensor, now: int) -> Tensor:
    """The denoised particles, extrapolated if they come from a higher level."""
    before, level, following = (float(state.levels[state.done + step]) for step in (-2, -1, 0))
    if before == level:
        return denoised
    return moves.ahead(state.denoised[:, :now].flatten(0, 1), denoised, (before, level, following))


def _over(shift: Tensor, width: Tensor) -> Tensor:
    """A shift in units of the noise; 0 where there is none."""
    return torch.where(width > 0, shift / width, 0)
