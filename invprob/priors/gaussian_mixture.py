"""A mixture of Gaussians over images: many modes, and still every posterior in closed form.

    p(x) = sum_k weight_k N(x; mean_k, C_k),   C_k = V_k diag(s_k²) V_kᵀ

Blurred by noise sigma it stays a mixture, with s_k² + sigma² for s_k². Let r_k = V_kᵀ(x - mean_k)
and let responsibility_k be the posterior probability of component k at that noise level. Then

    denoise(x, sigma) = sum_k responsibility_k (mean_k + V_k (s_k² / (s_k² + sigma²) * r_k))
    score(x, sigma)   = -sum_k responsibility_k V_k (r_k / (s_k² + sigma²))

Each C_k is decomposed once, so a call at any noise level is two matrix products. Given y = H x +
sigma n the posterior is a mixture again. Unlike a single Gaussian it has modes between which a
sampler must divide its samples in the right proportion: it is where samplers are measured.

Reference: Y. Weiss, W. T. Freeman, What makes a good model of natural images?, CVPR 2007 (mixtures
of Gaussians as image priors); D. Zoran, Y. Weiss, From learning models of natural image patches to
whole image restoration, ICCV 2011.
"""

from __future__ import annotations

import math

import torch
from attrs import Factory, field, frozen
from torch import Generator, Tensor

from ..contracts import Domain, Shape
from ..errors import InputError
from .checks import numbers
from .conditioning import LinearGaussian, condition, eigen


def _normalised(weights: Tensor) -> Tensor:
    given = numbers(weights, "weights")
    return given / given.sum()


def _means(means: Tensor) -> Tensor:
    return numbers(means, "means")


def _covariances(covariances: Tensor) -> Tensor:
    return numbers(covariances, "covariances")


