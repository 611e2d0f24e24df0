"""How far the data pull a restart: conjugate gradients on the denoiser's linear response.

Given a noisy image x(r), the clean one has the mean D(x(r), r) and the covariance r² J, with J
the Jacobian of the MMSE denoiser, which is symmetric. Were it Gaussian, then what the data still
have to say at this level, numbers w_j = x_j + noise of variance 1 / G_j (`particles`), would move
the mean by

    r² J u,        (r² J + 1 / G) u = w - D        in the coordinates that were measured.

Conjugate gradients solve for u. A round takes one more call and no differentiation,

    J p = (D(x(r) + e p, r) - D) / e,

so any function may be the denoiser. With e p of a tenth of the noise, a product is within a tenth
of the derivative's where a mixture's modes meet. Far above the prior's size r² J is the covariance
of the prior itself, and the mean moves to the best linear estimate of the image: nobody needs to
know that covariance. A few rounds come close. Which restarts ask by default is in `crowd_plans`.
Where the denoiser is no derivative of anything, and the curvature of a round not positive, an
image's iteration ends there.

References: moments by Tweedie's formula, R. Gribonval (2011), Should penalized least squares
regression be interpreted as maximum a posteriori estimation? IEEE TSP 59(5); conjugate gradients
on them, F. Rozet, G. Andry, F. Lanusse, G. Louppe (2024), Learning Diffusion Priors from
Observations by Expectation Maximization, NeurIPS. https://arxiv.org/abs/2405.13712.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...contracts import Denoises, Spectral
from ...problem import Problem
from .. import diffusion
from .particles import Data, rms, rows

SMALL_STEP = 0.1
"""The step of the finite difference, in units of the noise."""


def pull(
    problem: Problem[Denoises, Spectral],
    data: Data,
    x: Tensor,
    seen: Tensor,
    level: float,
    rounds: int,
) -> Tensor:
    """The shift r² J u of the mean, `(N, *spectral)`, for as many calls as there are rounds.

    Args:
        problem: with `(N, *image)` noisy images x.
        data: the measurement, a row for each of them.
        x: noisy images.
        seen: denoised ones in the singular basis, `(N, *spectral)`.
        level: r.
        rounds: of conjugate gradients.
    """
    spectrum = diffusion.spectrum(problem)
    unused = data.unused(level)
    measured = unused > 0
    noise = torch.where(measured, 1 / unused, 0)
    left = torch.where(measured, data.w - seen, 0)
    along, size = left, _dot(left, left)
    shift = torch.zeros_like(seen)
    for _ in range(rounds):
        step = finite_step(along, level)
        moved = x + rows(step, x) * spectrum.v(along)
        there = spectrum.vt(problem.prior.denoise(moved, torch.as_tensor(level).to(x)))
        response = (there - seen) * rows(level**2 / step, seen)
        curved = torch.where(measured, response, 0) + noise * along
        curvature = _dot(along, curved)
        share = torch.where(curvature > 0, size / curvature, 0)
        shift = shift + rows(share, response) * response
        left = left - rows(share, curved) * curved
        before, size = size, _dot(left, left)
        going = (curvature > 0) & (before > 0)
        following = left + rows(size / before, along) * along
        along = torch.where(rows(going, along), following, 0)
    return shift


def finite_step(along: Tensor, level: float) -> Tensor:
    """The factor e by which a direction becomes a perturbation of the noisy image, `(N,)`.

    1 where there is none: it moves nothing then.
    """
    size = rms(along)
    return torch.where(size > torch.finfo(along.dtype).tiny, SMALL_STEP * level / size, 1.0)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """Inner products of rows, `(N,)`."""
    return (one * other).flatten(1).sum(1)
