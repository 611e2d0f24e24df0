"""The step towards the data is the prox, to what a denoiser can tell, for fewer products."""

import pytest
import torch

import invprob as ip
from invprob.solvers.agreement import ERROR, FOLLOWED, agree

SHAPE = (1, 12, 12)


class Counted:
    """Means of neighbours, weighted unevenly; counts its products."""

    def __init__(self):
        self.products = 0
        self.weight = torch.linspace(0.01, 1, 144, dtype=torch.float64).reshape(SHAPE)

    def forward(self, x, /):
        self.products += 1
        x = self.weight.to(x) * x
        return x + 0.8 * x.roll(1, -1)

    def adjoint(self, y, /):
        return self.weight.to(y) * (y + 0.8 * y.roll(-1, -1))

    def out_shape(self, shape, /):
        return tuple(shape)


def problem(sigma):
    prior = ip.GaussianPrior(mean=torch.full(SHAPE, 0.5), sd=0.2)
    x = torch.rand((2, *SHAPE), generator=ip.generator(0), dtype=torch.float64)
    noise = ip.Gaussian(sigma, operator=Counted())
    return ip.Problem(prior, noise, noise.sample(x, ip.generator(1)))


@pytest.mark.parametrize("sigma", [1e-3, 0.05, 1.0])
@pytest.mark.parametrize("step", [1e-6, 1e-2])
def test_it_is_near_the_prox_and_costs_less(sigma, step):
    task, step = problem(sigma), torch.tensor(step, dtype=torch.float64)
    z = torch.full((2, *SHAPE), 0.4, dtype=torch.float64)
    operator = task.likelihood.operator
    operator.products = 0
    exact = task.likelihood.prox(task.y, z, step)
    dear, operator.products = operator.products, 0
    near = agree(task, z, step)
    assert operator.products < dear
    error = (near - exact).flatten(1).square().mean(1).sqrt()
    moved = (exact - z).flatten(1).square().mean(1).sqrt()
    assert bool((error < ERROR * step.sqrt()).all())
    assert bool((error < FOLLOWED * moved).all()) or sigma < 1e-2


@pytest.mark.parametrize("noise", [ip.Gaussian(0.1), ip.Poisson(30.0)])
def test_it_is_the_prox_itself_where_that_is_no_system(noise):
    y = noise.sample(torch.full((1, *SHAPE), 0.5), ip.generator(0))
    task = ip.Problem(ip.GaussianPrior(mean=torch.full(SHAPE, 0.5), sd=0.2), noise, y)
    z, step = torch.full_like(y, 0.3), torch.tensor(0.01)
    assert torch.equal(agree(task, z, step), noise.prox(y, z, step))
