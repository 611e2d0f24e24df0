"""Small correct parts of every kind, to plant bugs in; independent of those that invprob ships."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import torch
from attrs import frozen
from torch import Tensor

from invprob.contracts import SVD, Denoises, Differentiable, Needs
from invprob.errors import InputError


def rows(level, like):
    return level.to(like).reshape(-1, *[1] * (like.ndim - 1))


def planted(part, **changes):
    """The same part with methods or attributes replaced."""
    cls = type(type(part).__name__, (type(part),), changes)
    twin = object.__new__(cls)
    for field in attrs.fields(type(part)):
        if field.name not in changes:
            object.__setattr__(twin, field.name, getattr(part, field.name))
    return twin


def without(part, *methods):
    """The same part with only what is left; a class can't lose a method, so it is wrapped."""
    kept = {
        name: staticmethod(getattr(part, name))
        for name in dir(part)
        if not name.startswith("_") and name not in methods and callable(getattr(part, name))
    }
    return type(type(part).__name__, (), kept)()


@frozen
class Gamma:
    """y = x G with G ~ Gamma(shape a, mean 1): noise in proportion to the image."""

    a: float = 9.0

    def sample(self, x, generator, /):
        draws = torch.zeros_like(x)
        for _ in range(int(self.a)):  # a sum of exponentials, for whole a
            unit = torch.rand(x.shape, generator=generator, dtype=x.dtype)
            draws = draws - torch.log1p(-unit.to(x.device))
        return x * draws / self.a

    def log_prob(self, y, x, /):
        inside = (x > 0) & (y > 0)
        x, y = (torch.where(inside, t, 1.0) for t in (x, y))
        constant = self.a * math.log(self.a) - math.lgamma(self.a)
        value = constant + (self.a - 1) * y.log() - self.a * (x.log() + y / x)
        return torch.where(inside, value, -torch.inf).flatten(1).sum(1)

    def grad_x(self, y, x, /):
        x = x.clamp_min(1e-6)
        return self.a * (y / x**2 - 1 / x)

    def score_y(self, y, x, /):
        return (self.a - 1) / y - self.a / x.clamp_min(1e-6)

    def match_score(self, y, s, x, /):
        return self.a * y / (self.a - 1 - y * s)


@frozen
class Poisson:
    """y = k / peak with k ~ Poisson(peak x): counts."""

    peak: float = 20.0

    def sample(self, x, generator, /):
        return torch.poisson(self.peak * x, generator=generator) / self.peak

    def log_prob(self, y, x, /):
        k = (self.peak * y).round()
        rate = self.peak * x
        possible = (k >= 0) & (rate >= 0) & ((self.peak * y - k).abs() < 1e-3)
        k, rate = (torch.where(possible, t, 1.0) for t in (k, rate))
        value = torch.xlogy(k, rate) - rate - torch.lgamma(k + 1)
        return torch.where(possible, value, -torch.inf).flatten(1).sum(1)


@frozen
class Square:
    """y = x² + sigma n: the prox has two valleys."""

    sigma: float = 0.05

    def sample(self, x, generator, /):
        n = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        return x**2 + self.sigma * n.to(x.device)

    def log_prob(self, y, x, /):
        constant = math.log(self.sigma * math.sqrt(2 * math.pi))
        return -((y - x**2).square() / (2 * self.sigma**2) + constant).flatten(1).sum(1)

    def valleys(self, y, v, step):
        """Newton's method on the stationarity condition, from both sides."""
        weight = rows(step, v) / self.sigma**2
        for sign in (1, -1):
            x = sign * y.clamp_min(0.01).sqrt()
            for _ in range(60):
                slope = 2 * weight * x * (x**2 - y) + x - v
                bend = (weight * (6 * x**2 - 2 * y) + 1).clamp_min(0.1)
                x = x - slope / bend
            yield x

    def objective(self, y, x, v, step):
        return rows(step, v) * (y - x**2) ** 2 / (2 * self.sigma**2) + (x - v) ** 2 / 2

    def prox(self, y, v, step, /):
        plus, minus = self.valleys(y, v, step)
        first = self.objective(y, plus, v, step) <= self.objective(y, minus, v, step)
        return torch.where(first, plus, minus)


