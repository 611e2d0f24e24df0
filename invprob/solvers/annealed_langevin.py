"""Posterior samples by annealed Langevin dynamics.

The image is held at a noise level sigma that falls along a geometric ladder. At each level a few
Langevin steps are taken in the likelihood's singular basis, coordinate by coordinate,

    x_j <- x_j + c tau_j² g_j + sqrt(2 c) tau_j n_j,        g = grad log p(x_sigma | y)
    tau_j² = sigma²                                         not measured
             sigma² (1 - sigma² / sd_j²)                    sigma < sd_j
             sigma² - sd_j²                                 sigma > sd_j

where 1 / tau_j² bounds the curvature of the target, so that every ladder is stable for c < 2. (The
step c sigma² of the original overshoots where a level comes close to a noise level of the data.)
The score g joins the prior's, from the denoiser, with the likelihood's: see its `annealed_score`.
The last call denoises what is left.

A Langevin step widens the samples by its length. Leimkuhler and Matthews cancel that for Gaussian
densities: n is the mean of two successive normal draws, so each draw enters two steps. It permits
c = 1, a tenfold step, and is the default; `reuse_noise=False` is the published algorithm, which
wants `step_size=0.1, levels=200, repeats=5` for the same result.

With H = I the ladder starts at the noise level of y, at y itself: stochastic denoising. With a
mask it is stochastic inpainting, with any other operator SNIPS. The score is exact while
sigma < sd_j wherever something was measured; above, the prior's score is taken at the noisy image
where it should know the measurement. On top comes the lag of finitely many steps, which `Restart`
avoids.

References: B. Kawar, G. Vaksman, M. Elad (2021). Stochastic Image Denoising by Sampling from the
Posterior Distribution. ICCV Workshops. https://arxiv.org/abs/2101.09552; the same (2021). SNIPS:
Solving Noisy Inverse Problems Stochastically. NeurIPS. https://arxiv.org/abs/2105.14951;
B. Leimkuhler, C. Matthews (2013). Rational Construction of Stochastic Numerical Methods for
Molecular Sampling. AMRX. https://doi.org/10.1093/amrx/abs010.
"""

from __future__ import annotations

import math
from typing import ClassVar, Protocol

import torch
from attrs import evolve, frozen
from torch import Tensor

from .. import schedules
from ..contracts import Annealed, Denoises, Needs, Spectral
from ..errors import InputError
from ..problem import Problem
from ..streams import Streams
from . import start


class AnnealedSpectral(Annealed, Spectral, Protocol):
    """A likelihood that knows the annealed score, and the basis to take it in."""


@frozen(eq=False)
class AnnealedLangevinState:
    """A run of `AnnealedLangevin` between two steps.

    Attributes:
        x: the noisy images, `(B, *image)`.
        noise: the last normal draw, `(B, *spectral)`.
        denoised: what the last call said about them, `(B, *image)`.
        sigma: their noise level.
        plan: the level of each step, `(steps,)`, float64, on the CPU.
        done: how many steps are done.
    """

    x: Tensor
    noise: Tensor
    denoised: Tensor
    sigma: float
    plan: Tensor
    done: int


