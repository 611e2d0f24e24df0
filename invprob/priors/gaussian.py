"""A Gaussian prior: everything about it, and every posterior, in closed form.

    x = mean + V (sd * n),   n ~ N(0, I)

V is the identity unless `axes` are given, so independent pixels cost nothing at any image size. In
the coordinates r = Vᵀ(x - mean) the density blurred by noise sigma is N(0, sd² + sigma²), hence

    denoise(x, sigma) = mean + V (sd² / (sd² + sigma²) * r)         the Wiener filter
    score(x, sigma)   = -V (r / (sd² + sigma²))

Nothing is approximate. That makes it the ruler for everything else: a solver that is not exact on
it has a bug or a bias that can be written down.

Reference: N. Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series, 1949.
"""

from __future__ import annotations

import math

import torch
from attrs import field, frozen
from attrs.converters import optional
from torch import Generator, Tensor

from ..contracts import Domain, Shape
from ..errors import InputError
from ..streams import generator
from .checks import numbers
from .conditioning import LinearGaussian, condition, eigen

CROOKED = 1e-3
"""How far V Vᵀ z may be from z, relatively, in single precision."""


def _mean(mean: Tensor) -> Tensor:
    return numbers(mean, "mean")


def _axes(axes: Tensor) -> Tensor:
    return numbers(axes, "axes")


def _sd(sd: Tensor | float) -> Tensor:
    return numbers(sd, "sd")