@frozen(eq=False, repr=False)
class GaussianMixturePrior:
    """Images from one of K Gaussians over the d pixels.

    Args:
        weights: `(K,)`, > 0; they are normalised.
        means: `(K, *image)`.
        covariances: `(K, d, d)`, symmetric and positive definite; or anything that broadcasts to
            it: a `(d, d)` matrix that all components share.

    Raises:
        InputError: a weight or an eigenvalue is not positive, a number is not finite, or a shape
            does not fit.

    >>> import torch, invprob as ip
    >>> means = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    >>> prior = ip.GaussianMixturePrior(torch.ones(2), means, 0.01 * torch.eye(2))
    >>> prior.denoise(torch.tensor([[0.8, 0.1]]), torch.tensor(0.1))
    tensor([[0.9000, 0.0500]])

    Method, what is exact, references: help("invprob.priors.gaussian_mixture").
    """

    weights: Tensor = field(converter=_normalised)
    means: Tensor = field(converter=_means)
    covariances: Tensor = field(converter=_covariances)
    _eigen: tuple[Tensor, Tensor] = field(
        init=False,
        repr=False,
        default=Factory(lambda self: eigen(_checked(self), self.means), takes_self=True),
    )

    def __repr__(self) -> str:
        count, *shape = self.means.shape
        return f"GaussianMixturePrior({count} components of {tuple(shape)})"

    @property
    def mean(self) -> Tensor:
        """The mean image, `(*image)`."""
        return torch.einsum("k,k...->...", self.weights.to(self.means), self.means)

    def moments(self) -> tuple[Tensor, float]:
        """The mean image `(*image)`, and the root of E ‖x - mean‖²."""
        offset = (self.means - self.mean).flatten(1).square().sum(1)
        variance = self._eigen[0].square().sum(1)
        return self.mean, float((self.weights.to(offset) @ (offset + variance)).sqrt())

    def covariance(self) -> Tensor:
        """The covariance of the whole mixture, `(d, d)`."""
        offset = (self.means - self.mean).flatten(1)
        weights = self.weights.to(offset)
        between = torch.einsum("k,ki,kj->ij", weights, offset, offset)
        return between + torch.einsum("k,kij->ij", weights, self._full())

    def domain(self) -> Domain:
        """Images of the means' shape, at every noise level."""
        return Domain(shape=tuple(self.means.shape[1:]))

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """E[x₀ | x₀ + sigma n = x], the exact MMSE denoiser."""
        coordinates, variance, log_density = self._components(x, sigma)
        probability = log_density.softmax(1)
        shrunk = coordinates * (self._eigen[0].to(x).square() / variance)
        means = probability @ self.means.to(x).flatten(1)
        return means.reshape(x.shape) + self._image(shrunk, probability).reshape(x.shape)

    def score(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """∇ log p_sigma(x), exact; `sigma` may be 0."""
        coordinates, variance, log_density = self._components(x, sigma)
        pull = self._image(coordinates / variance, log_density.softmax(1))
        return -pull.reshape(x.shape)

    def log_prob(self, x: Tensor, /) -> Tensor:
        """The log-density log p(x) in nats, `(B,)`."""
        return self._components(x, x.new_zeros(()))[2].logsumexp(1)

    def responsibilities(self, x: Tensor, /) -> Tensor:
        """The probability that each image came from each component, `(B, K)`.

        >>> import torch, invprob as ip
        >>> means = torch.tensor([[-1.0], [1.0]])
        >>> prior = ip.GaussianMixturePrior(torch.ones(2), means, torch.eye(1))
        >>> prior.responsibilities(torch.zeros(1, 1))
        tensor([[0.5000, 0.5000]])
        """
        return self._components(x, x.new_zeros(()))[2].softmax(1)

    def sample(self, shape: Shape, generator: Generator, /) -> Tensor:
        """Images of shape `(B, *image)` = `shape`, in the means' dtype."""
        if tuple(shape[1:]) != tuple(self.means.shape[1:]):
            raise InputError(
                f"images of shape {tuple(shape[1:])} were asked of a prior over "
                f"{tuple(self.means.shape[1:])}; shape is (B, *image)"
            )
        weights = self.weights.to(generator.device)
        which = torch.multinomial(weights, shape[0], replacement=True, generator=generator)
        noise = torch.randn(
            (shape[0], self.means[0].numel()),
            generator=generator,
            dtype=self.means.dtype,
            device=generator.device,
        ).to(self.means)
        which = which.to(self.means.device)
        sd, axes = self._eigen
        offset = torch.einsum("bij,bj->bi", axes[which], sd[which] * noise)
        return self.means[which] + offset.reshape(shape)

    def posterior(self, likelihood: LinearGaussian, y: Tensor, /) -> GaussianMixturePrior:
        """The exact p(x | y) for y = H x + sigma n, again a mixture, in float64.

        H becomes a dense matrix: meant for images of at most a few hundred pixels. Components that
        y makes less likely than 1e-12 are left out.

        Args:
            likelihood: linear and Gaussian, such as `Gaussian(sigma, operator)`.
            y: one measurement, `(1, *measurement)`.

        Raises:
            InputError: y holds several measurements, or the image is too large.

        >>> import torch, invprob as ip
        >>> means = torch.tensor([[-1.0], [1.0]])
        >>> prior = ip.GaussianMixturePrior(torch.ones(2), means, torch.eye(1))
        >>> posterior = prior.posterior(ip.Gaussian(sigma=1.0), torch.zeros(1, 1))
        >>> posterior.means.flatten().tolist()
        [-0.5, 0.5]
        """
        shape = tuple(self.means.shape[1:])
        given = condition(self.means.flatten(1), self._full(), likelihood, y, shape)
        weights = (self.weights.to(given.means).log() + given.log_evidence).softmax(0)
        keep = weights > 1e-12
        return GaussianMixturePrior(
            weights[keep], given.means[keep].reshape(-1, *shape), given.covariances[keep]
        )

    def _full(self) -> Tensor:
        """The covariances, `(K, d, d)`, without broadcasting."""
        size = self.means[0].numel()
        return self.covariances.to(self.means).expand(len(self.means), size, size)

    def _components(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """r_k `(B, K, d)`, its variance, and log weight_k N(x; k) `(B, K)`, at this sigma."""
        sd, axes = (part.to(x) for part in self._eigen)
        count, size = sd.shape
        flat = axes.movedim(0, 1).reshape(size, count * size)
        origin = torch.einsum("kd,kde->ke", self.means.to(x).flatten(1), axes)
        coordinates = (x.flatten(1) @ flat).reshape(-1, count, size) - origin
        level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device).reshape(-1, 1, 1)
        variance = sd.square() + level.square()
        density = coordinates.square() / variance + variance.log() + math.log(2 * math.pi)
        return coordinates, variance, self.weights.to(x).log() - 0.5 * density.sum(2)

    def _image(self, coordinates: Tensor, probability: Tensor) -> Tensor:
        """sum_k probability_k V_k r_k, `(B, d)`."""
        count, size = self._eigen[0].shape
        axes = self._eigen[1].to(coordinates).mT.reshape(count * size, size)
        return (coordinates * probability[..., None]).flatten(1) @ axes


def _checked(prior: GaussianMixturePrior) -> Tensor:
    """The covariances `(K, d, d)`, after checking every argument."""
    means, weights = prior.means, prior.weights
    if not means.is_floating_point() or means.ndim < 2:
        raise InputError(
            f"means has type {means.dtype} and shape {tuple(means.shape)}; give floating-point "
            "numbers of shape (K, *image)"
        )
    count, size = len(means), means[0].numel()
    if tuple(weights.shape) != (count,):
        raise InputError(
            f"weights has shape {tuple(weights.shape)}; {count} means need shape ({count},)"
        )
    if not bool((weights > 0).all()):
        raise InputError(f"weights are {weights.tolist()}; all must be > 0")
    fits = prior.covariances.ndim in (2, 3) and tuple(prior.covariances.shape[-2:]) == (size, size)
    if not fits or (prior.covariances.ndim == 3 and len(prior.covariances) not in (1, count)):
        raise InputError(
            f"covariances has shape {tuple(prior.covariances.shape)}; {count} means of {size} "
            f"pixels need ({count}, {size}, {size}), or ({size}, {size}) for all"
        )
    return prior.covariances.expand(count, size, size)
