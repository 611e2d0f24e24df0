r"""How a noise is distributed in even coordinates, and its score at any perturbation.

In even coordinates z = c + e, with noise e of one law whatever c is. That is exact where noise
multiplies the image, or a shifted one (Gamma, Rayleigh and signal-dependent noise: their transform
is a logarithm), and nearly so for the others. What a score network has to know then splits in two.
The law of e belongs to the likelihood, and can be had by sampling. Which c is likely, given z,
belongs to images, and has to be learned. For a single c the score is that of the law,

    ∇ log p(z) = ψ(z - c),        ψ = (log p_e)',

and -(z - c) / sigma² for Gaussian noise alone. Skewed noise has a bent ψ. Taken for Gaussian, it
leaves an error that grows as e² and is hard to learn: training looks at z + a u, whose noise is
less skewed than that of z, which the network is asked about later.

So the law is a mixture of few Gaussians, e ~ Σ w_k N(m_k, v_k), fitted to samples by expectation
maximisation. Perturbed by a u it is known in closed form, at every a, also at 0:

    ψ_a(e) = -Σ_k r_k(e) (e - m_k) / (v_k + a²),
    r_k(e) ∝ w_k N(e; m_k, v_k + a²),    Σ_k r_k = 1.

The fit need not be perfect: it decides how little is left to learn, not whether scores are right.

Reference: A. Dempster, N. Laird, D. Rubin, Maximum likelihood from incomplete data via the EM
algorithm, 1977.
"""

from __future__ import annotations

import torch
from torch import Tensor

Law = tuple[tuple[float, float, float], ...]
"""Weight, mean and variance of each Gaussian of a mixture."""

COMPONENTS, ROUNDS = 4, 100
LEAST_VARIANCE = 0.02
"""Of a component, as a share of the whole variance: it bounds how steep a score is."""

NORMAL = 0.05
"""Skewness and excess kurtosis up to which noise is taken for Gaussian."""

QUANTILES = 2000
"""So many stand for the samples in a fit."""


def law_score(law: Law, e: Tensor, a: Tensor | float) -> Tensor:
    """ψ_a, the score of e + a u with e of a law and u ~ N(0, 1).

    Args:
        law: of e.
        e: any shape.
        a: standard deviations of the perturbation, of a shape that e's can be combined with.

    Returns:
        e's shape.

    >>> law_score(((1.0, 0.0, 4.0),), torch.tensor([0.0, 5.0]), 1.0)
    tensor([ 0., -1.])
    """
    added = torch.as_tensor(a).to(e).square()
    pulls = [(m - e) / (v + added) for _, m, v in law]
    if len(law) == 1:
        return pulls[0]
    logs = [
        (w * w / (v + added)).log() - (v + added) * pull.square()
        for (w, _, v), pull in zip(law, pulls, strict=True)
    ]
    shares = (0.5 * torch.stack(logs)).softmax(0)
    return (shares * torch.stack(pulls)).sum(0)


def fit_law(samples: Tensor) -> Law:
    """The law of samples: one Gaussian if they may be normal, a mixture otherwise.

    Args:
        samples: some ten thousand, any shape.

    >>> from torch import Generator
    >>> normal = torch.randn(100_000, generator=Generator().manual_seed(0))
    >>> len(fit_law(normal)), len(fit_law(normal.exp()))
    (1, 4)
    """
    e = samples.flatten().double()
    mean, sd = e.mean(), e.std()
    t = (e - mean) / sd
    if t.pow(3).mean().abs() < NORMAL and (t.pow(4).mean() - 3).abs() < NORMAL:
        return ((1.0, _rounded(mean), _rounded(sd.square())),)
    t, m = (t.quantile(((torch.arange(n) + 0.5) / n).to(t)) for n in (QUANTILES, COMPONENTS))
    v = torch.full_like(m, 1 / COMPONENTS)
    w = torch.full_like(m, 1 / COMPONENTS)
    for _ in range(ROUNDS):
        shares = (w.log() - 0.5 * v.log() - 0.5 * (t[:, None] - m).square() / v).softmax(1)
        counts = shares.sum(0)
        w, m = counts / len(t), (shares * t[:, None]).sum(0) / counts
        v = (shares * (t[:, None] - m).square()).sum(0) / counts
        v = v.clamp_min(LEAST_VARIANCE)
    m, v = mean + sd * m, sd.square() * v
    return tuple((_rounded(a), _rounded(b), _rounded(c)) for a, b, c in zip(w, m, v, strict=True))


def _rounded(number: Tensor) -> float:
    """To digits that do not depend on how many threads took part in a sum."""
    return float(f"{float(number):.6g}")
