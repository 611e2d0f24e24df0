r"""Two samplers that are often compared with, written out: DPS and PiGDM. Not part of invprob.

Both come down a diffusion's noise levels by the ancestral step, from a to b < a, with the denoised
image D = D(x, a),

    x <- D + (b / a)² (x - D) + b sqrt(1 - (b / a)²) n,

and pull x towards the data by a gradient through the denoiser, which costs about twice a call and
is not counted as one. Levels are those of the linear DDPM schedule, 1000 steps, of which `calls`
are taken at equal distances; images are in [0, 1], so the levels are half of those in [-1, 1].

**DPS** (Chung et al. 2023, algorithm 1). x <- x - zeta ∇ₓ ‖y - H D(x)‖ after each step, in the
variance-preserving coordinates of images in [-1, 1]; zeta is 1 or less in the paper, by task. Here
that is x <- x - zeta / 2 sqrt((1 + 4 a²) (1 + 4 b²)) ∇ₓ ‖y - H D(x)‖.

**PiGDM** (Song et al. 2023). Given x, the image is taken for N(D, r²) with
r² = a² v / (a² + v), v the variance of pixels, so that

    ∇ log p(y | x) = (∂D / ∂x)ᵀ Hᵀ (r² H Hᵀ + sigma² I)⁻¹ (y - H D),

and D + a² ∇ log p(y | x) takes the place of D. With a Gaussian prior of independent pixels this
score is exact.

References: H. Chung, J. Kim, M. T. McCann, M. L. Klasky, J. C. Ye (2023). Diffusion Posterior
Sampling for General Noisy Inverse Problems. ICLR. https://arxiv.org/abs/2209.14687; J. Song,
A. Vahdat, M. Mardani, J. Kautz (2023). Pseudoinverse-Guided Diffusion Models for Inverse Problems.
ICLR. https://openreview.net/forum?id=9_gsMA8MRKQ
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from attrs import frozen
from torch import Tensor

import invprob as ip
from invprob.contracts import Denoises, Spectral
from invprob.solvers import diffusion

STEPS, FIRST, LAST = 1000, 1e-4, 0.02
"""The linear schedule of betas."""


@frozen(eq=False)
class Noisy:
    """A run between two steps: noisy images `(B, *image)`, and how many steps are done."""

    x: Tensor
    denoised: Tensor
    done: int


def levels(calls: int) -> Tensor:
    """So many noise levels of the schedule, falling, and zero."""
    kept = (1 - torch.linspace(FIRST, LAST, STEPS, dtype=torch.float64)).cumprod(0)
    at = torch.linspace(STEPS - 1, 0, calls).round().long()
    return torch.cat([((1 - kept[at]) / kept[at]).sqrt() / 2, kept.new_zeros(1)])


@frozen
class Ancestral:
    """What both have in common; `calls` is the number of levels."""

    calls: int = 1000

    needs: ClassVar[ip.Needs] = ip.Needs(prior=(Denoises,), likelihood=(Spectral,))
    stochastic: ClassVar[bool] = True

    def steps(self, problem: Any, /) -> int:
        """One for each level."""
        return self.calls

    def init(self, problem: Any, streams: Any, x0: Tensor | None, /) -> Noisy:
        """Noise around grey, or around x0."""
        x = diffusion.centre(problem, x0)
        return Noisy(x + float(levels(self.calls)[0]) * streams.normal(x), x, 0)

    def step(self, problem: Any, state: Noisy, streams: Any, /) -> Noisy:
        """From one level to the next."""
        a, b = (float(level) for level in levels(self.calls)[state.done : state.done + 2])
        with torch.enable_grad():
            x = state.x.detach().requires_grad_()
            denoised = problem.prior.denoise(x, x.new_tensor(a))
            towards, after = self.pull(problem, x, denoised, (a, b))
        x = towards + (b / a) ** 2 * (state.x - towards)
        x = x + b * math.sqrt(1 - (b / a) ** 2) * streams.normal(x) + after
        return Noisy(x, x if b == 0 else towards, state.done + 1)

    def estimate(self, state: Noisy, /) -> Tensor:
        """The denoised image; at the end, the sample."""
        return state.denoised

    def pull(
        self, problem: Any, x: Tensor, denoised: Tensor, levels: tuple[float, float], /
    ) -> tuple[Tensor, Tensor]:
        """What takes the place of D, and what is added after the step."""
        raise NotImplementedError


@frozen
class DPS(Ancestral):
    """Chung et al. (2023)."""

    zeta: float = 1.0

    def pull(
        self, problem: Any, x: Tensor, denoised: Tensor, levels: tuple[float, float], /
    ) -> tuple[Tensor, Tensor]:
        """D, and the gradient of the distance to the data."""
        rest = problem.y - problem.likelihood.operator.forward(denoised)
        (slope,) = torch.autograd.grad(rest.flatten(1).norm(dim=1).sum(), x)
        a, b = levels
        length = self.zeta / 2 * math.sqrt((1 + 4 * a**2) * (1 + 4 * b**2))
        return denoised.detach(), -length * slope


@frozen
class PiGDM(Ancestral):
    """Song et al. (2023)."""

    def pull(
        self, problem: Any, x: Tensor, denoised: Tensor, levels: tuple[float, float], /
    ) -> tuple[Tensor, Tensor]:
        """D + a² ∇ log p(y | x), and nothing."""
        spectrum, square = diffusion.spectrum(problem), levels[0] ** 2
        variance = diffusion.deviation(problem) ** 2
        width = square * variance / (square + variance) + spectrum.sd.square()
        still = denoised.detach()
        rest = (spectrum.observe(problem.y) - spectrum.vt(still)) / width
        (slope,) = torch.autograd.grad((denoised * spectrum.v(rest)).sum(), x)
        return still + square * slope, torch.zeros_like(still)
