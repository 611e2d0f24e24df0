"""Laplace noise, y = x + n with density exp(-|n| / b) / 2b: outliers are common.

    log p(y | x) = -sum |y - x| / b - d log 2b

It is log-concave, with a kink at x = y. The proximal map moves v towards y by at most step / b and
stops there (soft thresholding). Against a Gaussian N(x; v, rho²) the posterior is two pieces of
normals, exactly: on either side of y the exponent is linear, which only moves the mean,

    x < y:  N(v + rho² / b, rho²),   weight exp(-(y - v) / b) Φ((y - v) / rho - rho / b)
    x > y:  N(v - rho² / b, rho²),   weight exp(+(y - v) / b) Φ((v - y) / rho - rho / b)
"""

import math

import torch
from attrs import field, frozen, validators
from torch import Generator, Tensor
from torch.special import log_ndtr, ndtri

from invprob import Component, hookimpl
from invprob.contracts import Surrogate


@frozen
class Laplace:
    """y = x + Laplace(scale) in every pixel.

    Args:
        scale: b, the mean of |y - x|; the standard deviation is √2 b.
    """

    scale: float = field(default=0.1, validator=validators.gt(0))

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """The difference of two exponential draws."""
        size = (2, *x.shape)
        n = torch.empty(size, dtype=x.dtype).exponential_(generator=generator).to(x.device)
        return x + self.scale * (n[0] - n[1])

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The log-density, one number per row."""
        return self.log_density(y, x).flatten(1).sum(1)

    def log_density(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The log-density of every pixel by itself."""
        return -(y - x).abs() / self.scale - math.log(2 * self.scale)

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """sign(y - x) / b."""
        return (y - x).sign() / self.scale

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """sign(x - y) / b."""
        return (x - y).sign() / self.scale

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """Move v towards y, by step / b at most."""
        reach = per_row(step, v) / self.scale
        return v + (y - v).clamp(-reach, reach)

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian with the prox of x, as sharp as the kink is when blurred by sigma."""
        step = per_row(sigma, x).square()
        pull = (self.prox(y, x, step.flatten()) - x) / step
        kink = (-(y - x).square() / (2 * step)).exp() * (2 / (math.pi * step)).sqrt() / self.scale
        sharp = torch.maximum(kink, 1e-6 / step)
        w = x + pull * step + pull / sharp
        return Surrogate(w, sharp.rsqrt(), torch.clone, torch.clone)

    def sample_given(self, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /) -> Tensor:
        """The side of y by its weight, then a truncated normal by inversion."""
        u, side = torch.rand((2, *v.shape), generator=generator, dtype=torch.float64).to(v.device)
        rho = per_row(rho, v).double()
        gap, pull = (y - v).double() / rho, rho / self.scale
        left = -gap * pull + log_ndtr(gap - pull)
        right = gap * pull + log_ndtr(-gap - pull)
        sign = torch.where(side.log() < left - torch.logaddexp(left, right), 1.0, -1.0)
        end = sign * gap - pull
        return (v + sign * rho * (pull + below(end, u))).to(v)


def per_row(number: Tensor, like: Tensor) -> Tensor:
    """A number `()` or one per row `(B,)`, in a shape that multiplies images."""
    return number.to(like).reshape(-1, *[1] * (like.ndim - 1))


def below(end: Tensor, u: Tensor) -> Tensor:
    """A standard normal number below `end`, from a uniform one: Φ(t) = u Φ(end), float64."""
    goal = u.clamp_min(1e-300).log() + log_ndtr(end)
    t = torch.where(goal > -500, ndtri(goal.exp()), -(-2 * goal).clamp_min(0).sqrt())
    for _ in range(4):  # Newton's method on log Φ, which is concave, far out in the tail too
        slope = (-t.square() / 2 - math.log(math.tau) / 2 - log_ndtr(t)).exp()
        t = t - (log_ndtr(t) - goal) / slope
    return torch.minimum(t, end)


@hookimpl
def invprob_components() -> list[Component]:
    """What this distribution contributes."""
    return [
        Component(
            "likelihood",
            "laplace",
            Laplace,
            summary="y = x + Laplace noise: outliers are common",
            reference="P.-S. Laplace (1774). Mémoire sur la probabilité des causes par les "
            "événements.",
        )
    ]