@frozen
class AnnealedLangevin:
    """Samples of p(x | y) for a linear-Gaussian measurement and any denoiser, by Langevin steps.

    It takes `levels * repeats + 1` denoiser calls.

    Args:
        levels: noise levels of the ladder.
        repeats: steps per level.
        step_size: c, in (0, 2). A larger one mixes faster, with a larger bias.
        sigma_min: the last noise level; a third of the least standard deviation of the images
            along any direction, or less.
        sigma_max: the first noise level, for coordinates that were not measured; by default ten
            times the prior's radius, or the most that the prior can denoise.
        reuse_noise: whether a step takes the mean of its own normal draw and the last one.

    Raises:
        InputError: a value out of range; in use: the measurement is noisier than the prior can
            denoise.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> result = ip.solve(problem, ip.AnnealedLangevin(), samples=200, seed=0)
    >>> round(float(result.samples.mean()), 1), round(float(result.samples.std()), 2)
    (0.7, 0.14)
    """

    levels: int = 100
    repeats: int = 3
    step_size: float = 1.0
    sigma_min: float = 0.01
    sigma_max: float | None = None
    reuse_noise: bool = True

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Annealed, Spectral))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        for name, value in (("levels", self.levels), ("repeats", self.repeats)):
            if value < 1:
                raise InputError(f"{name}={value}; at least one is needed")
        if not 0 < self.step_size < 2:
            raise InputError(
                f"step_size={self.step_size}; it must lie in (0, 2), beyond which the steps "
                "overshoot without end"
            )
        if not 0 < self.sigma_min < math.inf:
            raise InputError(f"sigma_min={self.sigma_min}; it must be > 0, for example 0.01")
        start.check_highest(self.sigma_max)

    def steps(self, problem: Problem[Denoises, AnnealedSpectral], /) -> int:
        """`levels * repeats + 1`; 1 where the measurement is less noisy than sigma_min."""
        return len(self._plan(problem))

    def init(
        self, problem: Problem[Denoises, AnnealedSpectral], streams: Streams, x0: Tensor | None, /
    ) -> AnnealedLangevinState:
        """The measurement, brought to the first noise level; noise around x0 where it is noisier.

        Raises:
            InputError: the measurement is noisier than the prior can denoise.
        """
        first, _ = self._ends(problem)
        plan = torch.tensor(self._plan(problem), dtype=torch.float64)
        spectrum = start.spectrum(problem)
        prior = spectrum.vt(start.centre(problem, x0))
        measured = spectrum.sd <= first
        centre = torch.where(measured, spectrum.observe(problem.y), prior)
        missing = torch.where(measured, first**2 - spectrum.sd.square(), first**2)
        old, new = streams.normal(prior), streams.normal(prior)
        share = self.step_size / 2  # of the last draw in an image's noise, in the long run
        noise = math.sqrt(1 - share) * old + math.sqrt(share) * new
        x = spectrum.v(centre + missing.clamp(min=0).sqrt() * noise)
        return AnnealedLangevinState(x, new, x, first, plan, 0)

    def step(
        self,
        problem: Problem[Denoises, AnnealedSpectral],
        state: AnnealedLangevinState,
        streams: Streams,
        /,
    ) -> AnnealedLangevinState:
        """One denoiser call and one Langevin step; the last call's answer is the sample."""
        sigma, done = float(state.plan[state.done]), state.done + 1
        level = state.plan[state.done].to(state.x)
        denoised = problem.prior.denoise(state.x, level)
        if done == len(state.plan):
            return evolve(state, x=denoised, denoised=denoised, sigma=0.0, done=done)
        prior_score = (denoised - state.x) / sigma**2
        score = problem.likelihood.annealed_score(problem.y, state.x, prior_score, level)
        spectrum = start.spectrum(problem)
        tau = _width(spectrum.sd, sigma)
        fresh = streams.normal(state.noise)
        noise = (fresh + state.noise) / 2 if self.reuse_noise else fresh
        drift = spectrum.vt(score) * (self.step_size * tau.square())
        x = state.x + spectrum.v(drift + noise * (math.sqrt(2 * self.step_size) * tau))
        return evolve(state, x=x, noise=fresh, denoised=denoised, sigma=sigma, done=done)

    def estimate(self, state: AnnealedLangevinState, /) -> Tensor:
        """What the last call said: the denoised image; at the end, the sample."""
        return state.denoised

    def _plan(self, problem: Problem[Denoises, AnnealedSpectral]) -> list[float]:
        """The level of each step; where it starts is skipped, and the last one denoises."""
        first, last = self._ends(problem)
        if not first > last:
            return [first]
        ladder = schedules.geometric(first, last, self.levels + 1)[1:]
        return [level for level in ladder for _ in range(self.repeats)] + [last]

    def _ends(self, problem: Problem[Denoises, AnnealedSpectral]) -> tuple[float, float]:
        noise = start.noise_range(problem)
        first = start.first_level(problem, noise, self.sigma_max)
        return first, max(self.sigma_min, noise.low)


def _width(sd: Tensor, sigma: float) -> Tensor:
    """tau: the target at noise sigma is no narrower than this, along each coordinate."""
    after = sigma * ((1 - sigma / sd) * (1 + sigma / sd)).clamp(min=0).sqrt()
    before = ((sigma - sd) * (sigma + sd)).clamp(min=0).sqrt()
    return torch.where(sd >= sigma, after, before)
