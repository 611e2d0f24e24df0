r"""DPS and PiGDM: posterior samples by a gradient through the denoiser, as solvers for invprob.

Two samplers that are often compared with. Both come down a diffusion's noise levels by the
ancestral step, from a to b < a, with the denoised image D = D(x, a),

    x <- D + (b / a)² (x - D) + b sqrt(1 - (b / a)²) n,

and pull x towards the data by a gradient through the denoiser, which costs about twice a call and
is not counted as one. Levels are those of the linear DDPM schedule, 1000 steps, up to `sigma_max`
and as far as the prior denoises there, of which `calls` are taken at equal distances; images are
in [0, 1], so the levels are half of those in [-1, 1].

**DPS** (Chung et al. 2023, algorithm 1). x <- x - zeta ∇ₓ ‖y - H D(x)‖ after each step, in the
variance-preserving coordinates of images in [-1, 1]; zeta is 1 or less in the paper, by task. Here
that is x <- x - zeta / 2 sqrt((1 + 4 a²) (1 + 4 b²)) ∇ₓ ‖y - H D(x)‖. It is exact for no prior,
and the conformance kit tells: its samples are farther from the posterior mean than those of the
posterior.

**PiGDM** (Song et al. 2023). Given x, the image is taken for N(D, r²) with
r² = a² v / (a² + v), v the variance of pixels, so that

    ∇ log p(y | x) = (∂D / ∂x)ᵀ Hᵀ (r² H Hᵀ + sigma² I)⁻¹ (y - H D),

and D + a² ∇ log p(y | x) takes the place of D. With a Gaussian prior of independent pixels this
score is exact, and samples are as the steps become many. a² times what is wrong with a network's
Jacobian grows with a: photographs with half of their pixels missing came out well from 1, not at
all from 3, and diverged from 10, with the embedded one.

References: H. Chung, J. Kim, M. T. McCann, M. L. Klasky, J. C. Ye (2023). Diffusion Posterior
Sampling for General Noisy Inverse Problems. ICLR. https://arxiv.org/abs/2209.14687; J. Song,
A. Vahdat, M. Mardani, J. Kautz (2023). Pseudoinverse-Guided Diffusion Models for Inverse Problems.
ICLR. https://openreview.net/forum?id=9_gsMA8MRKQ
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from attrs import field, frozen, validators
from torch import Tensor

from invprob import Component, InputError, Needs, hookimpl
from invprob.contracts import Denoises, HasMoments, Spectral

STEPS, FIRST, LAST = 1000, 1e-4, 0.02
"""The linear schedule of betas."""

DEVIATION = 0.15
"""Of a pixel, where the prior does not know it: about that of photographs."""


@frozen(eq=False)
class Noisy:
    """A run between two steps.

    Attributes:
        x: noisy images, `(B, *image)`.
        denoised: what takes the place of the denoised ones, `(B, *image)`; at the end x.
        done: how many steps are done.
    """

    x: Tensor
    denoised: Tensor
    done: int


@frozen
class Ancestral:
    """What both have in common.

    Args:
        calls: how many noise levels, with a call of the denoiser and its gradient each.
        sigma_max: the highest of them at most, in units of the image; `math.inf` takes all that
            the prior denoises.
    """

    calls: int = field(default=1000, validator=validators.ge(2))
    sigma_max: float = field(default=1.0, validator=validators.gt(0), kw_only=True)

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Spectral,))
    stochastic: ClassVar[bool] = True

    def steps(self, problem: Any, /) -> int:
        """`calls`; `InputError` if the prior does not denoise at the levels of the schedule."""
        return len(self.levels(problem)) - 1

    def levels(self, problem: Any, /) -> Tensor:
        """So many noise levels of the schedule, falling, and zero, `(calls + 1,)`."""
        domain = getattr(problem.prior, "domain", None)
        low, high = domain().sigma if domain else (0.0, math.inf)
        high = min(high, self.sigma_max)
        kept = (1 - torch.linspace(FIRST, LAST, STEPS, dtype=torch.float64)).cumprod(0)
        all_levels = ((1 - kept) / kept).sqrt() / 2
        within = all_levels[(low <= all_levels) & (all_levels <= high)]
        if len(within) < 2:
            raise InputError(
                f"{problem.prior!r} denoises sigma from {low:g} to {high:g}, and the schedule has"
                f" levels from {float(all_levels[0]):.2g} to {float(all_levels[-1]):.3g}"
            )
        at = torch.linspace(len(within) - 1, 0, self.calls).round().long()
        return torch.cat([within[at], within.new_zeros(1)])

    def init(self, problem: Any, streams: Any, x0: Tensor | None, /) -> Noisy:
        """Noise around the prior's mean, grey if it knows none, or around x0."""
        x = problem.zeros() + 0.5 if x0 is None else x0
        if x0 is None and isinstance(problem.prior, HasMoments):
            x = problem.zeros() + problem.prior.moments()[0].to(problem.y)
        return Noisy(x + float(self.levels(problem)[0]) * streams.normal(x), x, 0)

    def step(self, problem: Any, state: Noisy, streams: Any, /) -> Noisy:
        """From one level to the next."""
        a, b = self.levels(problem)[state.done : state.done + 2].tolist()
        with torch.enable_grad():
            x = state.x.detach().requires_grad_()
            denoised = problem.prior.denoise(x, x.new_tensor(a))
            if not denoised.requires_grad:
                raise InputError(
                    f"{problem.prior!r} answers without a gradient, which {type(self).__name__}"
                    " follows: PnP, Restart and all other solvers that take a denoiser need none"
                )
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
    """Chung et al. (2023).

    Args:
        calls: how many noise levels, with a call of the denoiser and its gradient each.
        sigma_max: the highest of them at most, in units of the image.
        zeta: the length of the pull, 1 or less in the paper, by task.
    """

    zeta: float = field(default=1.0, validator=validators.gt(0))

    def steps(self, problem: Any, /) -> int:
        """`calls`; `InputError` if the noise was filtered after it came, too."""
        if hasattr(problem.likelihood, "A"):
            raise InputError("DPS takes y = H x + noise, and no filter after that; PiGDM takes it")
        return super().steps(problem)

    def pull(
        self, problem: Any, x: Tensor, denoised: Tensor, levels: tuple[float, float], /
    ) -> tuple[Tensor, Tensor]:
        """D, and the gradient of the distance to the data."""
        operator = getattr(problem.likelihood, "operator", None)
        rest = problem.y - (operator.forward(denoised) if operator else denoised)
        (slope,) = torch.autograd.grad(rest.flatten(1).norm(dim=1).sum(), x)
        a, b = levels
        length = self.zeta / 2 * math.sqrt((1 + 4 * a**2) * (1 + 4 * b**2))
        return denoised.detach(), -length * slope