@frozen(eq=False, repr=False)
class GaussianPrior:
    """Images x = mean + V (sd * n), normally distributed.

    Args:
        mean: the mean image, `(*image)`.
        sd: the standard deviation along each axis, > 0: a number, or anything that broadcasts to
            the image's shape.
        axes: V, an orthogonal matrix `(d, d)` over the d pixels whose columns are the axes; pixels
            by default. See `from_covariance`.

    Raises:
        InputError: sd is not positive, a number is not finite, or a shape does not fit.

    >>> import torch, invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.2)
    >>> prior.denoise(torch.ones(1, 1, 2, 2), torch.tensor(0.2))[0, 0, 0, 0]
    tensor(0.7500)

    Method, what is exact, references: help("invprob.priors.gaussian").
    """

    mean: Tensor = field(converter=_mean)
    sd: Tensor = field(converter=_sd)
    axes: Tensor | None = field(default=None, converter=optional(_axes))

    def __attrs_post_init__(self) -> None:
        if not self.mean.is_floating_point():
            raise InputError(f"mean has type {self.mean.dtype}; give floating-point numbers")
        try:
            self.sd.expand(self.mean.shape)
        except RuntimeError:
            raise InputError(
                f"sd has shape {tuple(self.sd.shape)}, which does not broadcast to the mean's "
                f"{tuple(self.mean.shape)}; give a number or an image"
            ) from None
        if not bool((self.sd > 0).all()):
            raise InputError(f"sd has a value of {float(self.sd.min()):.4g}; all must be > 0")
        size = self.mean.numel()
        if self.axes is not None and tuple(self.axes.shape) != (size, size):
            raise InputError(
                f"axes has shape {tuple(self.axes.shape)}; for images of {size} pixels it must be "
                f"({size}, {size})"
            )
        if self.axes is not None:
            z = torch.randn(size, generator=generator(0), dtype=torch.float64)
            back = self.axes.cpu().double() @ (self.axes.cpu().double().mT @ z)
            if not bool((back - z).norm() < CROOKED * z.norm()):
                raise InputError(
                    "axes is no orthogonal matrix, V Vᵀ is not 1; of a covariance take "
                    "GaussianPrior.from_covariance, or torch.linalg.eigh"
                )

    def __repr__(self) -> str:
        mean, sd = float(self.mean.mean()), float(self.sd.double().square().mean().sqrt())
        return f"GaussianPrior(mean {mean:.4g} and sd {sd:.4g} of {tuple(self.mean.shape)})"

    @classmethod
    def from_covariance(cls, mean: Tensor, covariance: Tensor, /) -> GaussianPrior:
        """The Gaussian with this covariance `(d, d)` over the d pixels of `mean` `(*image)`.

        Raises:
            InputError: the covariance is not symmetric and positive definite, or has another size.

        >>> import torch, invprob as ip
        >>> covariance = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
        >>> ip.GaussianPrior.from_covariance(torch.zeros(2), covariance).covariance()
        tensor([[1.0000, 0.5000],
                [0.5000, 1.0000]])
        """
        mean, covariance = _mean(mean), numbers(covariance, "covariance")
        size = mean.numel()
        if tuple(covariance.shape) != (size, size):
            raise InputError(
                f"covariance has shape {tuple(covariance.shape)}; for images of {size} pixels it "
                f"must be ({size}, {size})"
            )
        sd, axes = eigen(covariance, mean)
        return cls(mean, sd.reshape(mean.shape), axes)

    def moments(self) -> tuple[Tensor, float]:
        """The mean image `(*image)`, and the root of E ‖x - mean‖²."""
        return self.mean, float(self.sd.expand(self.mean.shape).double().norm())

    def covariance(self) -> Tensor:
        """The dense covariance, `(d, d)`."""
        variance = self.sd.to(self.mean).expand(self.mean.shape).flatten().square()
        if self.axes is None:
            return variance.diag()
        axes = self.axes.to(self.mean)
        return (axes * variance) @ axes.mT

    def domain(self) -> Domain:
        """Images of the mean's shape, at every noise level."""
        return Domain(shape=tuple(self.mean.shape))

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """E[x₀ | x₀ + sigma n = x] = mean + V (sd² / (sd² + sigma²) r)."""
        coordinates, variance = self._coordinates(x, sigma)
        return self.mean.to(x) + self._image(coordinates * (self.sd.to(x).square() / variance))

    def score(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """∇ log p_sigma(x) = -V (r / (sd² + sigma²)); `sigma` may be 0."""
        coordinates, variance = self._coordinates(x, sigma)
        return -self._image(coordinates / variance)

    def log_prob(self, x: Tensor, /) -> Tensor:
        """The log-density log p(x) in nats, `(B,)`."""
        coordinates, variance = self._coordinates(x, x.new_zeros(()))
        density = coordinates.square() / variance + variance.log() + math.log(2 * math.pi)
        return -0.5 * density.flatten(1).sum(1)

    def sample(self, shape: Shape, generator: Generator, /) -> Tensor:
        """Images of shape `(B, *image)` = `shape`, in the mean's dtype."""
        if tuple(shape[1:]) != tuple(self.mean.shape):
            raise InputError(
                f"images of shape {tuple(shape[1:])} were asked of a prior over "
                f"{tuple(self.mean.shape)}; shape is (B, *image)"
            )
        noise = torch.randn(
            shape, generator=generator, dtype=self.mean.dtype, device=generator.device
        )
        return self.mean + self._image(self.sd.to(self.mean) * noise.to(self.mean))

    def posterior(self, likelihood: LinearGaussian, y: Tensor, /) -> GaussianPrior:
        """The exact p(x | y) for y = H x + sigma n, again a Gaussian, in float64.

        H becomes a dense matrix: meant for images of at most a few hundred pixels.

        Args:
            likelihood: linear and Gaussian, such as `Gaussian(sigma, operator)`.
            y: one measurement, `(1, *measurement)`.

        Raises:
            InputError: y holds several measurements, or the image is too large.

        >>> import torch, invprob as ip
        >>> prior = ip.GaussianPrior(mean=torch.zeros(1, 2, 2), sd=1.0)
        >>> posterior = prior.posterior(ip.Gaussian(sigma=1.0), torch.ones(1, 1, 2, 2))
        >>> round(float(posterior.mean[0, 0, 0]), 4)
        0.5
        """
        shape = tuple(self.mean.shape)
        given = condition(self.mean.flatten()[None], self.covariance()[None], likelihood, y, shape)
        return GaussianPrior.from_covariance(given.means.reshape(shape), given.covariances[0])

    def _coordinates(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Vᵀ(x - mean) and its variance at this noise level."""
        centred = x - self.mean.to(x)
        if self.axes is not None:
            centred = (centred.flatten(1) @ self.axes.to(x)).reshape(x.shape)
        level = torch.as_tensor(sigma).to(x)
        level = level.reshape(-1, *[1] * (x.ndim - 1)) if level.ndim else level
        return centred, (self.sd.to(x).square() + level.square()).expand_as(x)

    def _image(self, coordinates: Tensor) -> Tensor:
        """V r."""
        if self.axes is None:
            return coordinates
        flat = coordinates.flatten(1) @ self.axes.to(coordinates).mT
        return flat.reshape(coordinates.shape)
