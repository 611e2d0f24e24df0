"""Conditioning Gaussians on a linear measurement with white noise, exactly.

For x ~ N(m, C) and y = H x + sigma n with n ~ N(0, I), and S = H C Hᵀ + sigma² I,

    K = C Hᵀ S⁻¹
    x | y ~ N(m + K (y - H m), (I - K H) C (I - K H)ᵀ + sigma² K Kᵀ)
    y ~ N(H m, S)

(sigma² stands for a diagonal matrix where the noise differs between entries.)

The covariance is written in Joseph's form, a sum of two positive terms, because C - K H C can lose
its positivity to rounding. H is materialised column by column and everything is dense and in
float64: this is the reference that samplers are held against, for images of a few hundred pixels.

Reference: S. Särkkä, Bayesian Filtering and Smoothing, 2013, section 4.3.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from attrs import frozen
from torch import Tensor

from ..contracts import LinearOperator, Shape
from ..errors import InputError

LARGEST = 4096


class LinearGaussian(Protocol):
    """A likelihood y = H x + sigma n."""

    @property
    def sigma(self) -> Tensor | float:
        """The standard deviation of the noise: a number, or one for each entry of y."""

    @property
    def operator(self) -> LinearOperator:
        """H."""


@frozen(eq=False)
class Conditioned:
    """K Gaussians given one measurement: `means (K, d)`, `covariances (K, d, d)`, float64.

    `log_evidence (K,)` is log p(y) under each of them.
    """

    means: Tensor
    covariances: Tensor
    log_evidence: Tensor


def condition(
    means: Tensor, covariances: Tensor, likelihood: LinearGaussian, y: Tensor, shape: Shape
) -> Conditioned:
    """The Gaussians N(means[k], covariances[k]) given y.

    Args:
        means: `(K, d)`.
        covariances: `(K, d, d)`.
        likelihood: y = H x + sigma n.
        y: one measurement, `(1, *measurement)`.
        shape: the image's shape, of d pixels.

    Raises:
        InputError: y holds several measurements, or the image is too large.
    """
    if y.shape[0] != 1:
        raise InputError(
            f"y holds {y.shape[0]} measurements, and each has its own posterior; "
            "give one of them: y[:1]"
        )
    matrix = materialise(likelihood.operator, shape, y.device)
    means, covariances = means.to(matrix), covariances.to(matrix)
    residual = y.flatten(1).to(matrix) - means @ matrix.T
    sd = torch.as_tensor(likelihood.sigma, dtype=matrix.dtype, device=matrix.device)
    sd = sd.expand(y.shape[1:]).flatten()
    noise = sd.square().diag()
    root = torch.linalg.cholesky(matrix @ covariances @ matrix.T + noise)
    gain = torch.cholesky_solve(matrix @ covariances, root).mT
    left = torch.eye(matrix.shape[1], dtype=matrix.dtype, device=y.device) - gain @ matrix
    white = torch.linalg.solve_triangular(root, residual[..., None], upper=False)[..., 0]
    return Conditioned(
        means=means + (gain @ residual[..., None])[..., 0],
        covariances=left @ covariances @ left.mT + gain @ noise @ gain.mT,
        log_evidence=-0.5 * (white.square().sum(1) + len(matrix) * math.log(2 * math.pi))
        - root.diagonal(dim1=1, dim2=2).log().sum(1),
    )


def materialise(operator: LinearOperator, shape: Shape, device: torch.device) -> Tensor:
    """The matrix `(m, d)` of an operator on images of this shape, in float64."""
    pixels = math.prod(shape)
    if pixels > LARGEST:
        raise InputError(
            f"an image of shape {shape} has {pixels} pixels; an exact posterior is a dense matrix "
            f"over them, which is refused above {LARGEST}"
        )
    basis = torch.eye(pixels, dtype=torch.float64, device=device)
    return operator.forward(basis.reshape(pixels, *shape)).flatten(1).T


def eigen(covariances: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Standard deviations `(..., d)` and axes `(..., d, d)` of covariances `(..., d, d)`.

    They have the type and the device of `like`, the means.

    `covariance = axes diag(sd²) axesᵀ`; `InputError` unless symmetric and positive definite.
    """
    exact = covariances.double()
    size = float(exact.abs().max())
    if not torch.allclose(exact, exact.mT, rtol=0, atol=1e-5 * size):
        raise InputError(
            "a covariance is not symmetric: the largest difference from its transpose is "
            f"{float((exact - exact.mT).abs().max()):.3g}; give (C + C.mT) / 2"
        )
    variance, axes = torch.linalg.eigh((exact + exact.mT) / 2)
    least = float(variance.min())
    if least <= 0:
        raise InputError(
            f"a covariance has the eigenvalue {least:.3g}, and all must be > 0; add a small "
            "multiple of the identity"
        )
    return variance.sqrt().to(like), axes.to(like)
