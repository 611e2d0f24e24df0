"""RED: three ways to the same image, which a Gaussian prior tells in closed form."""

import math

import pytest
import torch
from gaussians import NOISES, gaussian, measured, rms

import invprob as ip
from invprob.solvers.annealing import needs_light
from invprob.solvers.balance import HEAVY
from invprob.solvers.data_noise import noise_of


def answer(problem, sigma, weight):
    """D(x), with x the posterior mean under the covariance (C + sigma² I) / weight."""
    blurred = gaussian(sigma)
    prior = ip.GaussianPrior.from_covariance(blurred.mean, blurred.covariance() / weight)
    rows = (problem.y[row : row + 1] for row in range(len(problem.y)))
    x = torch.stack([prior.posterior(problem.likelihood, y).mean for y in rows])
    return problem.prior.denoise(x, torch.tensor(sigma, dtype=x.dtype))


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize(
    "solver",
    [ip.RED(150), ip.REDFixedPoint(60), ip.REDADMM(100)],
    ids=lambda solver: type(solver).__name__,
)
def test_the_answer_is_the_denoised_posterior_mean_under_the_blurred_prior(solver, name):
    problem = measured(NOISES[name])
    target = answer(problem, 0.7 * noise_of(problem), HEAVY)
    assert rms(ip.solve(problem, solver).x - target) < 2e-3


def test_without_acceleration_the_way_is_longer_and_the_end_the_same():
    problem = measured(NOISES["inpainting"])
    target = answer(problem, 0.07, HEAVY)
    for method in (ip.RED, ip.REDFixedPoint):
        plain, fast = (
            rms(ip.solve(problem, method(iterations=20, accelerated=a)).x - target)
            for a in (False, True)
        )
        assert fast < 0.5 * plain
        assert rms(ip.solve(problem, method(iterations=800, accelerated=False)).x - target) < 1e-4


def test_steepest_descent_never_goes_up():
    """Without acceleration and at one sigma, each step raises log p(y | x) + log p_sigma(x)."""
    problem = measured(NOISES["deblurring"])
    blurred = ip.GaussianPrior.from_covariance(
        problem.prior.mean, problem.prior.covariance() + 0.2**2 * torch.eye(36)
    )
    solver = ip.RED(iterations=30, sigma=0.2, accelerated=False, weight=1.0)
    values = [
        problem.likelihood.log_prob(problem.y, event.state.x) + blurred.log_prob(event.state.x)
        for event in ip.iterate(problem, solver, x0=problem.zeros() + 0.45)
    ]
    assert bool((torch.stack(values).diff(dim=0) > 0).all())


def test_photon_counts_agree_between_the_variants():
    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5, dtype=torch.float64), sd=0.1)
    noise = ip.Poisson(peak=40.0)
    x = prior.sample((2, 1, 8, 8), ip.generator(0)).clamp(min=0)
    problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(1)))
    sigma = 0.05
    descent, fixed, split = (
        ip.solve(problem, solver).x
        for solver in (
            ip.RED(800, sigma, weight=1.0, unbiased=False),
            ip.REDFixedPoint(800, sigma, weight=1.0, unbiased=False),
            ip.REDADMM(800, sigma, weight=1.0, unbiased=False),
        )
    )
    torch.testing.assert_close(descent, fixed, atol=1e-4, rtol=0)
    torch.testing.assert_close(split, fixed, atol=1e-4, rtol=0)
    v = prior.sd**2 + sigma**2  # each pixel by itself: peak (y / x - 1) = (x - 0.5) / v
    root = (0.5 - v * 40) / 2
    root = root + (root**2 + v * 40 * problem.y).sqrt()
    denoised = prior.denoise(root, torch.tensor(sigma, dtype=root.dtype))
    torch.testing.assert_close(fixed, denoised, atol=1e-4, rtol=0)


@pytest.mark.parametrize("method", [ip.RED, ip.REDFixedPoint, ip.REDADMM])
def test_impossible_settings(method):
    for bad in ({"iterations": 0}, {"sigma": 0.0}, {"sigma": math.nan}):
        with pytest.raises(ip.InputError, match=next(iter(bad))):
            method(**bad)
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.01, 0.5)))
    problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.rand(1, 1, 4, 4))
    with pytest.raises(ip.InputError, match="denoises 0.01 to 0.5"):
        ip.solve(problem, method(sigma=0.001))


class Counts:
    """Poisson noise as one first writes it: torch refuses a negative rate in its own words."""

    def sample(self, x, generator, /):
        return torch.poisson(30 * x, generator) / 30

    def grad_x(self, y, x, /):
        return 30 * (y / x.clamp(min=1e-3) - 1)


def test_noise_that_fails_below_black_in_its_own_way_is_kept_at_black_or_above():
    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.1), sd=0.1)
    y = Counts().sample(torch.full((1, 1, 8, 8), 0.02), ip.generator(0))
    events = list(ip.iterate(ip.Problem(prior, Counts(), y), ip.RED()))
    assert all(float(event.state.x.min()) >= 0 for event in events)
    assert float(events[-1].state.denoised.mean()) == pytest.approx(float(y.mean()), abs=0.05)


def test_a_bug_in_a_simulation_is_not_taken_for_darkness():
    class Faulty(Counts):
        def sample(self, x, generator, /):
            raise RuntimeError("a bug")

    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.1), sd=0.1)
    problem = ip.Problem(prior, Faulty(), torch.full((1, 1, 8, 8), 0.5))
    with pytest.raises(RuntimeError, match="a bug"):
        needs_light(problem)