@frozen
class PiGDM(Ancestral):
    """Song et al. (2023).

    Args:
        calls: how many noise levels, with a call of the denoiser and its gradient each.
        sigma_max: the highest of them at most, in units of the image.
    """

    def pull(
        self, problem: Any, x: Tensor, denoised: Tensor, levels: tuple[float, float], /
    ) -> tuple[Tensor, Tensor]:
        """D + a² ∇ log p(y | x), and nothing."""
        spectrum = problem.likelihood.spectrum(problem.image_shape)
        variance = DEVIATION**2
        if isinstance(problem.prior, HasMoments):
            variance = problem.prior.moments()[1] ** 2 / math.prod(problem.image_shape)
        square = levels[0] ** 2
        width = square * variance / (square + variance) + spectrum.sd.to(x).square()
        still = denoised.detach()
        rest = (spectrum.observe(problem.y) - spectrum.vt(still)) / width
        (slope,) = torch.autograd.grad((denoised * spectrum.v(rest)).sum(), x)
        return still + square * slope, torch.zeros_like(still)


@hookimpl
def invprob_components() -> list[Component]:
    """What this distribution contributes."""
    return [
        Component(
            "solver",
            "dps",
            DPS,
            summary="posterior samples by a gradient of the residual through the denoiser",
            reference="H. Chung et al. (2023). Diffusion Posterior Sampling for General Noisy "
            "Inverse Problems. ICLR. https://arxiv.org/abs/2209.14687",
        ),
        Component(
            "solver",
            "pigdm",
            PiGDM,
            summary="posterior samples by a pseudoinverse and a gradient through the denoiser",
            reference="J. Song et al. (2023). Pseudoinverse-Guided Diffusion Models for Inverse "
            "Problems. ICLR. https://openreview.net/forum?id=9_gsMA8MRKQ",
        ),
    ]
