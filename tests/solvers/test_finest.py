"""Samples where the prior denoises no level far below the data's noise have their spread."""

import pytest
import torch

import invprob as ip
from invprob.solvers import finest

LOW = 0.005
SAMPLERS = [ip.Restart(), ip.Restart(particles=1), ip.AnnealedLangevin()]


def exact(x, sigma):
    """The posterior mean under N(0.5, 0.2²) for each pixel."""
    return 0.5 + (x - 0.5) * 0.04 / (0.04 + sigma.view(-1, 1, 1, 1) ** 2)


def problem(sigma, keep, low=LOW):
    prior = ip.DenoiserPrior(exact, ip.Domain(sigma=(low, 80.0)))
    noise = ip.Gaussian(sigma=sigma)
    if keep < 1:
        noise = ip.Gaussian(sigma=sigma, operator=ip.Mask.random((8, 8), keep=keep, seed=1))
    x = 0.5 + 0.2 * torch.randn(1, 1, 8, 8, generator=ip.generator(1))
    return ip.Problem(prior, noise, noise.sample(x, ip.generator(0)))


@pytest.mark.parametrize("solver", SAMPLERS, ids=str)
@pytest.mark.parametrize(
    ("sigma", "keep"), [(0.006, 1.0), (0.02, 1.0), (0.001, 0.7), (LOW, 0.7), (0.006, 0.7)]
)
def test_what_was_measured_varies_by_the_noise(solver, sigma, keep):
    asked = problem(sigma, keep)
    samples = ip.solve(asked, solver, samples=200, seed=0, progress=False).samples[:, 0]
    sd = samples.std(0).flatten()
    known = torch.ones(64, dtype=torch.bool)
    if keep < 1:
        known = ip.Mask.random((8, 8), keep=keep, seed=1).mask.flatten().bool()
    assert 0.93 < float(sd[known].square().mean().sqrt()) / sigma < 1.07
    away = (samples - asked.y[0]).flatten(1)[:, known].mean(0)
    assert float(away.square().mean().sqrt()) < 0.3 * sigma
    if keep < 1:
        assert 0.9 < float(sd[~known].square().mean().sqrt()) / 0.2 < 1.1


def test_far_below_the_noise_nothing_is_changed():
    """A call of the denoiser, and no random number."""
    asked, x = problem(0.1, 0.7), torch.rand(1, 1, 8, 8, generator=ip.generator(2))
    level = torch.tensor(LOW)
    assert not finest.is_coarse(asked, LOW, 0.1) and finest.is_coarse(asked, LOW, 0.02)
    assert torch.equal(finest.last_call(asked, x, level, 0.1, None), exact(x, level))


def test_levels_of_the_solver_s_own_are_no_floor():
    """A last level that the prior did not impose is as it was asked for."""
    assert not finest.is_coarse(problem(0.006, 0.7, low=1e-4), LOW, 0.006)


@pytest.mark.parametrize(("sigma", "taken"), [(0.9 * LOW, True), (1.5 * LOW, False)])
def test_what_the_prior_knows_better_is_left_to_it(sigma, taken):
    prior = ip.DenoiserPrior(lambda x, _: torch.full_like(x, 0.5), ip.Domain(sigma=(LOW, 80.0)))
    y = torch.full((1, 1, 8, 8), 0.9)
    asked = ip.Problem(prior, ip.Gaussian(sigma=sigma), y)
    found = finest.last_call(asked, y, torch.tensor(LOW), sigma, ip.Streams(0))
    assert bool((found == 0.5).all()) != taken
    assert (found.mean() > 0.85) == taken
