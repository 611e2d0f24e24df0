"""DDRM against its own recursion, which a Gaussian prior makes exact, coordinate by coordinate."""

import math

import pytest
import torch
from torch import Tensor

import invprob as ip
from invprob import schedules
from invprob.solvers import ddrm
from invprob.solvers.ddrm import EXPONENT, LAST

F64 = torch.float64
MEAN, SD = 0.4, 0.15


def recursion(w: Tensor, sd: Tensor, levels, eta: float, eta_b: float) -> tuple[Tensor, Tensor]:
    """Mean and variance of DDRM's result for independent N(MEAN, SD²) coordinates, given w."""
    first = levels[0]
    measured = sd <= first
    mean = torch.where(measured, w, MEAN)
    variance = torch.where(measured, first**2 - sd.square(), first**2)
    for sigma, below in zip(levels, levels[1:], strict=False):
        g = SD**2 / (SD**2 + sigma**2)
        c = math.sqrt(1 - eta**2) * below
        v0 = MEAN + g * (mean - MEAN)
        free = v0 + c / sigma * (mean - v0), (g + c / sigma * (1 - g)) ** 2 * variance
        ahead = v0 + c / sd * (w - v0), ((1 - c / sd) * g) ** 2 * variance
        reached = (1 - eta_b) * v0 + eta_b * w, ((1 - eta_b) * g) ** 2 * variance
        rest = below**2 - (eta_b * sd).square()
        now = sd <= below
        mean = torch.where(now, reached[0], torch.where(sd.isinf(), free[0], ahead[0]))
        variance = torch.where(
            now, reached[1] + rest, torch.where(sd.isinf(), free[1], ahead[1]) + (eta * below) ** 2
        )
    g = SD**2 / (SD**2 + levels[-1] ** 2)
    keep = sd < levels[-1]
    return (
        torch.where(keep, w, MEAN + g * (mean - MEAN)),
        torch.where(keep, 0.0, g**2 * variance),
    )


@pytest.mark.parametrize("options", [{}, {"eta": 0.5, "eta_b": 0.6}, {"eta": 1.0, "calls": 5}])
def test_mean_and_variance_follow_the_recursion(options):
    count = 20000
    sd = torch.tensor([[0.001, 0.03, 0.1, 0.3, 1.0, 3.0, 0.02, 0.1]], dtype=F64).T
    seen = torch.tensor([[1, 1, 1, 1, 1, 1, 0, 0]]).T
    y = torch.tensor([[0.9, 0.1, 0.7, 0.5, 0.2, 3.0, 0.0, 0.0]], dtype=F64).T
    noise = ip.Gaussian(sigma=sd, operator=ip.Mask(seen.expand(8, count)))
    prior = ip.GaussianPrior(mean=torch.full((8, count), MEAN, dtype=F64), sd=SD)
    solver = ip.DDRM(sigma_max=4.0, **options)
    samples = ip.solve(ip.Problem(prior, noise, y.expand(1, 8, count)), solver).x[0]
    levels = schedules.power(4.0, LAST, solver.calls, EXPONENT)
    expected = recursion(y, sd.where(seen.bool(), torch.inf), levels, solver.eta, solver.eta_b)
    mean, variance = (part[:, 0] for part in expected)
    assert bool(((samples.mean(1) - mean).abs() <= 5 * (variance / count).sqrt() + 1e-12).all())
    torch.testing.assert_close(samples.var(1), variance, rtol=0.05, atol=1e-12)


def test_the_levels_are_those_that_the_page_names_as_different_from_the_papers():
    y = torch.full((1, 1, 2, 2), 0.5)
    problem = ip.Problem(ip.GaussianPrior(y[0], SD), ip.Gaussian(sigma=0.3), y)
    levels = [event.sigma for event in ip.iterate(problem, ip.DDRM(calls=6))][:-1]
    steps = torch.tensor(levels).pow(1 / 7).diff()
    torch.testing.assert_close(steps, steps[:1].expand_as(steps))
    assert "levels that are linear in sigma^(1/7)" in ddrm.__doc__.split("Differences from")[1]


