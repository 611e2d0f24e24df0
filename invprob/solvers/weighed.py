"""One restart of particles that weigh each other, look ahead, and may be guided.

The theory is in `particles`; here are its steps, in order: the look-ahead of the present images
enters their weights; uneven particles are drawn again; the data's gain on the way to the next
level enters the weights; the move, along the gradient of the look-ahead if it is guided.
"""

from __future__ import annotations

import torch
from attrs import evolve, frozen
from torch import Tensor

from ..contracts import Denoises, Spectral
from ..problem import Problem
from ..streams import Streams
from . import moves, particles, start
from .particles import Data, Groups
from .restart_state import RestartState, padded

CAP = 1.0
"""The most that guidance shifts a restart, in units of its noise."""
MANIFOLD = 0.1
"""The share of the pixels' variance that guidance takes for what is left within a mode."""


@frozen
class How:
    """What `Restart` was told: its arguments of the same names."""

    population: int
    guided: bool
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
        how: the solver's arguments.
    """
    spectrum = start.spectrum(problem)
    level, following = state.sigma, float(state.levels[state.done])
    now, then = (int(count) for count in state.alive[state.done - 1 : state.done + 1])
    w = spectrum.observe(problem.y)
    v = start.deviation(problem) ** 2
    sd = spectrum.sd.clamp(min=float(state.levels[state.restarts - 1]))
    data = Data(w.repeat_interleave(now, 0), sd, v * MANIFOLD if how.guided else v)

    x, denoised = images
    ahead = data.ahead(spectrum.vt(denoised), level).view(-1, now)
    weight = state.weight[:, :now] + ahead - state.ahead[:, :now]
    if how.population * now > 1 or now != then:
        groups = Groups(problem.samples, problem.measurements, how.population)
        uniform = streams.uniform(weight[:, :1])[:, 0]
        chosen, weight = groups.draw(weight, uniform, then, always=following == level)
        x, denoised, ahead = (
            x[chosen.flatten()],
            denoised[chosen.flatten()],
            ahead.flatten()[chosen],
        )
        data = Data(w.repeat_interleave(then, 0), sd, data.variance)
    seen = spectrum.vt(denoised)
    weight = weight + data.gain(seen, level, following).view(-1, then)

    bridge = moves.part_way(spectrum, data.w, x, denoised, level, following, how.kappa)
    normal = streams.normal(bridge.mean.view(-1, then, *bridge.mean.shape[1:])).flatten(0, 1)
    mean = bridge.mean
    if how.guided and data.informs(level):
        below = how.kappa * following
        rise = 1 - (below / level) ** 2
        shift = particles.capped(
            rise * _pull(problem, data, x, seen, level), CAP * below * rise**0.5
        )
        mean = mean + bridge.free * shift
        told = torch.where(bridge.width > 0, bridge.free * shift / bridge.width, 0)
        weight = weight + particles.effort(normal, told).view(-1, then)
    x = spectrum.v(torch.addcmul(mean, bridge.width, normal))
    count = state.x.shape[1]
    return evolve(
        state,
        x=padded(x.view(-1, then, *x.shape[1:]), count),
        denoised=denoised.view(-1, then, *x.shape[1:])[:, 0],
        weight=padded(weight, count),
        ahead=padded(ahead, count),
    )


def _pull(
    problem: Problem[Denoises, Spectral], data: Data, x: Tensor, seen: Tensor, level: float
) -> Tensor:
    """r² times the gradient of the look-ahead, `(N, *spectral)`, for one more call."""
    spectrum = start.spectrum(problem)
    along = data.pull(seen, level)
    step = particles.finite_step(along, level)
    moved = x + particles.rows(step, x) * spectrum.v(along)
    there = spectrum.vt(problem.prior.denoise(moved, torch.as_tensor(level).to(x)))
    return (there - seen) * particles.rows(level**2 / step, seen)
