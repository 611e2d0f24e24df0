"""Posterior samples by annealed Langevin dynamics.

The image is held at a noise level sigma that falls along a geometric ladder. At each level a few
Langevin steps are taken in the likelihood's singular basis, coordinate by coordinate,

    x_j <- x_j + c tau_j² g_j + sqrt(2 c) tau_j n_j,        g = grad log p(x_sigma | y)
    tau_j² = sigma²                                         not measured
             sigma² (1 - sigma² / sd_j²)                    sigma < sd_j
             sigma² - sd_j²                                 sigma > sd_j

where 1 / tau_j² bounds the curvature of the target, so that every ladder is stable for c < 2. This
is the step of SNIPS, as its code has it. The paper on denoising and inpainting takes c sigma² in
all coordinates, which is there with `plain_step=True`. That overshoots where a level comes close
to a noise level of the data, c sigma² > 2 tau_j². So, as there, the noise level of the data is a
level of the ladder and is skipped: a whole level away, c < 2 (1 - ratio²) is stable, as the
published steps are. Where the data have many noise levels, as of a blur, it is mostly refused.

The score g joins the prior's, from the denoiser, with the likelihood's (see
`likelihoods.spectral`). The last call denoises what is left, which neither original does.

A Langevin step widens the samples by its length. Leimkuhler and Matthews cancel that for Gaussian
densities: n is the mean of two successive normal draws, so each draw enters two steps. It permits
c = 1, a tenfold step, and is the default; with `reuse_noise=False` the same result takes
`step_size=0.1, levels=200, repeats=5`. `AnnealedLangevin.published(name)` has the ladders and the
numbers of steps of the paper on denoising, for networks of CelebA, LSUN bedrooms and FFHQ:

              sigma_max   levels   repeats   eps       c = eps / sigma_min²
    celeba    90          500      5         3.3e-6    0.033
    lsun      190         1086     3         1.8e-6    0.018
    ffhq      348         2311     3         1.8e-6    0.018        (5 repeats for inpainting)

from sigma_max down to 0.01; a run enters the ladder at the noise level of its data.

With H = I the ladder starts at the noise level of y, at y itself: stochastic denoising. With a
mask it is stochastic inpainting, with any other operator SNIPS. The score is exact while
sigma < sd_j wherever something was measured; above, the prior's score is taken at the noisy image
where it should know the measurement. On top comes the lag of finitely many steps, which `Restart`
avoids. A learned denoiser adds its own errors in every step: with one of digits, denoising at
sigma 0.2 had a squared error of 2.0 times the posterior mean's with `step_size=0.1` (exact: 2) and
of 5.2 times with 1, while missing rows wanted the long steps. Of photographs see
docs/photographs.md: the chain has the noise that the network is told, and what grows is detail.

References: B. Kawar, G. Vaksman, M. Elad (2021). Stochastic Image Denoising by Sampling from the
Posterior Distribution. ICCV Workshops. https://arxiv.org/abs/2101.09552; the same (2021). SNIPS:
Solving Noisy Inverse Problems Stochastically. NeurIPS. https://arxiv.org/abs/2105.14951;
B. Leimkuhler, C. Matthews (2013). Rational Construction of Stochastic Numerical Methods for
Molecular Sampling. AMRX. https://doi.org/10.1093/amrx/abs010.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

import torch
from attrs import evolve, field, frozen
from torch import Tensor

from .. import schedules
from ..contracts import Denoises, Needs, Spectral
from ..counts import check_count, real
from ..errors import InputError
from ..likelihoods.spectral import coordinate_score
from ..problem import Problem
from ..streams import Streams
from . import diffusion, finest
from .langevin_steps import check_plain_step, plain_levels

Published = Literal["celeba", "lsun", "ffhq", "ffhq-inpainting"]
PUBLISHED: dict[Published, tuple[float, int, int, float]] = {
    "celeba": (90.0, 500, 5, 3.3e-6),
    "lsun": (190.0, 1086, 3, 1.8e-6),
    "ffhq": (348.0, 2311, 3, 1.8e-6),
    "ffhq-inpainting": (348.0, 2311, 5, 1.8e-6),
}
"""The highest level, the number of levels down to 0.01, steps per level, and eps."""


LAST = 0.01
"""The last noise level, unless some of the data are less noisy than four times that."""


@frozen(eq=False)
class AnnealedLangevinState:
    """A run of `AnnealedLangevin` between two steps.

    Attributes:
        x: the noisy images in the singular basis, `(B, *spectral)`.
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

    It takes `levels * repeats + 1` denoiser calls. With a network of photographs `Restart` has
    better samples for fewer calls: errors of the network add up in long chains.

    Args:
        levels: noise levels of the ladder, from where the run starts to sigma_min.
        repeats: steps per level.
        step_size: c, in (0, 2). A larger one mixes faster, with a larger bias.
        sigma_min: the last noise level; a third of the least standard deviation of the images
            along any direction, or less. By default 0.01, or a quarter of the first level or of
            the data's least noise if that is less: a run that ends at a share r of the data's
            noise has samples whose standard deviation is sqrt(1 - r²) of what it should be.
        sigma_max: the first noise level, for coordinates that were not measured; by default ten
            times the prior's radius, or the most that the prior can denoise.
        reuse_noise: whether a step takes the mean of its own normal draw and the last one.
        ratio: of neighbouring levels, in (0, 1), instead of their number.
        plain_step: whether all take the step c sigma² of the paper on denoising, not SNIPS', and
            no step at the data's noise level, on which a level is put: of the others there may
            be one or two fewer.

    Raises:
        InputError: a value out of range; in use: the measurement is noisier than the prior can
            denoise or than sigma_max, or less noisy than the last level; sigma_min is less than
            the prior can denoise; or the plain step would overshoot.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.2), torch.full((1, 1, 4, 4), 0.9))
    >>> result = ip.solve(problem, ip.AnnealedLangevin(), samples=200, seed=0)
    >>> round(float(result.samples.mean()), 1), round(float(result.samples.std()), 2)
    (0.7, 0.14)

    Method, what is exact, references: help("invprob.solvers.annealed_langevin").
    """

    levels: int = 100
    repeats: int = field(default=3, kw_only=True)
    step_size: float = field(default=1.0, kw_only=True)
    sigma_min: float | None = field(default=None, kw_only=True)
    sigma_max: float | None = field(default=None, kw_only=True)
    reuse_noise: bool = field(default=True, kw_only=True)
    ratio: float | None = field(default=None, kw_only=True)
    plain_step: bool = field(default=False, kw_only=True)

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Spectral,))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        for name, value in (("levels", self.levels), ("repeats", self.repeats)):
            check_count(name, value)
        if not 0 < real(self.step_size, "step_size", "one in (0, 2)") < 2:
            raise InputError(
                f"step_size={self.step_size}; it must lie in (0, 2), beyond which the steps "
                "overshoot without end"
            )
        diffusion.check_levels(self.sigma_min, self.sigma_max)
        if self.ratio is not None and not 0 < real(self.ratio, "ratio", "one in (0, 1)") < 1:
            raise InputError(
                f"ratio={self.ratio}; levels fall by a factor in (0, 1), for example 0.98"
            )

    @classmethod
    def published(cls, name: Published, /) -> AnnealedLangevin:
        """The published ladder and steps for a network.

        It starts at that network's highest level where something was not measured; for a prior
        that denoises less, `attrs.evolve(sampler, sigma_max=None)`. The step is SNIPS', c tau²;
        the paper on denoising and inpainting has c sigma²: `attrs.evolve(sampler,
        plain_step=True)`, whose ladder has a level at the noise of the data, and skips it.

        Args:
            name: the data that the network knows: "celeba", "lsun", "ffhq" or, with the more
                steps that inpainting took, "ffhq-inpainting".

        Raises:
            InputError: there is no such ladder.

        >>> import torch, invprob as ip
        >>> sampler = ip.AnnealedLangevin.published("celeba")
        >>> round(sampler.ratio, 3), sampler.repeats, round(sampler.step_size, 3)
        (0.982, 5, 0.033)
        """
        if name not in PUBLISHED:
            raise InputError(
                f"no ladder was published for {name!r}; there is "
                f"{', '.join(map(repr, get_args(Published)))}"
            )
        (highest, levels, repeats, eps), lowest = PUBLISHED[name], LAST
        return cls(
            repeats=repeats,
            step_size=eps / lowest**2,
            sigma_min=lowest,
            sigma_max=highest,
            reuse_noise=False,
            ratio=(lowest / highest) ** (1 / (levels - 1)),
        )

    def steps(self, problem: Problem[Denoises, Spectral], /) -> int:
        """`levels * repeats + 1`, or what `ratio` makes of them."""
        return len(self._plan(problem))

    def init(
        self, problem: Problem[Denoises, Spectral], streams: Streams, x0: Tensor | None, /
    ) -> AnnealedLangevinState:
        """The measurement, brought to the first noise level; noise around x0 where it is noisier.

        Raises:
            InputError: the measurement is noisier than the prior can denoise or than sigma_max,
                or less noisy than the last level; sigma_max is too low to start from grey, or
                sigma_min less than the prior can denoise.
        """
        if x0 is None:
            diffusion.check_reach(problem, self.sigma_max)
        first, _ = self._ends(problem)
        plan = torch.tensor(self._plan(problem), dtype=torch.float64)
        spectrum = diffusion.spectrum(problem)
        if self.plain_step:
            check_plain_step(spectrum.sd, plan, self.step_size)
        prior = spectrum.vt(diffusion.centre(problem, x0))
        w, seen = spectrum.observe(problem.y), spectrum.sd <= first
        centre = torch.where(seen, w, prior)
        missing = torch.where(seen, first**2 - spectrum.sd.square(), first**2)
        old, new = streams.normal(prior), streams.normal(prior)
        share = self.step_size / 2  # of the last draw in an image's noise, in the long run
        noise = math.sqrt(1 - share) * old + math.sqrt(share) * new
        x = centre + missing.clamp(min=0).sqrt() * noise
        return AnnealedLangevinState(x, new, spectrum.v(x), first, plan, 0)

    def step(
        self,
        problem: Problem[Denoises, Spectral],
        state: AnnealedLangevinState,
        streams: Streams,
        /,
    ) -> AnnealedLangevinState:
        """One denoiser call and one Langevin step; the last call's answer is the sample."""
        sigma, done = float(state.plan[state.done]), state.done + 1
        level = state.plan[state.done].to(state.x)
        if done == len(state.plan):
            noisy = diffusion.spectrum(problem).v(state.x)
            least = float(diffusion.spectrum(problem).sd.min())
            ended = finest.last_call(problem, noisy, level, least, streams)
            return evolve(state, denoised=ended, sigma=0.0, done=done)
        denoised = problem.prior.denoise(diffusion.spectrum(problem).v(state.x), level)
        spectrum = diffusion.spectrum(problem)
        prior, w = (spectrum.vt(denoised) - state.x) / sigma**2, spectrum.observe(problem.y)
        score = coordinate_score(spectrum.sd, w, state.x, prior, level)
        tau = level.expand_as(spectrum.sd) if self.plain_step else _width(spectrum.sd, sigma)
        fresh = streams.normal(state.noise)
        noise = (fresh + state.noise) / 2 if self.reuse_noise else fresh
        x = state.x.addcmul(score, tau.square(), value=self.step_size)
        x.addcmul_(noise, tau, value=math.sqrt(2 * self.step_size))
        return evolve(state, x=x, noise=fresh, denoised=denoised, sigma=sigma, done=done)

    def estimate(self, state: AnnealedLangevinState, /) -> Tensor:
        """What the last call said: the denoised image; at the end, the sample."""
        return state.denoised

    def _plan(self, problem: Problem[Denoises, Spectral]) -> list[float]:
        """The level of each step; where it starts is skipped, and the last one denoises."""
        first, last = self._ends(problem)
        ladder = self._ladder(diffusion.spectrum(problem).sd, first, last)
        return [level for level in ladder for _ in range(self.repeats)] + [last]

    def _ladder(self, sd: Tensor, first: float, last: float) -> Sequence[float]:
        if self.plain_step:
            ratio = self.ratio or (last / first) ** (1 / self.levels)
            return plain_levels(sd, first, last, ratio, self.step_size)
        count = self.levels
        if self.ratio is not None:
            count = max(1, round(math.log(last / first) / math.log(self.ratio)))
        return schedules.geometric(first, last, count + 1)[1:]

    def _ends(self, problem: Problem[Denoises, Spectral]) -> tuple[float, float]:
        noise = diffusion.noise_range(problem)
        first = diffusion.first_level(problem, noise, self.sigma_max)
        usual = min(LAST, noise.least / 4)
        last = diffusion.last_level(problem, noise, first, self.sigma_min, usual)
        if last * diffusion.APART > noise.least:
            raise InputError(
                f"sigma_min={last:.4g}, but the data's least noise is {noise.least:.4g}: what was "
                f"measured better than the last level would be as noisy as that. Leave sigma_min "
                f"out, or give {noise.least / 4:.2g}"
            )
        return first, last


def _width(sd: Tensor, sigma: float) -> Tensor:
    """tau: the target at noise sigma is no narrower than this, along each coordinate."""
    after = sigma * ((1 - sigma / sd) * (1 + sigma / sd)).clamp(min=0).sqrt()
    before = ((sigma - sd) * (sigma + sd)).clamp(min=0).sqrt()
    return torch.where(sd >= sigma, after, before)
