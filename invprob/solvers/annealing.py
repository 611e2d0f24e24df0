"""Noise levels for methods that descend: from coarse to fine, and for some to rest at the last.

A denoiser at noise level sigma sees the prior blurred by sigma, on which a descent meets few local
optima. So the levels fall geometrically from max(49/255, 1.5 sigma_0), for data of noise sigma_0
in units of the image (see `data_noise`). By `RED` and its kin they fall over all of a run: where
they rest at the last level, photographs come nearer to the fixed point of a network, and lose 0.1
dB behind blurs and 0.2 with half of the pixels in 24 or 40 calls, and decibels in 8. `ADMM` and
`ProximalGradient` rest for a third of a run; `ADMM` is the same either way, and with 8 calls
`ProximalGradient` loses a decibel where it does not rest.

Reference: K. Zhang et al. (2021). Plug-and-Play Image Restoration with Deep Denoiser Prior. IEEE
TPAMI. https://arxiv.org/abs/2008.13751 (the first level, and sigma_0 as the last).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from attrs import evolve, frozen
from torch import Tensor

from .. import schedules
from ..counts import check_count, real
from ..errors import InputError
from ..problem import Problem, domain_of
from ..streams import generator
from . import curvature
from .data_noise import warn_if_beyond
from .first_image import first_image
from .momentum import look_ahead
from .pnp import HIGHEST, LOWEST


@frozen(eq=False)
class DescentState:
    """A run of an accelerated descent between two steps.

    Attributes:
        x: the images, `(B, *image)`.
        z: where the next step is taken, `(B, *image)`.
        denoised: what the last denoiser call said, `(B, *image)`; x before the first.
        momentum: t of each row, `(B,)`; see `momentum`.
        bend: what `curvature` remembers, `(B, *image)`; `(B, 0)` for methods that do not ask.
        sigma: the planned noise level of the last denoiser call; of the next one at first.
        plan: the noise level of each step, `(iterations,)`.
        done: how many steps are done.
        positive: whether the likelihood knows no images darker than black.
    """

    x: Tensor
    z: Tensor
    denoised: Tensor
    momentum: Tensor
    bend: Tensor
    sigma: float
    plan: Tensor
    done: int
    positive: bool

    @classmethod
    def begin(
        cls,
        problem: Problem[Any, Any],
        plan: Tensor,
        x0: Tensor | None,
        *,
        curved: bool,
        positive: bool = False,
    ) -> DescentState:
        """x0, or what the measurement alone suggests, at rest; `curved` to know the curvature."""
        x = first_image(problem, x0)
        bend = x.new_empty(len(x), 0)
        if curved:
            bend = curvature.begin(problem, x, positive=positive)
        return cls(x, x, x, x.new_ones(len(x)), bend, float(plan[0]), plan, 0, positive)

    @property
    def planned(self) -> float:
        """The noise level of the next step."""
        return float(self.plan[self.done])

    @property
    def ahead(self) -> Tensor:
        """z, and where nothing is known below black at least half of x: no look goes beyond."""
        return torch.maximum(self.z, self.x / 2) if self.positive else self.z

    def after(
        self,
        x: Tensor,
        denoised: Tensor,
        /,
        *,
        accelerated: bool,
        bend: Tensor | None = None,
    ) -> DescentState:
        """The state after a step from z that led to x, and the denoiser's answer in it."""
        z, momentum = x, self.momentum
        if accelerated:
            z, momentum = look_ahead(self.x, self.z, x, momentum)
        return evolve(
            self,
            x=x,
            z=z,
            denoised=denoised,
            momentum=momentum,
            bend=self.bend if bend is None else bend,
            sigma=self.planned,
            done=self.done + 1,
        )


def needs_light(problem: Problem[Any, Any], /) -> bool:
    """Whether the likelihood can't say what it would measure of an image darker than black.

    An error of any other image as well is raised: darkness is not why.
    """
    dark = problem.zeros()[:1] - 1
    try:
        problem.likelihood.sample(dark, generator(0))
    except (ValueError, RuntimeError):  # ours say InputError; torch.poisson, for one, does not
        problem.likelihood.sample(dark + 1.5, generator(0))
        return True
    return False


def check(iterations: int, sigma: float | None) -> None:
    """Raise `InputError` unless these are a number of steps and a noise level, or None."""
    check_count("iterations", iterations)
    if sigma is not None and not 0 < real(sigma, "sigma", "a noise level") < math.inf:
        raise InputError(
            f"sigma={sigma}; it is a noise level in units of the image, > 0, for example 0.02"
        )


def plan(
    problem: Problem[Any, Any],
    iterations: int,
    sigma: float | None,
    noise: float,
    last: float,
    *,
    rests: bool = False,
) -> Tensor:
    """The noise level of each step, `(iterations,)`, float64 on the CPU.

    Args:
        problem: whose prior is asked what it denoises.
        iterations: how many steps.
        sigma: the last level; by default `last`.
        noise: sigma_0, the noise of the data, in units of the image.
        last: the same, > 0, if it is below the first level and the prior can denoise there.
        rests: whether sigma falls over the first two thirds and stays, or over all steps.

    Raises:
        InputError: the prior can't denoise at `sigma`.
    """
    low, high = domain_of(problem.prior).sigma
    if sigma is not None and not low <= sigma <= high:
        raise InputError(f"sigma={sigma:g}, but {problem.prior!r} denoises {low:g} to {high:g}")
    if sigma is None:
        warn_if_beyond(problem, noise)
    first = min(max(HIGHEST, 1.5 * noise), high)
    last = sigma or max(min(max(last, LOWEST), first), low)
    falling = 1 + 2 * (iterations - 1) // 3 if rests else iterations
    if falling == 1 or not last < first:
        return torch.full((iterations,), last, dtype=torch.float64)
    levels = schedules.geometric(first, last, falling) + (last,) * (iterations - falling)
    return torch.tensor(levels, dtype=torch.float64)
