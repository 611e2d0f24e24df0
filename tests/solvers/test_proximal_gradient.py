"""Plug-and-play proximal gradient, whose fixed point a Gaussian prior tells in closed form."""

import pytest
import torch
from gaussians import COVARIANCE, NOISES, SHAPE, exact, gaussian, measured, rms

import invprob as ip
from invprob.solvers import curvature


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("accelerated", [True, False])
def test_the_answer_is_the_posterior_mean(name, accelerated):
    problem = measured(NOISES[name])
    found = ip.solve(problem, ip.ProximalGradient(200, accelerated)).x
    assert rms(found - exact(problem)) < (1e-4 if accelerated else 2e-3)


def test_acceleration_pays():
    problem = measured(NOISES["deblurring"])
    plain, fast = (
        rms(ip.solve(problem, ip.ProximalGradient(60, fast)).x - exact(problem))
        for fast in (False, True)
    )
    assert fast < 0.1 * plain


class Heteroscedastic:
    """y = x + level n, of which only the gradient is known."""

    level = torch.linspace(0.05, 0.4, 36, dtype=torch.float64).reshape(SHAPE)

    def sample(self, x: torch.Tensor, generator: torch.Generator, /) -> torch.Tensor:
        return x + self.level * torch.randn(x.shape, generator=generator, dtype=x.dtype)

    def grad_x(self, y: torch.Tensor, x: torch.Tensor, /) -> torch.Tensor:
        return (y - x) / self.level.square()


def test_a_gradient_is_enough():
    noise = Heteroscedastic()
    y = noise.sample(gaussian().sample((2, *SHAPE), ip.generator(0)), ip.generator(1))
    problem = ip.Problem(gaussian(), noise, y)
    target = torch.empty_like(y)
    precision = gaussian().covariance().inverse()
    for row in range(2):
        matrix = precision + (1 / noise.level.flatten().square()).diag()
        right = precision @ gaussian().mean.flatten() + (y[row] / noise.level.square()).flatten()
        target[row] = torch.linalg.solve(matrix, right).reshape(SHAPE)
    found = ip.solve(problem, ip.ProximalGradient(300)).x
    assert rms(found - target) < 1e-4


@pytest.mark.parametrize("name", NOISES)
def test_the_largest_curvature_is_the_largest_eigenvalue(name):
    problem = measured(NOISES[name])
    gain = {"a larger unit": 3.0}.get(name, 1.0)
    expected = (gain / problem.likelihood.sigma) ** 2
    found = curvature.measure(problem, problem.y)[1].flatten(1).amax(1) / curvature.SAFETY
    assert bool((found > 0.97 * expected).all()) and bool((found < 1.0001 * expected).all())


@pytest.mark.parametrize("operator", [ip.Hadamard(8, keep=0.5, scramble=True), ip.Downsample(2)])
def test_the_curvature_bounds_the_hessian(operator):
    """So that diag(h) - M has no negative eigenvalue, operators with signs included."""
    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5, dtype=torch.float64), sd=0.2)
    noise = ip.Gaussian(sigma=0.1, operator=operator)
    y = noise.sample(prior.mean[None], ip.generator(0))
    height = curvature.measure(ip.Problem(prior, noise, y), prior.mean[None])[1]
    pixels = torch.eye(64, dtype=torch.float64).reshape(64, 1, 8, 8)
    hessian = operator.adjoint(operator.forward(pixels)).reshape(64, 64) / 0.1**2
    assert torch.linalg.eigvalsh(height.flatten().diag() - hessian).min() > -0.02 * height.mean()


def test_the_curvature_is_each_pixels_own():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5, dtype=torch.float64), sd=0.2)
    noise, x = ip.Poisson(peak=30), torch.linspace(0.1, 1, 16, dtype=torch.float64)
    x = x.reshape(1, 1, 4, 4)
    y = noise.sample(x, ip.generator(0))
    found = curvature.measure(ip.Problem(prior, noise, y), x)[1] / curvature.SAFETY
    torch.testing.assert_close(found, 30 * y / x.square(), rtol=0.02, atol=0.1)


@pytest.mark.parametrize(
    "noise", [ip.Poisson(peak=60), ip.Gamma(alpha=26), ip.Rayleigh(scale=0.15)], ids=repr
)
def test_noise_that_knows_dark_pixels_best_stops_no_gradient_method(noise):
    """Each is soon where its sibling with a proximal map ends; one step for all was not."""
    x = torch.linspace(0.03, 0.9, 36, dtype=torch.float64).reshape(1, *SHAPE)
    mean = torch.full(SHAPE, 0.4, dtype=torch.float64)
    prior = ip.GaussianPrior.from_covariance(mean, 4 * COVARIANCE)
    problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(0)))
    near = ip.solve(problem, ip.ADMM(1000)).x
    assert rms(ip.solve(problem, ip.ProximalGradient()).x - near) < 0.02  # Rayleigh: two optima
    near = ip.solve(problem, ip.REDFixedPoint(1000, sigma=0.03, unbiased=False)).x
    assert rms(ip.solve(problem, ip.RED(30, sigma=0.03, unbiased=False)).x - near) < 1e-3


def test_impossible_settings():
    with pytest.raises(ip.InputError, match="iterations=0"):
        ip.ProximalGradient(iterations=0)
