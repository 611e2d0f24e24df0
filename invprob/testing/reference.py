"""A Gaussian prior and white Gaussian noise with every capability there is, in a line each.

Solvers are tried on this problem, because everything about it is known: the posterior is Gaussian
in each pixel, with

    Var[x | y] = 1 / (1 / t² + 1 / sigma²),   E[x | y] = Var[x | y] (m / t² + y / sigma²).

They are independent of the parts that invprob ships, so a mistake in those does not hide here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from attrs import frozen
from torch import Generator, Tensor

from ..contracts import Linearised, Map, Shape, Spectrum, Stabilised, Surrogate
from ..problem import Problem
from ..streams import generator


def _per_row(level: Tensor, like: Tensor) -> Tensor:
    """A level `()` or `(B,)` in a shape that multiplies images."""
    return level.to(like).reshape(-1, *[1] * (like.ndim - 1))


def _normal_log_prob(z: Tensor, deviation: float) -> Tensor:
    constant = math.log(deviation) + math.log(2 * math.pi) / 2
    return -((z / deviation) ** 2 / 2 + constant).flatten(1).sum(1)


def _normal(like: Tensor, stream: Generator) -> Tensor:
    return torch.randn(like.shape, generator=stream, dtype=like.dtype).to(like.device)


def _same(a: Tensor) -> Tensor:
    return a


@frozen
class GaussianImages:
    """Pixels that are independent and normal: p(x) = N(mean, deviation² I).

    Args:
        mean: of every pixel.
        deviation: t, of every pixel.
        noise: the noise in measurements, for `measurement_score` and `posterior_sample`.
    """

    mean: float = 0.5
    deviation: float = 0.15
    noise: float = 0.3

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """E[x₀ | x] = x + sigma² score(x, sigma)."""
        return x + _per_row(sigma, x) ** 2 * self.score(x, sigma)

    def score(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """(mean - x) / (t² + sigma²)."""
        return (self.mean - x) / (self.deviation**2 + _per_row(sigma, x) ** 2)

    def log_prob(self, x: Tensor, /) -> Tensor:
        """The log-density of N(mean, t² I)."""
        return _normal_log_prob(x - self.mean, self.deviation)

    def encode(self, x: Tensor, /) -> tuple[Tensor, Tensor]:
        """`z = (x - mean) / t` and -d log t."""
        z = (x - self.mean) / self.deviation
        return z, x.new_full((len(x),), -math.log(self.deviation) * x[0].numel())

    def decode(self, z: Tensor, /) -> Tensor:
        """`mean + t z`."""
        return self.mean + self.deviation * z

    def sample(self, shape: Shape, generator: Generator, /) -> Tensor:
        """`mean + t n`."""
        return self.mean + self.deviation * torch.randn(shape, generator=generator)

    def measurement_score(self, y: Tensor, /) -> Tensor:
        """(mean - y) / (t² + noise²), the score of y = x + noise n."""
        return self.score(y, y.new_tensor(self.noise))

    def tone_free(self) -> bool:
        """True, so that a solver which asks for it can be tried."""
        return True

    def posterior_sample(self, y: Tensor, temperature: float, generator: Generator, /) -> Tensor:
        """E[x | y] + temperature t noise / sqrt(t² + noise²) n."""
        scale = self.deviation * self.noise / math.hypot(self.deviation, self.noise)
        mean = self.denoise(y, y.new_tensor(self.noise))
        return mean + temperature * scale * _normal(y, generator)


@frozen
class WhiteNoise:
    """y = x + sigma n.

    Args:
        sigma: standard deviation of the noise.
    """

    sigma: float = 0.3

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """`x + sigma n`."""
        return x + self.sigma * _normal(x, generator)

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The log-density of N(x, sigma² I) at y."""
        return _normal_log_prob(y - x, self.sigma)

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """(y - x) / sigma²."""
        return (y - x) / self.sigma**2

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """(x - y) / sigma²."""
        return (x - y) / self.sigma**2

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        """`y + sigma² s`."""
        return y + self.sigma**2 * s

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """(step y + sigma² v) / (step + sigma²)."""
        weight = _per_row(step, v)
        return (weight * y + self.sigma**2 * v) / (weight + self.sigma**2)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """N(prox(y, v, rho²), 1 / (1 / sigma² + 1 / rho²))."""
        variance = 1 / (1 / self.sigma**2 + 1 / _per_row(rho, v) ** 2)
        return self.prox(y, v, rho**2) + variance.sqrt() * _normal(v, generator)

    def stabilise(self, y: Tensor, /) -> Stabilised:
        """`y` itself: its noise is even."""
        return Stabilised(y, self.sigma, _same)

    def annealed_score(
        self, y: Tensor, x: Tensor, prior_score: Tensor, sigma: Tensor, /
    ) -> Tensor:
        """Kawar et al. 2021: the noise of x is carved out of that of y while it is smaller."""
        gap = self.sigma**2 - _per_row(sigma, x) ** 2
        pull = (y - x) / gap.abs().clamp_min(torch.finfo(x.dtype).tiny ** 0.5)
        return torch.where(gap >= 0, prior_score + pull, pull)

    def spectrum(self, shape: Shape, /) -> Spectrum:
        """V = I, sd = sigma."""
        deviation = torch.full(tuple(shape), self.sigma, dtype=torch.float64)
        return Spectrum(sd=deviation, v=_same, vt=_same, observe=_same)

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """N(y; x, sigma²) itself."""
        return Surrogate(y, torch.full_like(y, self.sigma), _same, _same)

    def linearised(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Linearised:
        """N(y; x, sigma²) itself."""

        def inverse(rate: Tensor) -> Map:
            return lambda d: d / (1 + _per_row(rate, d) / self.sigma**2)

        return Linearised(y, torch.full_like(y, self.sigma), _same, _same, inverse)


def gaussian_problems(shape: Shape, /) -> Iterator[Problem[GaussianImages, Any]]:
    """Problems to try a solver on, the usual one first, float64, two measurements each.

    Noise of twice the images' own deviation; then images of which every other pixel was measured,
    nearly without noise, for solvers that refuse noisy data.

    >>> [problem.y.shape for problem in gaussian_problems((1, 8, 8))]
    [torch.Size([2, 1, 8, 8]), torch.Size([2, 1, 8, 8])]
    """
    from ..likelihoods.gaussian import Gaussian
    from ..operators.mask import Mask

    prior = GaussianImages()
    x = prior.sample((2, *shape), generator(0)).double()
    seen = (torch.arange(x[0].numel()) % 2 == 0).reshape(shape)
    for likelihood in (WhiteNoise(), Gaussian(sigma=1e-3, operator=Mask(seen))):
        yield Problem(prior, likelihood, likelihood.sample(x, generator(1)))


def blocks(shape: Shape, /) -> Problem[GaussianImages, Any] | None:
    """Means of 2 x 2 pixels with little noise, float64; None for images of odd sides.

    >>> blocks((1, 8, 8)).y.shape
    torch.Size([2, 1, 4, 4])
    """
    from ..likelihoods.gaussian import Gaussian
    from ..operators.downsample import Downsample

    if len(shape) != 3 or shape[1] % 2 or shape[2] % 2:
        return None
    prior, likelihood = GaussianImages(), Gaussian(sigma=0.1, operator=Downsample(2))
    x = prior.sample((2, *shape), generator(0)).double()
    return Problem(prior, likelihood, likelihood.sample(x, generator(1)))


def counts(shape: Shape, /) -> Problem[GaussianImages, Any]:
    """Photon counts, Poisson noise, of a bright and of an almost black image, float64.

    >>> counts((1, 8, 8)).y.shape
    torch.Size([2, 1, 8, 8])
    """
    from ..likelihoods.poisson import Poisson

    prior, likelihood = GaussianImages(), Poisson(peak=200)
    x = prior.sample((2, *shape), generator(0)).double().clamp_min(0.05)
    x[1] *= 0.05
    return Problem(prior, likelihood, likelihood.sample(x, generator(1)))


def posterior(problem: Problem[GaussianImages, Any], /) -> tuple[Tensor, float]:
    """E[x | y] and the root mean square of a sample's distance from it, for a `Spectral` one."""
    spectrum = problem.likelihood.spectrum(problem.image_shape)
    prior, y = problem.prior, problem.y
    information = spectrum.sd.to(y) ** -2
    precision = prior.deviation**-2 + information
    mean = spectrum.vt(torch.full_like(problem.zeros(), prior.mean))
    combined = mean * prior.deviation**-2 + spectrum.observe(y) * information
    deviation = float(precision.reciprocal().mean().sqrt())
    return spectrum.v(combined / precision), deviation