@frozen(eq=False, repr=False)
class Matrix:
    """y = M x for images of one shape, with the SVD of the matrix; M may be wide and singular."""

    matrix: Tensor
    shape: tuple[int, ...] = (1, 2, 3)

    def __repr__(self):
        return f"Matrix({tuple(self.matrix.shape)})"

    def forward(self, x, /):
        return x.flatten(1) @ self.matrix.to(x).T

    def adjoint(self, y, /):
        return (y @ self.matrix.to(y)).reshape(-1, *self.shape)

    def out_shape(self, shape, /):
        if tuple(shape) != self.shape:
            raise InputError(f"images of shape {shape} don't fit; give {self.shape}")
        return (self.matrix.shape[0],)

    def image_shape(self, shape, /):
        return self.shape

    def factors(self):
        u, s, vt = torch.linalg.svd(self.matrix.double(), full_matrices=True)
        full = torch.zeros(self.matrix.shape[1], dtype=torch.float64)
        full[: len(s)] = torch.where(s > 1e-9, s, 0.0)
        seen = full > 0
        left = torch.zeros(self.matrix.shape, dtype=torch.float64)
        left[:, : len(s)] = u[:, : len(s)]
        return left * seen, full, vt

    def svd(self, shape, /):
        u, s, vt = self.factors()
        return SVD(
            s=s,
            v=lambda z: (z @ vt.to(z)).reshape(-1, *self.shape),
            vt=lambda x: x.flatten(1) @ vt.to(x).T,
            u=lambda z: z @ u.to(z).T,
            ut=lambda y: y @ u.to(y),
        )


@frozen(eq=False, repr=False)
class Regular(Matrix):
    """A square matrix that can be inverted."""

    def __repr__(self):
        return f"Regular({tuple(self.matrix.shape)})"

    def inverse(self, y, /):
        return (y @ torch.linalg.inv(self.matrix.to(y)).T).reshape(-1, *self.shape)

    def inverse_adjoint(self, x, /):
        return x.flatten(1) @ torch.linalg.inv(self.matrix.to(x))

    def log_abs_det(self, shape, /):
        return torch.linalg.slogdet(self.matrix.double()).logabsdet


def a_matrix(m, n, rank=None):
    generator = torch.Generator().manual_seed(m * 100 + n)
    left = torch.randn(m, rank or min(m, n), generator=generator, dtype=torch.float64)
    right = torch.randn(rank or min(m, n), n, generator=generator, dtype=torch.float64)
    return left @ right


@frozen(eq=False)
class Walked:
    x: Tensor
    sigma: float


@frozen
class Langevin:
    """Noise levels that halve; at each, one Langevin step on p(x | y)."""

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Differentiable,))
    stochastic: ClassVar[bool] = True
    levels: int = 40
    noise: float = 1.0

    def steps(self, problem, /):
        return self.levels

    def init(self, problem, streams, x0, /):
        x = problem.zeros() + 0.5 if x0 is None else x0.clone()
        return Walked(x, 0.3)

    def drift(self, problem, x, sigma):
        prior = problem.prior.denoise(x, x.new_tensor(sigma)) - x
        return prior / sigma**2 + problem.likelihood.grad_x(problem.y, x)

    def step(self, problem, state, streams, /):
        size = 0.2 * state.sigma**2
        x = state.x + size * self.drift(problem, state.x, state.sigma)
        x = x + self.noise * math.sqrt(2 * size) * streams.normal(x)
        return Walked(x, max(0.9 * state.sigma, 0.1))

    def estimate(self, state, /):
        return state.x


@frozen
class Descent(Langevin):
    """The same without noise."""

    stochastic: ClassVar[bool] = False
    noise: float = 0.0
