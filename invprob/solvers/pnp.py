"""Plug-and-play: one estimate, from a denoiser and a proximal map in turns.

Half-quadratic splitting of min_x -log p(y | x) - log p(x), with an image z that is free of noise
and an image x that agrees with the data:

    x <- argmin_x -log p(y | x) + weight / (2 sigma²) ‖x - z‖²          the likelihood's prox
    z <- denoise(x, sigma)                                              the prior's half

What the data leave open changes by the denoiser alone, a little at each call. So the next step
starts beyond z, by a share of the last move (see `momentum`; Zhang et al. do not). With 8 calls
photographs gain 0.4 to 0.6 dB where pixels are missing and there is little noise, and 0.1 dB in
four-fold super-resolution and behind strong blurs. Behind slight ones as much may be lost.

The noise of the data gets into x. Zhang et al. take one weight, 0.23, for all levels. With that,
where nothing is missing x has as much noise, at the last level, as the denoiser is told; where
pixels are missing it has less, and details are taken away. So where noise stays white, as behind
masks without large holes, each level has the weight, of at most 0.23, with which a denoiser that
sees the mean over a neighbourhood is told the truth. With 8 calls photographs of which single
pixels are missing gain up to 0.3 dB, the more pixels and noise the more. Behind blurs the noise
has a colour, and the weight is 0.3, with which less of it gets in: gray photographs gain 0.3 to
0.9 dB by that with the embedded network. A denoiser that takes details away wants less, FFDNet
0.16, by which it gains as much (see `balance`).

Under skewed noise the prox changes z on average, mostly towards black, which the denoiser can't
know. With `unbiased` that is simulated and taken away (see `excess`): photographs under counts and
speckle gain up to 4 dB, and are as bright as they should be. Under Gaussian noise it is 0.

The noise level sigma falls geometrically from max(49/255, 1.5 sigma_0) to 0.7 sigma_0 for data of
noise sigma_0, in units of the image (see `data_noise`; where only smooth coordinates are seen,
as in means of blocks, it is that of a pixel): first large structures, then
details. It ends below sigma_0 (Zhang et al. end at it) because x, which is half data and half z,
is less noisy than the data: with weight = 0.23 and no operator that is the level at which the
denoiser is told the truth. On white noise the result is then as good as the denoiser's own, and
inpainting gains. The denoiser stands in for the proximal map of -log p, which it is not exactly:
the result is an estimate near the posterior's mode and mean, with no claim about uncertainty.

Reference: K. Zhang, Y. Li, W. Zuo, L. Zhang, L. Van Gool, R. Timofte (2021). Plug-and-Play Image
Restoration with Deep Denoiser Prior. IEEE TPAMI. https://arxiv.org/abs/2008.13751
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from attrs import evolve, field, frozen
from attrs.converters import optional
from torch import Tensor

from .. import schedules
from ..contracts import Denoises, Needs, Proximal
from ..counts import check_count, real
from ..errors import InputError
from ..problem import Problem, domain_of
from ..streams import Streams
from .agreement import agree
from .balance import HEAVY, coordinates, is_white, weight_of
from .data_noise import noise_of, noise_of_pixels, warn_if_beyond
from .excess import without_excess
from .fill import fill
from .momentum import look_ahead

HIGHEST = 49 / 255
LOWEST = 0.255 / 255
END = 0.7


def check_weight(weight: float) -> None:
    """Raise `InputError` unless this can weigh a prior."""
    if not 0 < real(weight, "weight", f"one > 0, for example {HEAVY}") < math.inf:
        raise InputError(f"weight={weight}; it must be > 0, for example {HEAVY}")


def _noise_level(value: float) -> float:
    """The same; `InputError` unless it is positive."""
    level = real(value, "noise_level", "one in units of the image: 25 / 255")
    if not 0 < level < math.inf:
        raise InputError(
            f"noise_level={level}; it must be positive, in units of the image: 25 grey levels "
            "are 25 / 255"
        )
    return level


@frozen(eq=False)
class PnPState:
    """A run of `PnP` between two steps.

    Attributes:
        x: the denoised images, `(B, *image)`.
        z: beyond them, where the next step begins, `(B, *image)`.
        momentum: t of each row, `(B,)`; see `momentum`.
        sigma: the noise level of the last call; of the next one before the first.
        plan: the noise level of each step, `(iterations,)`, float64, on the CPU.
        weights: how much the denoised image counts in each, likewise.
        done: how many steps are done.
    """

    x: Tensor
    z: Tensor
    momentum: Tensor
    sigma: float
    plan: Tensor
    weights: Tensor
    done: int


@frozen
class PnP:
    """One estimate for any likelihood with a proximal map and any denoiser.

    DPIR, the published method, is `PnP(weight=0.23, accelerated=False, noise_level=sigma_0 / 0.7)`
    for `Gaussian(sigma_0, H)` up to sigma_0 = 0.089, started at x0 = y (blurs) or at y enlarged.

    Args:
        iterations: denoiser calls.
        noise_level: sigma_0, the noise of the data in units of the image, which for an operator
            that changes them is not the sigma of y: by default that (where it differs between
            entries, the median of those measured), over the largest singular value, or for noise
            that is not Gaussian what it does to grey.
        weight: how much the denoised image counts against the data; smaller keeps more details
            and more noise. By default 0.3, and where the data's noise stays white, as where single
            pixels are missing, each level has its own, at most 0.23, by how noisy they make it.
        accelerated: go on by a share of the last move (Nesterov's momentum).
        unbiased: take away what skewed noise adds on average, which is simulated.

    Raises:
        InputError: a value out of range.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> round(float(ip.solve(problem, ip.PnP()).x.mean()), 1)
    0.7

    Method, what is exact, references: help("invprob.solvers.pnp").
    """

    iterations: int = 8
    noise_level: float | None = field(default=None, converter=optional(_noise_level))
    weight: float | None = None
    accelerated: bool = True
    unbiased: bool = True

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Proximal,))
    stochastic: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        check_count("iterations", self.iterations)
        if self.weight is not None:
            check_weight(self.weight)

    def steps(self, problem: Problem[Denoises, Proximal], /) -> int:
        """`iterations`."""
        return self.iterations

    def init(
        self, problem: Problem[Denoises, Proximal], streams: Streams, x0: Tensor | None, /
    ) -> PnPState:
        """x0, or the data with what they leave open filled in smoothly."""
        noise = noise_of(problem) if self.noise_level is None else self.noise_level
        level = noise_of_pixels(problem, noise) if self.noise_level is None else noise
        plan = self._plan(problem, level)
        weights = self._weights(problem, noise, plan)
        x = fill(problem, plan[0] ** 2 / weights[0]) if x0 is None else x0
        levels, counts = (torch.tensor(part, dtype=torch.float64) for part in (plan, weights))
        return PnPState(x, x, x.new_ones(len(x)), plan[0], levels, counts, 0)

    def step(
        self, problem: Problem[Denoises, Proximal], state: PnPState, streams: Streams, /
    ) -> PnPState:
        """The likelihood's prox, the denoiser, and the look ahead."""
        sigma = state.plan[state.done].to(state.x)
        step = sigma.square() / float(state.weights[state.done])
        agreeing = agree(problem, state.z, step)
        if self.unbiased:
            agreeing = without_excess(problem, agreeing, state.z, step)
        z = x = problem.prior.denoise(agreeing, sigma)
        momentum = state.momentum
        if self.accelerated:
            z, momentum = look_ahead(state.x, state.z, x, momentum)
        done = state.done + 1
        return evolve(state, x=x, z=z, momentum=momentum, sigma=float(sigma), done=done)

    def estimate(self, state: PnPState, /) -> Tensor:
        """The denoised image."""
        return state.x

    def _plan(self, problem: Problem[Denoises, Proximal], noise: float) -> tuple[float, ...]:
        low, high = domain_of(problem.prior).sigma
        if self.noise_level is not None and self.noise_level > high:
            raise InputError(
                f"noise_level={self.noise_level:g}, but {problem.prior!r} denoises {low:g} "
                f"to {high:g}"
            )
        if self.noise_level is None:
            warn_if_beyond(problem, noise)
        if self.iterations == 1:
            return (min(max(noise, LOWEST, low), high),)
        last = min(max(END * noise, LOWEST, low), high)
        first = min(max(HIGHEST, 1.5 * noise), high)
        if not last < first:
            return (last,) * self.iterations
        return schedules.geometric(first, last, self.iterations)

    def _weights(
        self, problem: Problem[Denoises, Proximal], noise: float, plan: tuple[float, ...]
    ) -> tuple[float, ...]:
        """How much the denoised image counts at each level of the plan."""
        if self.weight is not None:
            return (self.weight,) * len(plan)
        singular = coordinates(problem, noise)
        if singular is None or not is_white(*singular, plan[-1]):
            return (HEAVY,) * len(plan)
        return tuple(weight_of(singular[0], sigma) for sigma in plan)
