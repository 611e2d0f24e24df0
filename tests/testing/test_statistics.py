"""The kit's own mathematics: integrals with known values, identities that are known to hold."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from invprob.streams import generator
from invprob.testing import CheckFailure, Skip, close
from invprob.testing.densities import density_fits_samples
from invprob.testing.quadrature import integrate
from invprob.testing.statistics import (
    distribution_is,
    lattice_spacing,
    light_tailed,
    mean_is,
    quantile,
    stein,
)
from invprob.testing.verdict import Figure

LAWS = {
    "normal": stats.norm(0.3, 0.1),
    "exponential": stats.expon(-0.5, 2.0),
    "a pole at the edge": stats.gamma(0.6),
    "two edges": stats.beta(0.7, 3),
    "heavy tails": stats.t(2.5),
    "narrow, far away": stats.norm(1e3, 1e-3),
    "flat": stats.uniform(2, 3),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_density_integrates_to_one(law):
    samples = torch.from_numpy(law.rvs(4000, random_state=1))

    def log_density(points):
        value = torch.from_numpy(law.logpdf(points.numpy()))
        return torch.where(value.isfinite(), value, -torch.inf)

    line = integrate(log_density, samples)
    assert line.whole == pytest.approx(1, abs=2e-6)
    cdf = torch.from_numpy(law.cdf(line.edges.numpy()))
    assert float((line.cumulative - cdf).abs().max()) < 2e-6
    assert line.mean == pytest.approx(law.mean(), rel=1e-3)


def test_a_kink_is_resolved_where_it_is_known():
    law = stats.laplace(0.4, 0.1)
    samples = torch.from_numpy(law.rvs(2000, random_state=1))
    line = integrate(lambda t: torch.from_numpy(law.logpdf(t.numpy())), samples, [0.4])
    assert line.whole == pytest.approx(1, abs=1e-10)
    assert line.variance == pytest.approx(0.02, rel=1e-9)


def test_a_mean_that_is_off_is_found_and_one_that_is_not_is_not():
    draws = torch.randn(20_000, 3, generator=generator(0))
    assert mean_is(draws, 0.0, "the mean").worst < 0.05
    with pytest.raises(CheckFailure, match="the mean"):
        mean_is(draws + 0.05, 0.0, "the mean")


def test_the_bound_is_a_normal_quantile_for_all_statements():
    assert quantile() == pytest.approx(5.3267, abs=1e-3)
    assert quantile(100) > quantile()


def test_stein_knows_the_score():
    draws = 2 * torch.randn(20_000, 2, generator=generator(0), dtype=torch.float64)
    stein(-draws / 4, draws, "the score")
    with pytest.raises(CheckFailure):
        stein(-draws / 4.5, draws, "the score")
    edge = -torch.rand(20_000, 1, generator=generator(1), dtype=torch.float64).log()
    stein(-torch.ones_like(edge), edge, "an exponential's score")


def test_a_heavy_tail_is_not_judged():
    light_tailed(torch.randn(20_000, generator=generator(0)), "it")
    with pytest.raises(Skip, match="heavy-tailed"):
        light_tailed(torch.rand(20_000, generator=generator(0)) ** -2, "it")


def test_lattices_are_told_from_lines():
    counts = torch.poisson(torch.full((2000,), 5.0), generator=generator(0))
    assert lattice_spacing(counts / 20) == pytest.approx(0.05)
    assert lattice_spacing(torch.rand(2000, generator=generator(0))) is None
    assert lattice_spacing(torch.ones(2000)) == math.inf


def test_another_distribution_is_found():
    nodes = torch.linspace(0, 1, 50)
    distribution_is(nodes, nodes, 20_000, "uniform")
    with pytest.raises(CheckFailure, match="distribution functions"):
        distribution_is(nodes, nodes**1.1, 20_000, "uniform")


def test_densities_in_several_dimensions_are_compared_with_samples():
    factor = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.2, 0.0], [0.1, 0.3, 0.5]]).double()
    law = torch.distributions.MultivariateNormal(torch.ones(3).double(), scale_tril=factor)
    draws = 1 + torch.randn(20_000, 3, generator=generator(0), dtype=torch.float64) @ factor.T
    density_fits_samples(law.log_prob, draws, generator(1), "it")
    with pytest.raises(CheckFailure, match="the integral of it"):
        density_fits_samples(lambda x: law.log_prob(x) + 0.1, draws, generator(1), "it")
    with pytest.raises(CheckFailure, match="moment 2 of it"):
        density_fits_samples(law.log_prob, 1 + 1.1 * (draws - 1), generator(1), "it")


def test_coordinates_that_never_vary_carry_no_density():
    draws = torch.randn(20_000, 2, generator=generator(0), dtype=torch.float64)
    draws[:, 1] = 0.25
    normal = torch.distributions.Normal(0.0, 1.0)
    density_fits_samples(lambda x: normal.log_prob(x[:, 0]), draws, generator(1), "it")
    with pytest.raises(Skip, match="never vary"):
        density_fits_samples(lambda x: x[:, 0], draws[:, 1:], generator(1), "it")


def test_one_sample_of_a_twentieth_of_the_sum_is_a_heavy_tail():
    with pytest.raises(Skip, match="it is heavy-tailed"):
        light_tailed(torch.cat([torch.ones(1000), torch.tensor([50.0])]), "it")
    light_tailed(torch.zeros(10), "it")


def test_the_gap_between_distribution_functions_is_that_of_massart():
    figure = distribution_is(torch.zeros(3), torch.full((3,), 0.05), 1000, "it")
    assert figure.limit == pytest.approx(math.sqrt(math.log(2e7) / 2000))


def test_stein_does_not_ask_for_the_score_of_what_is_far_out():
    draws = torch.randn(20_000, 1, generator=generator(0), dtype=torch.float64)
    assert stein(torch.where(draws.abs() > 3, torch.inf, -draws), draws, "the score")


def test_of_two_figures_the_one_nearer_to_its_limit_is_shown():
    near, far = Figure(0.9e-10, 1e-10), Figure(1e-3, 1.0)
    assert near | far == far | near == near


def test_equal_infinities_are_equal_and_others_are_not():
    one = torch.tensor([torch.inf, -torch.inf, 1.0])
    assert close(one, one.clone(), 1e-9, "it").worst == 0
    with pytest.raises(CheckFailure):
        close(one, -one, 1e-9, "it")
