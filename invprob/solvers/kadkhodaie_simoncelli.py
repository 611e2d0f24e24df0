r"""Noise-free linear constraints by stochastic coarse-to-fine ascent (Kadkhodaie and Simoncelli).

The data fix Mᵀx, the coordinates of x along some directions, exactly: missing pixels, a low
resolution, a few random projections. Starting from noise around what is known, each call of the
denoiser gives a direction in which the image is likelier, or agrees better with the data,

    d = (I - M Mᵀ) (D(x) - x) + M (w - Mᵀx),

the first part for what is free, the second for what is known. A step along it removes some of the
noise, of which a share is put back:

    sigma = ‖d‖ / sqrt(N)                                the noise that x still has
    x <- x + h d + gamma n,      gamma² = sigma² ((1 - beta h)² - (1 - h)²)
    h = h0 t / (1 + h0 (t - 1))                          at call t: small steps first, then up to 1

so that sigma falls by 1 - beta h for each call. beta = 1 adds no noise and climbs to the next
mode; small beta takes many calls and wanders among the likely images. The run of a row ends when
sigma is below sigma_min; the answer is D(x), put back onto the constraints.

The answers are likely images that agree with the data, not samples of p(x | y): nothing makes
gamma right for a posterior (for that take `Restart`). The measured coordinates are those of the
likelihood's spectrum whose noise is below sigma_min, and are taken as exact; the others, as never
measured. So M is orthonormal whatever the operator, and data of a blur enter as far as they are
good. The authors' denoiser finds the noise level by itself; here it is told (1 - beta h) sigma.
That is right for images, whose noise a denoiser removes almost whole; under a prior as rough as
the noise itself, ‖D(x) - x‖ is less than the noise, and the run ends early.

Reference: Z. Kadkhodaie, E. Simoncelli (2021). Stochastic Solutions for Linear Inverse Problems
using the Prior Implicit in a Denoiser. NeurIPS. https://arxiv.org/abs/2007.13640
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import Denoises, Needs, Spectral
from ..counts import check_count, real
from ..errors import InputError
from ..problem import Problem, domain_of
from ..streams import Streams
from . import diffusion
from .momentum import rows


@frozen(eq=False)
class KadkhodaieSimoncelliState:
    """A run of `KadkhodaieSimoncelli` between two calls.

    Attributes:
        x: the noisy images, `(B, *image)`.
        denoised: the images of the last call, on the constraints, `(B, *image)`.
        noise: the noise level of each row of x, `(B,)`; 0 where the run has ended.
        sigma: the highest noise level that the last call was told; sigma_max at first.
        calls: how many are done.
        chained: false: no two calls are steps of a chain at one noise level.
    """

    x: Tensor
    denoised: Tensor
    noise: Tensor
    sigma: float
    calls: int
    chained: ClassVar[bool] = False


@frozen
class KadkhodaieSimoncelli:
    """A likely image with given coordinates, for (nearly) noise-free linear data and any denoiser.

    Args:
        calls: the most denoiser calls; for beta = 0.1 about 150 suffice, for 0.01 about 800.
        beta: the share of a step that is not filled up with new noise, in (0, 1].
        first_step: h0, in (0, 1].
        sigma_max: the noise level to start at.
        sigma_min: the noise level to end at; data with more noise are ignored. Below the least
            level that the prior can denoise it is asked at that level.

    Raises:
        InputError: a value out of range; in use: all data are noisier than sigma_min, or the prior
            can't denoise at sigma_max.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> noise = ip.Gaussian(sigma=1e-4, operator=ip.Mask(torch.eye(4)))
    >>> problem = ip.Problem(prior, noise, 0.9 * torch.eye(4)[None, None])
    >>> ip.solve(problem, ip.KadkhodaieSimoncelli()).x[0, 0].diagonal()
    tensor([0.9000, 0.9000, 0.9000, 0.9000])

    Method, what is exact, references: help("invprob.solvers.kadkhodaie_simoncelli").
    """

    calls: int = 200
    beta: float = field(default=0.1, kw_only=True)
    first_step: float = field(default=0.01, kw_only=True)
    sigma_max: float = field(default=1.0, kw_only=True)
    sigma_min: float = field(default=0.01, kw_only=True)

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Spectral,))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        check_count("calls", self.calls)
        for name, value in (("beta", self.beta), ("first_step", self.first_step)):
            if not 0 < real(value, name, "a share, in (0, 1]") <= 1:
                raise InputError(f"{name}={value}; it is a share, in (0, 1]")
        least, most = real(self.sigma_min, "sigma_min"), real(self.sigma_max, "sigma_max")
        if not 0 < least < most < math.inf:
            raise InputError(
                f"sigma_max={self.sigma_max} and sigma_min={self.sigma_min}; they are noise "
                "levels in units of the image, 0 < sigma_min < sigma_max"
            )

    def steps(self, problem: Problem[Denoises, Spectral], /) -> int:
        """The most calls.

        Raises:
            InputError: all data are noisier than sigma_min, or the prior can't denoise at
                sigma_max.
        """
        least = float(diffusion.spectrum(problem).sd.min())
        low, high = domain_of(problem.prior).sigma
        if not least < self.sigma_min:
            raise InputError(
                f"{problem.likelihood!r} has noise of at least {least:.4g} in every coordinate; "
                f"KadkhodaieSimoncelli takes what has less than sigma_min={self.sigma_min:g} for "
                "exact and ignores the others; for noisy data take Restart()",
                typed="-s restart",
            )
        if not low < self.sigma_max <= high:
            raise InputError(
                f"sigma_max={self.sigma_max:.4g}, but {problem.prior!r} denoises from {low:.4g} "
                f"to {high:.4g}; give a level between"
            )
        return self.calls

    def init(
        self, problem: Problem[Denoises, Spectral], streams: Streams, x0: Tensor | None, /
    ) -> KadkhodaieSimoncelliState:
        """Noise around what is known, and around x0, the prior's mean or grey elsewhere."""
        known = self._impose(problem, diffusion.centre(problem, x0))
        x = known + self.sigma_max * streams.normal(known)
        noise = x.new_full((len(x),), self.sigma_max)
        return KadkhodaieSimoncelliState(x, known, noise, self.sigma_max, 0)

    def step(
        self,
        problem: Problem[Denoises, Spectral],
        state: KadkhodaieSimoncelliState,
        streams: Streams,
        /,
    ) -> KadkhodaieSimoncelliState:
        """One denoiser call and one step of every row that still runs."""
        x, calls = state.x, state.calls + 1
        low, high = domain_of(problem.prior).sigma
        running = state.noise > 0
        level = state.noise.clamp(max(low, self.sigma_min / 10), high)
        image = self._impose(problem, problem.prior.denoise(x, level))
        d = image - x
        sigma = d.flatten(1).square().mean(1).sqrt()
        h = self._step(calls)
        gamma = math.sqrt((1 - self.beta * h) ** 2 - (1 - h) ** 2) * rows(sigma, x)
        moved = x + h * d + gamma * streams.normal(x)
        going = running & (sigma >= self.sigma_min)
        return KadkhodaieSimoncelliState(
            torch.where(rows(going, x), moved, x),
            torch.where(rows(running, x), image, state.denoised),
            torch.where(going, (1 - self.beta * h) * sigma, 0.0),
            float(level.max()),
            calls,
        )

    def finished(self, state: KadkhodaieSimoncelliState, /) -> str:
        """That no row has more noise than sigma_min."""
        going = bool((state.noise > 0).any())
        return "" if going else f"the noise fell below sigma_min={self.sigma_min:g}"

    def remark(self, state: KadkhodaieSimoncelliState, /) -> str:
        """The noise that is left where sigma_min was not reached, and how many calls to take."""
        noise, calls = float(state.noise.max()), state.calls
        if noise == 0:
            return ""
        left = noise
        while left > self.sigma_min:
            calls += 1
            h = self._step(calls)
            left *= 1 - min(self.beta * h, 0.9)
        enough = 10 * math.ceil(1.2 * calls / 10)
        return (
            f"unfinished: a noise of {noise:.3g} is left, and it was to fall below "
            f"sigma_min={self.sigma_min:g}. Give more calls, about calls={enough}"
        )

    def exact_below(self, /) -> float:
        """sigma_min."""
        return self.sigma_min

    def estimate(self, state: KadkhodaieSimoncelliState, /) -> Tensor:
        """The denoised images, on the constraints."""
        return state.denoised

    def _step(self, calls: int) -> float:
        """h, at this call."""
        return self.first_step * calls / (1 + self.first_step * (calls - 1))

    def _impose(self, problem: Problem[Denoises, Spectral], image: Tensor) -> Tensor:
        """The image with the coordinates that are known."""
        spectrum = diffusion.spectrum(problem)
        known = spectrum.sd < self.sigma_min
        return spectrum.v(torch.where(known, spectrum.observe(problem.y), spectrum.vt(image)))
