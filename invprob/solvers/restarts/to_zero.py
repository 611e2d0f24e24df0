r"""The way of `Restart` from its last level to zero noise.

The data are in the path by then, and the prior's reverse SDE leads on: see `restart`. Its levels
are linear in sigma^(1/3). They end far below the noise of the data and below what pixels vary by,
whichever is less: the last step puts D in place of x, which takes away what a detail of the prior
varies by, if that is less than the level. Above the prior's radius, where nearly all is noise,
there is one step. Where it ends was measured: at one radius, samples of priors far narrower than
the noise have 1.06 to 1.09 times their variance, and 1.1 times if it ends at three or is left out;
at half of one, samples of which nothing was measured had 0.83 to 0.89.

Under noise that is not Gaussian the last level is a third of what most pixels are known to. The
few that are known better than the level, dark ones under photon counts or speckle, would end as
noisy as it is: ten times too noisy in a shadow. So these are drawn again at every level r from

    z ~ p(y | z) N(z; D, r²),        x(r') = z + r' n,

which is split Gibbs (`split_gibbs`) pixel by pixel, and end as the last z. It asks the noise for
exact draws, `sample_given`. Approximate: r² for what a pixel varies by, given x(r), which matters
less the better y knows it. Against quadrature, one pixel in thirty dark, samples of those were 1.6
times as wide as the posterior without the draws, and 0.96 times with them (`Poisson(peak=1000)`);
4.6 and 0.97 (`Gamma(alpha=20)`); 8.6 and 0.99 (`Rayleigh(scale=0.2)`): see
`benchmarks/dark_pixels.py`. Noise that does not treat pixels by themselves, or lies behind an
operator, is left as it is.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from attrs import evolve
from torch import Generator, Tensor

from ... import schedules
from ...compatibility import lacks
from ...contracts import SamplesGivenGaussian
from ...likelihoods.pixelwise import Pixelwise
from ...problem import Problem
from ...streams import Streams
from .. import diffusion, moves
from .state import RestartState, padded

EXPONENT = 3.0
DEPTH = 200.0
ENOUGH = 12
"""So many levels fall by DEPTH with errors of 1 to 3 percent in variance."""


def levels(
    problem: Problem[Any, Any], noise: diffusion.Range, usual: int, most: int
) -> tuple[float, ...]:
    """The noise levels of the way to zero, one for each call.

    Args:
        problem: whose prior tells what pixels vary by.
        noise: its levels.
        usual: how many there are for a fall by DEPTH; as many more as the way is longer.
        most: as many as there are at most, if that is more than usual.
    """
    last = _last(problem, noise)
    if not last < noise.least:
        return (noise.least,)
    top = min(noise.least, diffusion.radius(problem))
    longer = max(math.log(top / last) / math.log(DEPTH), 1.0)
    count = min(round(usual * longer), max(usual, most))
    if last < top < noise.least and count > 2:
        return noise.least, *schedules.power(top, last, count - 1, EXPONENT)
    return schedules.power(noise.least, last, count, EXPONENT)


def _last(problem: Problem[Any, Any], noise: diffusion.Range) -> float:
    return max(min(noise.least, diffusion.deviation(problem)) / DEPTH, noise.low)


def down(
    problem: Problem[Any, Any],
    state: RestartState,
    images: tuple[Tensor, Tensor],
    level: float,
    streams: Streams,
) -> RestartState:
    """The state at the next level.

    Args:
        problem: with `(B, *image)` images.
        state: `sigma` is the present level, and `done` counts the denoiser call at it.
        images: the noisy ones, and the denoised ones, `(B, *image)`.
        level: the next one.
        streams: of all random numbers.
    """
    x, denoised = images
    ahead = denoised
    if state.done - 1 > state.restarts:
        falls = (float(state.levels[state.done - 2]), state.sigma, level)
        ahead = moves.ahead(state.denoised[:, 0], denoised, falls)
    z, known = _drawn(problem, state, denoised, streams)
    normal = streams.normal(x)
    x = moves.diffuse(x, ahead, normal, state.sigma, level)
    if known is not None:
        x = torch.where(known, z.add(normal, alpha=level), x)
    x, denoised = (padded(value[:, None], state.x.shape[1]) for value in (x, denoised))
    return evolve(state, x=x, denoised=denoised)


def end(
    problem: Problem[Any, Any], state: RestartState, denoised: Tensor, streams: Streams
) -> RestartState:
    """The state at zero noise, after the last call, at the level `state.sigma`."""
    z, known = _drawn(problem, state, denoised, streams)
    last = padded((denoised if known is None else z)[:, None], state.x.shape[1])
    return evolve(state, x=last, denoised=last, sigma=0.0)


def _drawn(
    problem: Problem[Any, Any], state: RestartState, denoised: Tensor, streams: Streams
) -> tuple[Tensor, Tensor | None]:
    """Denoised images in which known pixels are drawn again, and which are; None for none."""
    likelihood = problem.likelihood
    if diffusion.linear(problem) or lacks(likelihood, Pixelwise):
        return denoised, None
    if lacks(likelihood, SamplesGivenGaussian):
        return denoised, None
    last = float(state.levels[state.restarts - 1])
    sd = diffusion.near(problem, diffusion.centre(problem, None), diffusion.deviation(problem)).sd
    known = sd < last
    if known.shape != denoised.shape or not bool(known.any()):
        return denoised, None

    noise: Any = likelihood

    def draw(row: int, generator: Generator) -> Tensor:
        """The row, from its own stream; as it is if nothing of it is known so well."""
        y, v, which = (values[row : row + 1] for values in (problem.y, denoised, known))
        if not bool(which.any()):
            return v
        return torch.where(
            which, noise.sample_given(y, v, v.new_tensor([state.sigma]), generator), v
        )

    return streams.each(draw), known
