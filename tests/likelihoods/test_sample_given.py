"""Sampling p(y | x) N(x; v, rho²): against fine quadrature, pixel by pixel."""

import numpy as np
import pytest
import torch
from noise_examples import COLOURED, NOISES, PIXELWISE, image, measure
from scipy import stats

import invprob as ip
import invprob.likelihoods.pixelwise as pixelwise
from invprob.compatibility import lacks
from invprob.contracts import SamplesGivenGaussian

ROWS = 40000
CASES = [(0.3, 0.35, 0.1), (0.3, 0.6, 0.02), (0.02, 0.3, 0.15), (0.8, -0.2, 1.0), (0.5, 0.5, 1e-3)]
SLOW = {
    "gamma + gaussian": ip.Mixture(ip.Gamma(26), 10 / 255),
    "poisson + gaussian": ip.Mixture(ip.Poisson(51), 10 / 255),
    "rayleigh + gaussian": ip.Mixture(ip.Rayleigh(0.3), 10 / 255),
}


def distribution(noise, y, v, rho):
    """The distribution function on a fine grid that holds all the mass."""
    end = float(y) if isinstance(noise, ip.Rayleigh) else v + 12 * rho + 2 * abs(float(y)) + 1
    start = noise.least_x() if isinstance(noise, ip.SignalDependent) else 0.0
    start = noise.noise.least_x() if isinstance(noise, ip.Mixture) else start
    for _ in range(3):  # zoom in on the mass
        grid = torch.linspace(start, end, 20001, dtype=torch.float64)
        value = noise.log_density(y.expand(20001), grid) - 0.5 * ((grid - v) / rho) ** 2
        value = torch.where(value.isnan(), -torch.inf, value)
        heavy = (value > value.max() - 32).nonzero()
        start = float(grid[max(0, int(heavy[0]) - 1)])
        end = float(grid[min(20000, int(heavy[-1]) + 1)])
    density = (value - value.max()).exp()
    cumulative = torch.cumulative_trapezoid(density, grid)
    return grid[1:].numpy(), (cumulative / cumulative[-1]).numpy()


def quantiles(noise, y, v, rho, count):
    """What sample_given makes of evenly spread uniform numbers: errors without sampling noise."""

    class Even:
        device = torch.device("cpu")

    even = (torch.arange(count, dtype=torch.float64) + 0.5).reshape(-1, 1) / count
    kept, pixelwise.uniform = pixelwise.uniform, lambda like, generator: even
    try:
        return noise.sample_given(
            y.expand(count, 1), torch.full((count, 1), v, dtype=y.dtype), torch.tensor(rho), Even()
        )
    finally:
        pixelwise.uniform = kept


@pytest.mark.parametrize("name", PIXELWISE)
@pytest.mark.parametrize("case", CASES)
def test_the_distribution_function_is_right_to_1e_4(name, case):
    noise = PIXELWISE[name]
    x, v, rho = case
    y = noise.sample(torch.full((1,), x, dtype=torch.float64), ip.generator(4))
    draws = quantiles(noise, y, v, rho, 999)[:, 0].numpy()
    even = (np.arange(999) + 0.5) / 999
    grid, cumulative = distribution(noise, y, v, rho)
    assert np.abs(np.interp(draws, grid, cumulative) - even).max() < 1e-4


@pytest.mark.parametrize("name", SLOW)
def test_mixtures(name):
    noise = SLOW[name]
    below = [(0.02, -0.3, 0.001)] if "rayleigh" not in name else []  # 300 rho below black
    for x, v, rho in CASES[:3] + below:
        y = noise.sample(torch.full((1,), x, dtype=torch.float64), ip.generator(4))
        draws = quantiles(noise, y, v, rho, 99)[:, 0].numpy()
        grid, cumulative = distribution(noise, y, v, rho)
        even = (np.arange(99) + 0.5) / 99
        assert np.abs(np.interp(draws, grid, cumulative) - even).max() < 1e-4


