r"""Images from a prior, by its denoiser: what the prior believes before it has seen anything.

Noise of level sigma_max, so large that it hides everything, is turned into an image while sigma
falls.

* `method="diffusion"`, the reverse-time SDE, second order in the step (SDE-DPM-Solver++ 2M). From
  level a to b, with h = log(a / b), the denoised D and the previous one D_p, whose step was h_p:

      D' = D + h / (2 h_p) (D - D_p)
      x <- exp(-2 h) x + (1 - exp(-2 h)) D' + b sqrt(1 - exp(-2 h)) n

* `method="langevin"`, annealed Langevin dynamics, one step for each level:

      x <- x + c sigma² grad log p_sigma(x) + sqrt(2 c) sigma n,         c = 0.2

  It samples p_sigma exactly only in the limit of small c and many steps; with one step for each
  level x lags behind. It wants hundreds of calls where the SDE wants tens.

In both, the score is the denoiser's by Tweedie's formula, and the last call denoises what is left.
Exact: the SDE itself. Approximate: its steps, and a start that is noise alone.

References: Y. Song et al. (2021). Score-Based Generative Modeling through Stochastic Differential
Equations. ICLR. https://arxiv.org/abs/2011.13456; Y. Song, S. Ermon (2019). Generative Modeling by
Estimating Gradients of the Data Distribution. NeurIPS. https://arxiv.org/abs/1907.05600; C. Lu et
al. (2022). DPM-Solver++. https://arxiv.org/abs/2211.01095
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, get_args

import torch
from attrs import field, frozen
from torch import Tensor

from .. import schedules
from ..contracts import Denoises, Flat, Needs
from ..counts import check_count
from ..errors import InputError
from ..problem import Problem, domain_of
from ..streams import Streams
from . import diffusion
from .diffusion import DiffusionState

Method = Literal["diffusion", "langevin"]

EXPONENT = 7
LAST = 0.005
STEP_SIZE = 0.2


@frozen
class PriorSampling:
    """Samples of p(x), for any denoiser and the likelihood `Unobserved()`.

    Args:
        calls: denoiser calls.
        method: how to go from noise to images.
        sigma_max: the first noise level; by default ten times the prior's radius, or the most
            that the prior can denoise.
        sigma_min: the last one; by default 0.005, a quarter of the first if that is less, or the
            least that the prior can denoise.

    Raises:
        InputError: a value out of range; in use: the prior can't denoise at sigma_max or
            sigma_min.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 40, 40), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Unobserved(), torch.zeros(1, 1, 40, 40))
    >>> x = ip.solve(problem, ip.PriorSampling()).x
    >>> round(float(x.mean()), 1), round(float(x.std()), 1)
    (0.5, 0.2)

    Method, what is exact, references: help("invprob.solvers.prior_sampling").
    """

    calls: int = 50
    method: Method = field(default="diffusion", kw_only=True)
    sigma_max: float | None = field(default=None, kw_only=True)
    sigma_min: float | None = field(default=None, kw_only=True)

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Flat,))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        check_count("calls", self.calls, 2)
        if self.method not in get_args(Method):
            raise InputError(f"method={self.method!r}; give 'diffusion' or 'langevin'")
        diffusion.check_levels(self.sigma_min, self.sigma_max)

    def steps(self, problem: Problem[Denoises, Flat], /) -> int:
        """`calls`."""
        return self.calls

    def init(
        self, problem: Problem[Denoises, Flat], streams: Streams, x0: Tensor | None, /
    ) -> DiffusionState:
        """Noise around x0, the prior's mean or grey.

        Raises:
            InputError: the prior can't denoise at sigma_max or sigma_min.
        """
        first = self._levels(problem)[0]
        centre = diffusion.centre(problem, x0)
        x = centre + first * streams.normal(centre)
        return DiffusionState(x, x, first, 0)

    def step(
        self, problem: Problem[Denoises, Flat], state: DiffusionState, streams: Streams, /
    ) -> DiffusionState:
        """One denoiser call and a step to the next level."""
        levels, calls = self._levels(problem), state.calls + 1
        sigma = levels[state.calls]
        denoised = problem.prior.denoise(state.x, state.x.new_tensor(sigma))
        if calls == len(levels):
            return DiffusionState(denoised, denoised, 0.0, calls)
        if self.method == "langevin":
            mean = torch.lerp(state.x, denoised, STEP_SIZE)
            noise = math.sqrt(2 * STEP_SIZE) * sigma
        else:
            h, ahead = math.log(sigma / levels[calls]), denoised
            if state.calls:
                ratio = h / (2 * math.log(levels[state.calls - 1] / sigma))
                ahead = torch.lerp(state.denoised, denoised, 1 + ratio)
            mean = torch.lerp(ahead, state.x, math.exp(-2 * h))
            noise = levels[calls] * math.sqrt(-math.expm1(-2 * h))
        x = mean + noise * streams.normal(mean)
        return DiffusionState(x, denoised, levels[calls], calls)

    def estimate(self, state: DiffusionState, /) -> Tensor:
        """What the last call said; at the end, the sample."""
        return state.denoised

    def _levels(self, problem: Problem[Denoises, Flat]) -> tuple[float, ...]:
        low, high = domain_of(problem.prior).sigma
        first = min(10 * diffusion.radius(problem), high)
        for name, level in (("sigma_max", self.sigma_max), ("sigma_min", self.sigma_min)):
            if level is not None and not low <= level <= high:
                raise InputError(
                    f"{name}={level:.4g}, but {problem.prior!r} denoises from {low:.4g} to "
                    f"{high:.4g}; leave it out, or give a level between"
                )
        first = self.sigma_max or first
        last = self.sigma_min or max(min(LAST, first / 4), low)
        if not last < first:
            raise InputError(
                f"the noise levels would fall from {first:.4g} to {last:.4g}: give a sigma_max "
                f"above {last:.4g}"
            )
        return schedules.power(first, last, self.calls, EXPONENT)
