r"""Denoising diffusion restoration models (DDRM): few calls for any linear measurement.

In the likelihood's singular basis the measurement is w = Vᵀx + sd n, one number for each
coordinate. A noisy image x(sigma) is brought from each level of a ladder to the next one, sigma',
by a call of the denoiser, v0 = Vᵀ D(x(sigma), sigma), and a draw for each coordinate on its own:

    not measured     v0 + sqrt(1 - eta²) sigma' (v - v0) / sigma  + eta sigma' n
    sd > sigma'      v0 + sqrt(1 - eta²) sigma' (w - v0) / sd     + eta sigma' n
    sd <= sigma'     (1 - eta_b) v0 + eta_b w + sqrt(sigma'² - eta_b² sd²) n

with v = Vᵀ x(sigma): what remains of the noise is in part the old noise, or the measurement's, and
in part new. In every case the noise of the result has the variance sigma'² if v0 were the image
itself. It isn't: v0 is a posterior mean, whose own uncertainty goes missing at every step. **So
the samples vary less than the posterior**, even for denoising, and more steps make that worse.
DDRM is for good images in 20 calls; for uncertainty take `Restart`.

The ladder starts where the measurement is at its noisiest, which with eta_b = 1 changes nothing:
above that, every draw forgets the one before. Where something was not measured it starts far above
the prior's size. The last call's result is the sample, but for coordinates measured with less
noise than the last level: those are w.

Differences from the authors' code: levels that are linear in sigma^(1/7) (Karras et al. 2022),
where theirs are those of a DDPM, at evenly spaced times out of a thousand; no threshold below
which singular values count as zero; a coordinate with sd = sigma' belongs to the last case; data
with (nearly) no noise are kept to the end.

References: B. Kawar, M. Elad, S. Ermon, J. Song (2022). Denoising Diffusion Restoration Models.
NeurIPS. https://arxiv.org/abs/2201.11793; T. Karras, M. Aittala, T. Aila, S. Laine (2022).
Elucidating the Design Space of Diffusion-Based Generative Models. NeurIPS.
https://arxiv.org/abs/2206.00364
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from attrs import field, frozen
from torch import Tensor

from .. import schedules
from ..contracts import Denoises, Needs, Spectral, Spectrum
from ..counts import check_count, real
from ..errors import InputError
from ..problem import Problem
from ..streams import Streams
from . import diffusion
from .diffusion import DiffusionState

EXPONENT = 7
LAST = 0.005


@frozen
class DDRM:
    """Images for a linear-Gaussian measurement and any denoiser, in few calls.

    Its samples vary less than the posterior, however many calls there are: they are good images,
    and for uncertainty there is `Restart`.

    Args:
        calls: denoiser calls.
        eta: how much of the noise is new in coordinates that are yet to be reached, in [0, 1].
        eta_b: how far coordinates that were measured well follow the measurement, in [0, 1].
        sigma_max: the noise level to start at, for coordinates that were not measured; by default
            ten times the prior's radius, or the most that the prior can denoise.
        sigma_min: the last noise level; by default 0.005, or a quarter of the first.

    Raises:
        InputError: a value out of range; in use: the measurement is noisier than the prior can
            denoise or than sigma_max, or sigma_min is less than the prior can denoise.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> noise = ip.Gaussian(sigma=0.01, operator=ip.Mask(torch.eye(4)))
    >>> problem = ip.Problem(prior, noise, 0.9 * torch.eye(4)[None, None])
    >>> ip.solve(problem, ip.DDRM(), samples=50).mean[0, 0].diagonal().round(decimals=1)
    tensor([0.9000, 0.9000, 0.9000, 0.9000])

    Method, what is exact, references: help("invprob.solvers.ddrm").
    """

    calls: int = 20
    eta: float = field(default=0.85, kw_only=True)
    eta_b: float = field(default=1.0, kw_only=True)
    sigma_max: float | None = field(default=None, kw_only=True)
    sigma_min: float | None = field(default=None, kw_only=True)

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Spectral,))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        check_count("calls", self.calls)
        for name, value in (("eta", self.eta), ("eta_b", self.eta_b)):
            if not 0 <= real(value, name, "a share, in [0, 1]") <= 1:
                raise InputError(f"{name}={value}; it is a share, in [0, 1]")
        diffusion.check_levels(self.sigma_min, self.sigma_max)

    def steps(self, problem: Problem[Denoises, Spectral], /) -> int:
        """The number of calls."""
        return self.calls

    def init(
        self, problem: Problem[Denoises, Spectral], streams: Streams, x0: Tensor | None, /
    ) -> DiffusionState:
        """The measurement brought to the first level; noise around x0 where it is noisier.

        Raises:
            InputError: the measurement is noisier than the prior can denoise or than sigma_max,
                sigma_max is too low to start from grey, or sigma_min less than the prior can
                denoise.
        """
        if x0 is None:
            diffusion.check_reach(problem, self.sigma_max)
        first = self._levels(problem)[0]
        spectrum = diffusion.spectrum(problem)
        around = spectrum.vt(diffusion.centre(problem, x0))
        measured = spectrum.sd <= first
        centre = torch.where(measured, spectrum.observe(problem.y), around)
        noise = (first**2 - torch.where(measured, spectrum.sd, 0).square()).clamp(min=0).sqrt()
        images = spectrum.v(centre + noise * streams.normal(around))
        return DiffusionState(images, images, first, 0)

    def step(
        self, problem: Problem[Denoises, Spectral], state: DiffusionState, streams: Streams, /
    ) -> DiffusionState:
        """One denoiser call and a draw at the next level."""
        levels, calls = self._levels(problem), state.calls + 1
        sigma = levels[state.calls]
        denoised = problem.prior.denoise(state.x, state.x.new_tensor(sigma))
        spectrum = diffusion.spectrum(problem)
        v0, w = spectrum.vt(denoised), spectrum.observe(problem.y)
        if calls == len(levels):
            image = spectrum.v(torch.where(spectrum.sd < sigma, w, v0))
            return DiffusionState(image, image, 0.0, calls)
        old = (spectrum.vt(state.x) - v0) / sigma
        mean, noise = self._draw(spectrum, v0, w, old, levels[calls])
        x = spectrum.v(mean + noise * streams.normal(mean))
        return DiffusionState(x, denoised, levels[calls], calls)

    def estimate(self, state: DiffusionState, /) -> Tensor:
        """What the last call said; at the end, the sample."""
        return state.denoised

    def _draw(
        self, spectrum: Spectrum, v0: Tensor, w: Tensor, old: Tensor, sigma: float
    ) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each coordinate at the next level."""
        sd = spectrum.sd
        unmeasured, reached = torch.isinf(sd), sd <= sigma
        kept = torch.where(unmeasured, old, (w - v0) / sd)
        ahead = v0 + math.sqrt(1 - self.eta**2) * sigma * kept
        mean = torch.where(reached, torch.lerp(v0, w, self.eta_b), ahead)
        rest = (sigma**2 - (self.eta_b * sd).square()).clamp(min=0).sqrt()
        return mean, torch.where(reached, rest, self.eta * sigma)

    def _levels(self, problem: Problem[Denoises, Spectral]) -> tuple[float, ...]:
        noise = diffusion.noise_range(problem)
        first = diffusion.first_level(problem, noise, self.sigma_max)
        last = diffusion.last_level(problem, noise, first, self.sigma_min, LAST)
        return schedules.power(first, last, self.calls, EXPONENT)
