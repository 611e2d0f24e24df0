"""Samples are as wide as the posterior where what was measured is far better known than the rest.

Crowds come down many noise levels then; `benchmarks/weak_noise.py` has the table.
"""

import pytest
import torch

import invprob as ip
from invprob.solvers import moves
from tests.solvers.gaussians import COVARIANCE, F64, PIXELS, SHAPE, gaussian

SIGMA, SAMPLES = 0.001, 256
OPERATORS = {
    "mask": ip.Mask.random(SHAPE[1:], keep=0.25, seed=1),
    "blur": ip.CircularBlur.named("uniform3"),
    "average": ip.Downsample(2),
}


def width(operator, solver):
    """The samples' total variance over the posterior's."""
    noise = ip.Gaussian(sigma=SIGMA, operator=operator)
    prior = gaussian()
    y = noise.sample(prior.sample((1, *SHAPE), ip.generator(0)), ip.generator(1))
    found = ip.solve(ip.Problem(prior, noise, y), solver, samples=SAMPLES, seed=0).samples
    rows = operator.forward(torch.eye(PIXELS, dtype=F64).view(PIXELS, *SHAPE)).flatten(1)
    precision = torch.linalg.inv(COVARIANCE) + rows @ rows.T / SIGMA**2
    return float(found.flatten(1).var(0).sum() / torch.linalg.inv(precision).trace())


@pytest.mark.parametrize("population", [1, 16])
@pytest.mark.parametrize("task", OPERATORS)
def test_crowds_are_as_wide_as_the_posterior(task, population):
    narrowest = 0.85 if population == 1 else 0.7  # weights take D for x, and prefer its middle
    assert narrowest < width(OPERATORS[task], ip.Restart(population=population)) < 1.15


def test_what_follows_from_the_measured_is_decided_by_it():
    """Smooth images: samples that are not pulled towards the data have 1.4 to 2 times as much."""
    place = torch.cartesian_prod(*[torch.arange(8, dtype=F64)] * 2)
    covariance = 0.04 * (-torch.cdist(place, place).square() / 8).exp()
    covariance += 1e-3 * torch.eye(64, dtype=F64)
    grey = torch.full((1, 1, 8, 8), 0.5, dtype=F64)
    prior = ip.GaussianMixturePrior(torch.ones(1, dtype=F64), grey, covariance)
    rows = torch.randn(20, 64, generator=ip.generator(0), dtype=F64) / 8
    noise = ip.Gaussian(sigma=SIGMA, operator=ip.Dense(rows, (1, 8, 8)))
    y = noise.sample(prior.sample((1, 1, 8, 8), ip.generator(0)), ip.generator(9))
    exact = prior.posterior(noise, y).covariance().trace()
    default, without = (
        ip.solve(ip.Problem(prior, noise, y), solver, samples=SAMPLES, seed=0).samples
        for solver in (ip.Restart(), ip.Restart(guided=False))
    )
    assert float(default.flatten(1).var(0).sum() / exact) == pytest.approx(1, abs=0.2)
    assert float(without.flatten(1).var(0).sum() / exact) > 1.25


def test_a_fall_has_the_variance_of_the_path():
    """Of x = noise of the level, with 0 for the denoised image: noise of the next level."""
    x = torch.randn(200_000, generator=ip.generator(0), dtype=F64) * 0.5
    move = moves.fall(torch.tensor(torch.inf, dtype=F64), x, torch.zeros_like(x), 0.5, 0.2)
    fallen = move.to(torch.randn(x.shape, generator=ip.generator(1), dtype=F64))
    assert float(fallen.std()) == pytest.approx(0.2, rel=0.01)


def test_a_fall_begins_where_a_coordinate_was_measured():
    """At sd for one between the levels; one measured better keeps its value."""
    sd, x = torch.tensor([0.1, 0.3, 9.0]), torch.ones(1, 3)
    move = moves.fall(sd, x, torch.zeros(1, 3), 0.5, 0.2)
    assert torch.allclose(move.mean, torch.tensor([[1, (2 / 3) ** 2, 0.4**2]]))
    assert float(move.width[0]) == 0
