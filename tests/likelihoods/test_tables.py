"""The tables behind noise with Gaussian noise on top, against what they stand for."""

import math

import pytest
import torch
from noise_examples import MIXED

from invprob.likelihoods.gamma_gaussian import around_mode
from invprob.likelihoods.poisson_gaussian import tilted_counts
from invprob.likelihoods.tables import look_up, quintic


def test_a_polynomial_of_degree_five_is_looked_up_exactly():
    x = torch.linspace(-1, 2, 7, dtype=torch.float64)

    def derivatives(x):
        return x**5 - 2 * x**2 + 1, 5 * x**4 - 4 * x, 20 * x**3 - 4

    cells = quintic(torch.stack(derivatives(x), 1), 0.5)
    at = torch.rand(100, dtype=torch.float64) * 3 - 1
    value, slope = look_up(cells, (at + 1) / 0.5)
    torch.testing.assert_close(value, derivatives(at)[0])
    torch.testing.assert_close(slope / 0.5, derivatives(at)[1])


@pytest.mark.parametrize("alpha", [1.5, 26.0, 500.0])
def test_the_table_is_the_integral(alpha):
    kappa = torch.logspace(-8, 8, 37, dtype=torch.float64)
    for k in kappa.tolist():
        width = (alpha + k) ** -0.5
        left = 14 * width + (40 / alpha if k < 200 else 0)  # the tail exp(alpha t), or none
        nodes = torch.linspace(-left, 9 * width, 100001, dtype=torch.float64)
        exponent = -alpha * (nodes.expm1() - nodes) - 0.5 * k * nodes.expm1().square()
        mass = torch.trapezoid(exponent.exp(), nodes)
        mean = torch.trapezoid(exponent.exp() * nodes.expm1(), nodes) / mass
        log_mass, found = around_mode(torch.tensor([k], dtype=torch.float64), alpha)
        assert float(log_mass) == pytest.approx(float(mass.log()), abs=1e-8)
        assert float(found) == pytest.approx(float(mean), abs=1e-8 * width)


@pytest.mark.parametrize("spread", [0.1, 0.5, 2.0, 30.0])
def test_the_table_is_the_sum(spread):
    mean = torch.tensor([1e-9, 1e-3, 0.3, 2.0, 40.0, 900.0], dtype=torch.float64)
    theta = mean / spread**2 + mean.log()  # where the terms are greatest near this mean
    k = torch.arange(4000, dtype=torch.float64)
    terms = theta[:, None] * k - 0.5 * (k / spread) ** 2 - torch.lgamma(k + 1)
    log_sum, found = tilted_counts(theta, spread)
    expected = terms.logsumexp(1)
    torch.testing.assert_close(log_sum, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found, (terms - expected[:, None]).exp() @ k, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", MIXED)
def test_what_is_not_a_number_stays_so(name):
    """So that the driver can say which step made it."""
    noise = MIXED[name]
    y, x = torch.tensor([[0.5, math.nan, 0.5]]), torch.tensor([[0.4, 0.4, math.nan]])
    assert noise.grad_x(y, x).isnan().tolist() == [[False, True, True]]


@pytest.mark.parametrize("name", [n for n in MIXED if "signal" not in n])
def test_black_pixels_have_only_the_gaussian_noise(name):
    noise = MIXED[name]
    y = torch.linspace(-0.1, 0.1, 9, dtype=torch.float64)
    found = noise.log_density(y, torch.zeros_like(y))
    expected = torch.distributions.Normal(0.0, noise.sigma).log_prob(y)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-3)
    assert (noise.log_density(y, torch.full_like(y, -1e-3)) == -math.inf).all()
