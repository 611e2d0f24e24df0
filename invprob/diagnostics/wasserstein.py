"""How far a set of samples is from another one: the sliced Wasserstein distance.

    SW2(P, Q)² = mean over directions u on the sphere of W2(u·P, u·Q)²

In one dimension W2 compares sorted numbers. *Whitened* by a covariance C, it is the distance of
C^(-1/2) x: there a direction in which the images hardly vary counts as much as any other.

A distance alone says little, because two finite sets of exact samples differ as well. `exactness`
divides by what exact samples would give,

    sqrt( sum SW2(method, exact)² / sum SW2(exact', exact)² )        summed over measurements

which is 1 for a sampler that can't be told from an exact one, up to the noise of finitely many
samples: about 0.1 for 4 measurements and 500 samples each.

Reference: N. Bonneel, J. Rabin, G. Peyré, H. Pfister (2015). Sliced and Radon Wasserstein
Barycenters of Measures. Journal of Mathematical Imaging and Vision 51.
https://doi.org/10.1007/s10851-014-0506-3
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor

from ..contracts import Shape
from ..errors import InputError


class Exact(Protocol):
    """A posterior that can be sampled exactly, such as `GaussianMixturePrior.posterior` gives."""

    def sample(self, shape: Shape, generator: Generator, /) -> Tensor:
        """Independent samples, of shape `(N, *image)` = `shape`."""

    def covariance(self) -> Tensor:
        """The covariance over the d pixels, `(d, d)`."""


def sliced_wasserstein(
    a: Tensor,
    b: Tensor,
    generator: Generator,
    /,
    *,
    covariance: Tensor | None = None,
    directions: int = 200,
) -> Tensor:
    """The sliced Wasserstein-2 distance of two sets of as many samples, a tensor of shape `()`.

    Args:
        a: samples, `(N, *image)`.
        b: as many others.
        generator: draws the directions.
        covariance: C, `(d, d)`, to whiten with; by default none.
        directions: how many are drawn.

    Raises:
        InputError: the shapes differ, or there are no samples or no directions.

    >>> import torch, invprob as ip
    >>> a = torch.tensor([[0.0], [1.0], [2.0]])
    >>> sliced_wasserstein(a, a + 3, ip.generator(0))
    tensor(3.)
    """
    if a.shape != b.shape or a.ndim < 2 or a.numel() == 0:
        raise InputError(
            f"the sets of samples have shapes {tuple(a.shape)} and {tuple(b.shape)}; both must be "
            "(N, *image), with the same N"
        )
    u = _directions(a, generator, directions, covariance)
    return _along(a, b, u).sqrt()


def exactness(
    samples: Sequence[Tensor],
    posteriors: Sequence[Exact],
    generator: Generator,
    /,
    *,
    whitened: bool = False,
    directions: int = 200,
    references: int = 2,
) -> float:
    """How far a sampler is from exact, over several measurements: 1 is indistinguishable.

    Args:
        samples: of each measurement `(N, *image)`.
        posteriors: the exact posterior of each measurement.
        generator: draws exact samples and directions.
        whitened: whether to weigh all directions by the posterior's covariance.
        directions: how many are drawn for each measurement.
        references: how many sets of exact samples to average over.

    Raises:
        InputError: there are not as many posteriors as sets of samples, or no references.

    >>> import torch, invprob as ip
    >>> exact = ip.GaussianPrior(mean=torch.zeros(2), sd=1.0)
    >>> draw = ip.generator(1)
    >>> good = [exact.sample((500, 2), draw) for _ in range(20)]
    >>> round(exactness(good, [exact] * 20, ip.generator(0)), 1)
    1.0
    >>> exactness([2 * x for x in good], [exact] * 20, ip.generator(0)) > 5
    True
    """
    if len(samples) != len(posteriors) or not samples or references < 1:
        raise InputError(
            f"{len(samples)} sets of samples, {len(posteriors)} posteriors, references="
            f"{references}; one posterior for each set and at least one reference are needed"
        )
    method, floor = 0.0, 0.0
    for x, posterior in zip(samples, posteriors, strict=True):
        covariance = posterior.covariance() if whitened else None
        u = _directions(x, generator, directions, covariance)
        for _ in range(references):
            one, other = (posterior.sample(tuple(x.shape), generator).to(x) for _ in range(2))
            method += float(_along(x, one, u))
            floor += float(_along(other, one, u))
    return float((method / floor) ** 0.5)


def _directions(
    like: Tensor, generator: Generator, count: int, covariance: Tensor | None
) -> Tensor:
    """Columns u `(d, count)` on the sphere; C^(-1/2) u where a covariance is given."""
    if count < 1:
        raise InputError(f"directions={count}; at least one is needed")
    size = like[0].numel()
    u = torch.randn(size, count, generator=generator, dtype=torch.float64)
    u = u.div(u.norm(dim=0)).to(like)
    if covariance is None:
        return u
    root: Tensor = torch.linalg.cholesky(covariance.to(torch.float64))
    white: Tensor = torch.linalg.solve_triangular(root.mT, u.to(root), upper=True)
    return white.to(like)


def _along(a: Tensor, b: Tensor, u: Tensor) -> Tensor:
    """The mean square of W2 over the columns of u."""
    sorted_a, sorted_b = ((part.flatten(1) @ u).sort(0).values for part in (a, b))
    return (sorted_a - sorted_b).square().mean()
