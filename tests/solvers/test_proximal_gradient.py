"""Plug-and-play proximal gradient, whose fixed point a Gaussian prior tells in closed form."""

import pytest
import torch
from gaussians import NOISES, SHAPE, exact, gaussian, measured, rms

import invprob as ip
from invprob.solvers import curvature

torch.set_num_threads(1)


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
def test_the_curvature_is_the_largest_eigenvalue(name):
    problem = measured(NOISES[name])
    gain = {"a larger unit": 3.0}.get(name, 1.0)
    expected = (gain / problem.likelihood.sigma) ** 2
    found = curvature.measure(problem, problem.y)[1] / curvature.SAFETY
    assert bool((found > 0.97 * expected).all()) and bool((found < 1.0001 * expected).all())


def test_impossible_settings():
    with pytest.raises(ip.InputError, match="iterations=0"):
        ip.ProximalGradient(iterations=0)