@pytest.mark.parametrize("name", ["gamma", "poisson", "rayleigh", "signal-dependent"])
def test_samples_pass_a_kolmogorov_smirnov_test(name):
    noise, (x, v, rho) = PIXELWISE[name], CASES[0]
    y = noise.sample(torch.full((1,), x, dtype=torch.float64), ip.generator(4))
    draws = noise.sample_given(
        y.expand(ROWS, 1), torch.full((ROWS, 1), v), torch.full((ROWS,), rho), ip.generator(5)
    )
    grid, cumulative = distribution(noise, y, v, rho)
    at = np.interp(draws[:, 0].numpy(), grid, cumulative)
    assert stats.kstest(at, "uniform").pvalue > 1e-4


def test_two_modes_are_both_sampled():
    """A dark y, a bright v, and a valley between them that is thousands of times less likely."""
    noise = ip.Gamma(alpha=500)
    y, v = torch.tensor([0.02], dtype=torch.float64), 0.4
    left, right = [], []
    for rho in np.linspace(0.0080, 0.0090, 21):
        draws = quantiles(noise, y, v, float(rho), 999)[:, 0].numpy()
        grid, cumulative = distribution(noise, y, v, float(rho))
        at = np.interp(draws, grid, cumulative)
        assert np.abs(at - (np.arange(999) + 0.5) / 999).max() < 1e-4
        left.append((draws < 0.1).mean())
        right.append((draws > 0.2).mean())
    assert max(left) > 0.9 and max(right) > 0.9
    assert any(0.05 < share < 0.95 for share in left)


@pytest.mark.parametrize("name", NOISES)
def test_the_same_generator_gives_the_same_image(name):
    noise, x = NOISES[name], image()
    if lack := lacks(noise, SamplesGivenGaussian):
        pytest.skip(lack)
    y, rho = measure(noise, x), torch.tensor([0.02, 0.1, 0.5])
    for dtype in (torch.float32, torch.float64):
        args = y.to(dtype), x.to(dtype), rho.to(dtype)
        first = noise.sample_given(*args, ip.generator(1))
        assert torch.equal(first, noise.sample_given(*args, ip.generator(1)))
        assert first.dtype == dtype and first.isfinite().all()


def test_coloured_gaussian_has_the_mean_of_its_prox():
    noise, x = COLOURED["coloured gaussian"], image(rows=1)
    y, rho = measure(noise, x), torch.tensor(0.1, dtype=torch.float64)
    many = [t.expand(20000, *t.shape[1:]) for t in (y, image(4, rows=1))]
    draws = noise.sample_given(*many, rho, ip.generator(2))
    error = (draws.mean(0) - noise.prox(y, many[1][:1], rho**2)[0]).abs()
    assert error.max() < 5 * 0.1 / 20000**0.5


def test_of_two_modes_the_higher_one_is_drawn_however_much_higher():
    """At y the Gaussian is exp(-5000) of what it is at v."""
    noise, y, v = ip.Gamma(26), torch.full((200, 1), 1e-3), torch.ones(200, 1)
    x = noise.sample_given(y.double(), v.double(), torch.tensor(0.01), ip.generator(0))
    assert (x - 1).abs().max() < 0.06 and float(x.std()) == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize(("peak", "sigma"), [(1e4, 3e-5), (1000, 3e-4)])
def test_many_counts_with_little_noise_are_drawn_as_well_in_single_precision(peak, sigma):
    noise = ip.Mixture(ip.Poisson(peak), sigma)
    x = torch.full((1, 1, 1, 2000), 0.5, dtype=torch.float64)
    y = noise.sample(x[..., :1], ip.generator(0)).float().double().expand_as(x)
    exact, rough = (
        noise.sample_given(y.to(t), x.to(t), torch.tensor(0.05, dtype=t), ip.generator(1))
        for t in (torch.float64, torch.float32)
    )
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough.double(), exact, rtol=0, atol=1e-6)
    found, told = noise.log_density(y.float(), x.float()), noise.log_density(y, x)
    torch.testing.assert_close(found.double(), told, rtol=1e-6, atol=1e-6)
