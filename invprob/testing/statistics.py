"""Statements about samples that a correct part breaks with probability 1e-7, not more.

Every bound is a standard error times a normal quantile, Bonferroni-corrected for the number of
statements, or the Dvoretzky-Kiefer-Wolfowitz bound for a distribution function (Massart, 1990,
"The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality"). Nothing is tuned.
"""

from __future__ import annotations

import math

import torch
from scipy.stats import norm
from torch import Tensor

from .verdict import Figure, below, skip

FALSE_ALARM = 1e-7
COUNT = 20_000
"""How many samples a statistical check draws."""


def quantile(statements: int = 1) -> float:
    """How many standard errors `statements` two-sided normal statements may be off together."""
    return float(norm.isf(FALSE_ALARM / (2 * statements)))


def mean_is(samples: Tensor, expected: Tensor | float, what: str, /, slack: float = 0.0) -> Figure:
    """The mean over rows of `samples (N, ...)` is `expected`, within its standard error.

    Args:
        samples: independent rows.
        expected: the mean that the identity says.
        what: name of the mean, for the message.
        slack: an absolute error of the samples themselves, such as rounding.
    """
    rows = samples.detach().double().flatten(1) if samples.ndim > 1 else samples.double()[:, None]
    error = (rows.mean(0) - torch.as_tensor(expected, dtype=torch.float64).flatten()).abs()
    allowed = rows.std(0) / math.sqrt(len(rows)) * quantile(rows.shape[1]) + slack
    worst = int(torch.nan_to_num(error - allowed, torch.inf).argmax())
    return below(
        float(error[worst]),
        float(allowed[worst]) + 1e-12,
        f"the distance of {what} from what it should be, over {len(rows)} samples,",
    )


def unrelated(one: Tensor, other: Tensor, what: str, /) -> Figure:
    """Entries of `one` and those of `other` beside them, along each axis, have covariance 0.

    Args:
        one: independent rows `(N, ...)`.
        other: the same shape, maybe the same tensor.
        what: name of the covariance, for the message.
    """
    a, b = (samples.detach().double() - samples.double().mean(0) for samples in (one, other))
    figure = Figure(0.0, 1.0)
    for axis in range(1, a.ndim):
        if a.shape[axis] > 1:
            figure |= mean_is(a * b.roll(1, axis), 0.0, f"{what} along axis {axis}")
    return figure


def light_tailed(samples: Tensor, what: str, /) -> None:
    """Skip the check where a few samples make up the mean, so its standard error means little."""
    size = samples.double().abs()
    share = float(size.max() / size.sum()) if bool(size.any()) else 0.0
    if not share < 0.02:
        skip(
            f"{what} is heavy-tailed here, its mean may not exist: one sample is {share:.0%} of it"
        )


def stein(score: Tensor, samples: Tensor, what: str, /) -> Figure:
    """Stein's identity E[φ(a) s + φ'(a)] = 0 along every coordinate, for the score s of samples.

    φ is a bump that ends inside the central 98 % of the coordinate, so that an edge of the
    support does not matter (Stein, 1972).

    Args:
        score: ∇ log p at the samples, `(N, d)`.
        samples: drawn from p, `(N, d)`.
        what: name of the score, for the message.
    """
    low, high = (samples.quantile(q, 0) for q in (0.01, 0.99))
    width = (high - low) / 2
    t = (samples - (low + high) / 2) / width
    inside = t.abs() < 1
    bump = torch.where(inside, (1 - t**2) ** 2, 0)
    slope = torch.where(inside, -4 * t * (1 - t**2), 0) / width
    score = torch.where(inside, score, 0)  # where it is not asked, it may be infinite
    even = (bump * score + slope) * width
    odd = (t * bump * score + t * slope + bump / width) * width
    return mean_is(even, 0.0, f"E[φ(a) s + φ'(a)] of {what}") | mean_is(
        odd, 0.0, f"E[aφ(a) s + (aφ(a))'] of {what}"
    )


def lattice_spacing(values: Tensor, /) -> float | None:
    """The spacing of the lattice on which samples of one coordinate lie; None if on none."""
    unique = values.double().flatten().sort().values
    gaps = unique.diff()
    gaps = gaps[gaps > 1e-9]
    return None if len(gaps) > len(unique) // 2 else float(gaps.min()) if len(gaps) else math.inf


def distribution_is(shares: Tensor, cumulative: Tensor, count: int, what: str, /) -> Figure:
    """An empirical distribution function is the given one, by Dvoretzky-Kiefer-Wolfowitz.

    Args:
        shares: share of samples at or below each node.
        cumulative: probability at or below each node.
        count: how many samples.
        what: name of the samples, for the message.
    """
    allowed = math.sqrt(math.log(2 / FALSE_ALARM) / (2 * count))
    return below(
        float((shares - cumulative).abs().max()),
        allowed,
        f"the greatest gap between the distribution functions of {what} and of log_prob",
    )
