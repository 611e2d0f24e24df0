"""Samples of priors whose distribution is known."""

import math

import pytest
import torch

import invprob as ip

F64 = torch.float64


@pytest.mark.parametrize(
    ("solver", "tolerance"),
    [
        (ip.PriorSampling(calls=50, sigma_max=10.0), 0.04),
        (ip.PriorSampling(calls=25, sigma_max=10.0), 0.06),
        (ip.PriorSampling(calls=400, method="langevin", sigma_max=10.0), 0.1),
    ],
    ids=["50 calls", "25 calls", "langevin"],
)
def test_mean_and_standard_deviation_of_a_gaussian(solver, tolerance):
    sd = torch.tensor([0.03, 0.1, 0.3, 1.0], dtype=F64)[:, None]
    prior = ip.GaussianPrior(mean=(1 - sd).expand(4, 5000).clone(), sd=sd)
    x = ip.solve(ip.Problem(prior, ip.Unobserved(), torch.zeros(1, 4, 5000, dtype=F64)), solver).x
    assert bool(((x[0].mean(1) - 1 + sd[:, 0]).abs() < 5 * sd[:, 0] / math.sqrt(5000)).all())
    torch.testing.assert_close(x[0].std(1), sd[:, 0], rtol=tolerance, atol=0)


@pytest.mark.parametrize(
    "solver",
    [ip.PriorSampling(), ip.PriorSampling(calls=200, method="langevin")],
    ids=["diffusion", "langevin"],
)
def test_modes_get_their_share(solver):
    means = torch.tensor([[0.1, 0.9], [0.8, 0.2]], dtype=F64)
    weights = torch.tensor([0.3, 0.7], dtype=F64)
    prior = ip.GaussianMixturePrior(weights, means, 0.05**2 * torch.eye(2, dtype=F64))
    problem = ip.Problem(prior, ip.Unobserved(), torch.zeros(500, 2, dtype=F64))
    x = ip.solve(problem, solver).x
    first = x[:, 0] < x[:, 1]
    assert abs(float(first.double().mean()) - 0.3) < 5 * math.sqrt(0.21 / 500)
    torch.testing.assert_close(x[first].mean(0), means[0], atol=0.02, rtol=0)


def test_a_measurement_is_refused():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.4), sd=0.2)
    problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.zeros(1, 1, 4, 4))
    with pytest.raises(ip.IncompatibleError, match="is not Flat"):
        ip.solve(problem, ip.PriorSampling())


@pytest.mark.parametrize(
    "bad", [{"calls": 1}, {"method": "gan"}, {"sigma_min": 0.0}, {"sigma_max": 0.0}]
)
def test_impossible_settings(bad):
    with pytest.raises(ip.InputError, match=next(iter(bad))):
        ip.PriorSampling(**bad)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sigma_max": 3.0}, "sigma_max=3, .* from 0.01 to 2"),
        ({"sigma_max": 0.008}, "sigma_max=0.008, .* from 0.01 to 2"),
        ({"sigma_min": 0.005}, "sigma_min=0.005, .* from 0.01 to 2"),
        ({"sigma_max": 0.01}, "from 0.01 to 0.01: give a sigma_max above 0.01"),
    ],
)
def test_a_level_that_the_prior_does_not_know(options, said):
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.01, 2.0)))
    problem = ip.Problem(prior, ip.Unobserved(), torch.zeros(1, 1, 4, 4))
    with pytest.raises(ip.InputError, match=said):
        ip.solve(problem, ip.PriorSampling(**options))


@pytest.mark.parametrize(("low", "last"), [(0.0, 0.005), (0.01, 0.01)])
def test_by_default_it_ends_at_what_the_prior_knows(low, last):
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(low, 2.0)))
    problem = ip.Problem(prior, ip.Unobserved(), torch.zeros(1, 1, 4, 4))
    *_, before, end = ip.iterate(problem, ip.PriorSampling(calls=5))
    assert (before.sigma, end.sigma) == (last, 0.0)
