"""How a sample alone restarts, and what is different with a network.

**How short.** A network makes the same small errors in each restart, and they add up. So all
restarts together go as far as `WHOLE` whole ones, however many there are. While levels fall, they
go a quarter as far in coordinates that were measured: as the level falls below a coordinate's
noise, the data begin to leave it free, and a restart that is whole puts the denoised image in the
place of what it still varies by. In coordinates that were not measured whole ones are better.

**How much noise.** It seems that a network takes away a little more than the noise, detail that it
made itself. In every restart some of it is lost, and samples come out too smooth. So, where noise
is Gaussian and nothing was measured, the normal numbers that a restart puts in are larger than its
level says, by `s_noise` (`S_noise` of Karras et al. 2022, section 4, who need 1.003 to 1.007 for
images drawn from networks that were trained for long). With the embedded network 1.03 brings the
deviation of samples near to that of their errors (docs/photographs.md). Where something was
measured, shorter restarts do part of that; more noise there cost the means of long runs 0.4 dB. An
exact denoiser needs none, and a prior that knows its moments is taken for one: its s_noise is 1,
and where something was measured it has the kappa of the rest, or 0.85 while levels fall.

Reference: T. Karras, M. Aittala, T. Aila, S. Laine (2022). Elucidating the Design Space of
Diffusion-Based Generative Models. NeurIPS. https://arxiv.org/abs/2206.00364.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from attrs import evolve, frozen
from torch import Tensor

from ...contracts import Denoises, HasMoments, LocallyGaussian, Spectral
from ...problem import Problem
from ...streams import Streams
from .. import diffusion, moves
from .state import RestartState, padded

WHOLE, WHOLE_MEASURED = 64.0, 16.0
"""So many whole restarts are as far as all those of a sample alone go together; and those of a
network in coordinates that were measured, were levels to fall in all of them."""
MEASURED, MEASURED_LOCALLY = 0.85, 0.7
"""The least kappa of what was measured, while levels fall; and where noise is not Gaussian."""
S_NOISE = 1.03
"""The noise of a network's restarts over the level, in coordinates that were not measured."""


@frozen
class How:
    """What was asked for: `kappa` and `s_noise` of `Restart`; None leaves a choice."""

    kappa: float | None = None
    s_noise: float | None = None


def is_network(problem: Problem[Any, Any]) -> bool:
    """Whether these samples are a network's, as far as can be known, under Gaussian noise."""
    return not isinstance(problem.prior, HasMoments) and diffusion.linear(problem) is not None


def kappa(restarts: int, whole: float = WHOLE) -> float:
    """How far down each of so many restarts goes, as a share of the next level.

    >>> kappa(50), round(kappa(1000), 2)
    (0.0, 0.97)
    """
    return math.sqrt(max(0.0, 1 - whole / restarts))


def restart(
    problem: Problem[Denoises, Spectral | LocallyGaussian],
    state: RestartState,
    images: tuple[Tensor, Tensor],
    streams: Streams,
    how: How,
) -> RestartState:
    """The state at the next level.

    Args:
        problem: with `(B, *image)` images.
        state: `sigma` is the present level, and `done` counts the denoiser call at it.
        images: the noisy ones, and the denoised ones, `(B, *image)`.
        streams: of all random numbers.
        how: what was asked for.
    """
    x, denoised = images
    level, old = float(state.levels[state.done]), state.noise[:, 0]
    near, new = diffusion.near(problem, denoised, level), streams.normal(old)
    short = kappas(problem, state, near.sd) if how.kappa is None else how.kappa
    move = moves.restart(near, near.w, x, denoised, state.sigma, level, short)
    s_noise = (S_NOISE if is_network(problem) else 1.0) if how.s_noise is None else how.s_noise
    louder = torch.ones_like(near.sd).masked_fill_(near.sd.isinf(), s_noise)
    x = near.v(move.louder(louder).to(old + new))
    return _kept(state, x, new, denoised)


def crowded(
    problem: Problem[Denoises, Spectral | LocallyGaussian],
    state: RestartState,
    images: tuple[Tensor, Tensor],
    streams: Streams,
) -> RestartState:
    """The same of what is left of a crowd under noise that is not Gaussian: whole restarts."""
    x, denoised = images
    level, old = float(state.levels[state.done]), state.noise[:, 0]
    near, new = diffusion.near(problem, denoised, level), streams.normal(old)
    move = moves.restart(near, near.w, x, denoised, state.sigma, level, 0.0)
    if state.is_last:
        mean = diffusion.centre(problem, None)
        move = move.steady(level, diffusion.near(problem, mean, diffusion.deviation(problem)).sd)
    return _kept(state, near.v(move.to(old + new)), new, denoised)


def _kept(state: RestartState, x: Tensor, noise: Tensor, denoised: Tensor) -> RestartState:
    """The state with these images of one particle each."""
    count = state.x.shape[1]
    x, noise, denoised = (padded(value[:, None], count) for value in (x, noise, denoised))
    return evolve(state, x=x, noise=noise, denoised=denoised)


def kappas(problem: Problem[Any, Any], state: RestartState, sd: Tensor) -> Tensor:
    """For each coordinate how far down a restart goes; closer to 1 is shorter."""
    usual = measured = kappa(state.restarts)
    if float(state.levels[state.done]) < state.sigma:
        least = MEASURED if diffusion.linear(problem) else MEASURED_LOCALLY
        shorter = kappa(state.restarts, WHOLE_MEASURED) if is_network(problem) else 0.0
        measured = max(usual, least, shorter)
    return torch.full_like(sd, measured).masked_fill_(sd.isinf(), usual)