def test_the_basis_change_of_a_blur():
    noise = ip.Gaussian(sigma=0.05, operator=ip.CircularBlur(torch.ones(3, 3) / 9))
    prior = ip.GaussianPrior(mean=torch.full((1, 6, 6), MEAN, dtype=F64), sd=SD)
    x = prior.sample((1, 1, 6, 6), ip.generator(0))
    y = noise.sample(x, ip.generator(1))
    spectrum = noise.spectrum((1, 6, 6))
    levels = schedules.power(float(spectrum.sd.max().clamp(max=4)), 0.005, 20, EXPONENT)
    samples = ip.solve(ip.Problem(prior, noise, y), ip.DDRM(sigma_max=4.0), samples=1000).samples
    shift = spectrum.vt(torch.full((1, 1, 6, 6), MEAN, dtype=F64))
    w = spectrum.observe(y) - shift + MEAN  # coordinates whose prior mean is MEAN everywhere
    mean, variance = recursion(w[0], spectrum.sd, levels, 0.85, 1.0)
    coordinates = spectrum.vt(samples[:, 0]) - shift + MEAN
    error = variance.sqrt() / math.sqrt(1000)
    assert bool(((coordinates.mean(0) - mean).abs() <= 5 * error + 1e-9).all())
    torch.testing.assert_close(coordinates.var(0), variance, rtol=0.25, atol=1e-9)


def test_data_without_noise_are_kept():
    mask = ip.Mask.random((1, 8, 8), keep=0.5, seed=0)
    noise = ip.Gaussian(sigma=1e-6, operator=mask)
    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    x = prior.sample((1, 1, 8, 8), ip.generator(0))
    y = mask.forward(x)
    found = ip.solve(ip.Problem(prior, noise, y), ip.DDRM(), samples=3).samples
    torch.testing.assert_close(mask.forward(found[:, 0]), y.expand(3, 1, 8, 8))


def test_a_level_that_equals_the_noise_of_the_data():
    prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5), sd=0.2)
    levels = schedules.power(4.0, 0.005, 20, EXPONENT)
    noise = ip.Gaussian(sigma=torch.tensor(levels[1:5]).reshape(2, 2))
    y = torch.rand(1, 1, 2, 2, generator=ip.generator(0))
    assert bool(
        torch.isfinite(ip.solve(ip.Problem(prior, noise, y), ip.DDRM(sigma_max=4.0)).x).all()
    )


@pytest.mark.parametrize(
    "bad",
    [{"calls": 0}, {"eta": 1.1}, {"eta_b": -0.1}, {"sigma_min": 0.0}, {"sigma_max": math.nan}],
)
def test_impossible_settings(bad):
    with pytest.raises(ip.InputError, match=next(iter(bad))):
        ip.DDRM(**bad)


@pytest.mark.parametrize("sigma", [0.004, 0.02])
def test_data_of_weak_noise_have_levels_below_them(sigma):
    prior = ip.GaussianPrior(mean=torch.full((1, 6, 6), 0.5), sd=0.2)
    problem = ip.Problem(prior, ip.Gaussian(sigma=sigma), torch.full((1, 1, 6, 6), 0.6))
    samples = ip.solve(problem, ip.DDRM(eta_b=0.0), samples=200).samples
    assert ip.DDRM()._levels(problem)[-1] == pytest.approx(min(0.005, sigma / 4))
    assert float(samples.std(0).mean()) > 0.1 * sigma


@pytest.mark.parametrize("solver", [ip.DDRM(sigma_max=0.06), ip.AnnealedLangevin(sigma_max=0.06)])
def test_too_little_noise_to_start_from_grey_is_refused(solver):
    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    noise = ip.Gaussian(sigma=0.05, operator=ip.Mask.random((8, 8), keep=0.5, seed=0))
    y = noise.sample(torch.full((1, 1, 8, 8), 0.5), ip.generator(0))
    with pytest.raises(ip.InputError, match="sigma_max=0.06 is less than pixels vary by"):
        ip.solve(ip.Problem(prior, noise, y), solver, samples=2)
