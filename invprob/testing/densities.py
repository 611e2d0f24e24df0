"""A density in several dimensions against its own samples, by importance sampling.

The proposal is a multivariate t-distribution with the samples' mean and covariance. With weights
w = p / q at its draws, E w = 1 says that p is normalised, and E[w y] and E[w y²] must be the
samples' moments. Exact on average in any dimension; too noisy in many, which the effective sample
size tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from .statistics import COUNT, mean_is, quantile
from .verdict import Figure, below, holds, skip

_FREEDOM = 6.0


def density_fits_samples(
    log_prob: Callable[[Tensor], Tensor], samples: Tensor, generator: Generator, what: str, /
) -> Figure:
    """`log_prob` is normalised and has the samples' mean and variance.

    Args:
        log_prob: `(N, d)` to `(N,)`, in nats.
        samples: independent draws, `(N, d)`, float64.
        generator: for the proposal.
        what: name of the density, for the message.

    Coordinates that never vary are left out of the integral: the density has none there.
    """
    moving = samples.std(0) > 1e-12
    free = samples[:, moving]
    if free.shape[1] == 0:
        skip("the samples never vary")
    mean, factor = free.mean(0), torch.linalg.cholesky(free.T.cov().reshape(2 * [free.shape[1]]))
    points, log_q = _student(mean, factor, COUNT, generator)
    full = samples[:1].repeat(COUNT, 1)
    full[:, moving] = points
    log_p = torch.cat(
        [log_prob(full[k : k + 4096]).detach().double() for k in range(0, COUNT, 4096)]
    )
    if bool((bad := log_p.isnan()).any()):
        where = ", ".join(f"{number:.4g}" for number in full[bad][0, :4].tolist())
        holds(False, f"the logarithm of {what} is NaN at {where}{', ...' * (full.shape[1] > 4)}")
    weight = (log_p - log_q).exp()
    if not bool((weight > 0).any()):
        skip(
            "the density is 0 between the samples: they live on a lattice that is too large to sum"
        )
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    if not effective > 300:
        skip(
            f"importance sampling in {free.shape[1]} dimensions keeps only {effective:.0f} of "
            f"{COUNT} draws"
        )
    figure = mean_is(weight, 1.0, f"the integral of {what}", slack=1e-9)
    for power in (1, 2):
        ours = (points - mean) ** power
        figure |= _same_mean(weight, ours, (free - mean) ** power, f"moment {power} of {what}")
    return figure


def _student(
    mean: Tensor, factor: Tensor, count: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Draws of the t-distribution and their log-density."""
    size = len(mean)
    normal = torch.randn(count, size, generator=generator, dtype=torch.float64)
    chi = torch.randn(count, int(_FREEDOM), generator=generator, dtype=torch.float64)
    scale = (_FREEDOM / chi.square().sum(1)).sqrt()
    points = mean + scale[:, None] * normal @ factor.T
    radius = (scale[:, None] * normal).square().sum(1)
    log_q = (
        math.lgamma((_FREEDOM + size) / 2)
        - math.lgamma(_FREEDOM / 2)
        - size / 2 * math.log(_FREEDOM * math.pi)
        - factor.diagonal().log().sum()
        - (_FREEDOM + size) / 2 * torch.log1p(radius / _FREEDOM)
    )
    return points, log_q


def _same_mean(weight: Tensor, theirs: Tensor, ours: Tensor, what: str) -> Figure:
    """The self-normalised weighted mean of `theirs` is the mean of `ours`."""
    normal = weight / weight.mean()
    estimate = (normal[:, None] * theirs).mean(0)
    variance = (normal[:, None] * (theirs - estimate)).var(0) / len(theirs)
    allowed = (variance + ours.var(0) / len(ours)).sqrt() * quantile(ours.shape[1])
    excess = (estimate - ours.mean(0)).abs() / allowed
    return below(
        float(excess.max()), 1.0, f"the distance between samples and density in {what}, in bounds,"
    )
