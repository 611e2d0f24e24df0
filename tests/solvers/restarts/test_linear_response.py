"""How far the data pull a restart: the prior's linear response to what was measured."""

import pytest
import torch

import invprob as ip
from invprob.diagnostics.laboratory import measurements, similar_mixture
from invprob.solvers import diffusion
from invprob.solvers.restarts import linear_response
from invprob.solvers.restarts.particles import Data

SHAPE = (1, 4, 4)
PRIOR = similar_mixture((4, 4))
PINHOLES = measurements((4, 4))["inpaint"]


def measured():
    """One measurement of an image through pinholes."""
    draw = ip.generator(0, 2)
    return PINHOLES.sample(PRIOR.sample((1, *SHAPE), draw), draw)


@pytest.mark.parametrize("task", ["inpaint", "blur", "sr", "cs"])
def test_from_far_above_the_data_pull_to_the_best_linear_estimate(task):
    prior = ip.GaussianMixturePrior(torch.ones(1), PRIOR.means[:1], PRIOR.covariances[:1])
    noise = measurements((4, 4))[task]
    y = noise.sample(prior.sample((1, *SHAPE), ip.generator(1)), ip.generator(2))
    exact = prior.posterior(noise, y).mean
    gaps = [
        float((estimated(prior, noise, y, rounds) - exact).norm() / (prior.means - exact).norm())
        for rounds in (1, 4, 16)
    ]
    assert gaps[0] < 0.9
    assert gaps[1] < gaps[0] + 1e-6
    assert gaps[2] < 1e-3


def estimated(prior, noise, y, rounds, level=300.0):
    problem = ip.Problem(prior, noise, y)
    spectrum = diffusion.spectrum(problem)
    data = Data(spectrum.observe(y), spectrum.sd, 0.02)
    seen = spectrum.vt(prior.means)
    return prior.means + spectrum.v(
        linear_response.pull(problem, data, prior.means, seen, level, rounds)
    )


@pytest.mark.parametrize("level", [0.1, 0.2, 0.5])
@pytest.mark.parametrize(("step", "error"), [(1e-4, 1e-3), (linear_response.SMALL_STEP, 0.1)])
def test_the_data_pull_along_the_vector_jacobian_product(level, step, error, monkeypatch):
    """The Jacobian is symmetric: a small finite difference is the product of autograd."""
    monkeypatch.setattr(linear_response, "SMALL_STEP", step)
    y, draw = measured(), ip.generator(5)
    problem = ip.Problem(PRIOR, PINHOLES, y)
    spectrum = diffusion.spectrum(problem)
    data = Data(spectrum.observe(y), spectrum.sd, 0.02)
    noise = torch.randn(1, *SHAPE, generator=draw, dtype=y.dtype)
    x = (PRIOR.sample((1, *SHAPE), draw) + level * noise).requires_grad_()
    denoised = PRIOR.denoise(x, torch.tensor(level, dtype=y.dtype))
    seen, unused = spectrum.vt(denoised), data.unused(level)
    along = torch.where(unused > 0, data.w - seen, 0).detach()
    (product,) = torch.autograd.grad(denoised, x, spectrum.v(along))
    response = level**2 * spectrum.vt(product)
    curved = torch.where(unused > 0, response + along / unused, 0)
    expected = along.square().sum() / (along * curved).sum() * response
    found = linear_response.pull(problem, data, x.detach(), seen.detach(), level, 1)
    assert float((found - expected).norm()) < error * float(expected.norm())


def test_a_denoiser_that_is_no_derivative_pulls_to_nothing_infinite():
    class Rotating:
        def denoise(self, x, sigma):
            return (x.flip(-1) - x.flip(-2) - x) / 3

    problem = ip.Problem(Rotating(), PINHOLES, measured())
    result = ip.solve(problem, ip.Restart(20), samples=4)
    assert result.samples.isfinite().all()
