"""What must hold for every noise model: derivatives, normalisation, moments, information."""

import math

import numpy as np
import pytest
import torch
from noise_examples import MIXED, NOISES, PIXELWISE, image, measure, moments
from scipy import stats

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import Differentiable, HasLikelihood, ScoresData

ONE_NUMBER = PIXELWISE | MIXED


@pytest.mark.parametrize("name", NOISES)
def test_gradients_are_those_of_log_prob(name):
    noise, x = NOISES[name], image()
    y = measure(noise, x)
    x, y = x.requires_grad_(), y.requires_grad_()
    in_y, in_x = torch.autograd.grad(noise.log_prob(y, x).sum(), (y, x))
    scale = in_x.detach().abs().max()
    assert (noise.grad_x(y, x) - in_x).abs().max() < 1e-9 * scale
    assert (noise.score_y(y, x) - in_y).abs().max() < 1e-9 * in_y.abs().max()


@pytest.mark.parametrize("name", MIXED)
def test_gradients_of_mixtures_by_finite_differences(name):
    noise, x = MIXED[name], image()
    y, h = measure(noise, x), 1e-5
    in_y = (noise.log_density(y + h, x) - noise.log_density(y - h, x)) / (2 * h)
    in_x = (noise.log_density(y, x + h) - noise.log_density(y, x - h)) / (2 * h)
    torch.testing.assert_close(noise.score_y(y, x), in_y, rtol=1e-6, atol=1e-4)
    torch.testing.assert_close(noise.grad_x(y, x), in_x, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("name", ONE_NUMBER)
@pytest.mark.parametrize("x", [0.01, 0.3, 1.0])
def test_density_is_normalised_and_has_the_moments_of_the_model(name, x):
    noise = ONE_NUMBER[name]
    mean, variance = moments(noise, x)
    sd = math.sqrt(variance)
    if isinstance(noise, ip.Poisson):
        y = torch.arange(0, 400, dtype=torch.float64) / noise.peak
        weight = torch.ones_like(y)
    else:
        low = mean - 12 * sd if isinstance(noise, (ip.Mixture, ip.SignalDependent)) else 0.0
        y = torch.linspace(low, mean + 25 * sd, 40001, dtype=torch.float64)
        weight = torch.full_like(y, float(y[1] - y[0]))
    mass = noise.log_density(y, torch.full_like(y, x)).exp() * weight
    assert float(mass.sum()) == pytest.approx(1, abs=1e-6)
    assert float((mass * y).sum()) == pytest.approx(mean, rel=1e-6)
    assert float((mass * (y - mean) ** 2).sum()) == pytest.approx(variance, rel=1e-5)


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_samples_follow_the_density(name):
    noise, count, x = ONE_NUMBER[name], 20000, 0.3
    y = noise.sample(torch.full((count, 1), x, dtype=torch.float64), ip.generator(3))[:, 0]
    mean, variance = moments(noise, x)
    assert float(y.mean()) == pytest.approx(mean, abs=5 * math.sqrt(variance / count))
    assert float(y.var()) == pytest.approx(variance, rel=0.05)
    if isinstance(noise, ip.Poisson):
        lattice = torch.arange(0, int(noise.peak * 2) + 20, dtype=y.dtype) / noise.peak
        expected = noise.log_density(lattice, torch.full_like(lattice, x)).exp() * count
        seen = torch.bincount((y * noise.peak).round().long(), minlength=len(lattice))
        likely = expected > 5
        chi = ((seen - expected) ** 2 / expected)[likely].sum()
        assert stats.chi2.sf(float(chi), int(likely.sum()) - 1) > 1e-4
        return
    low = float(y.min()) - 3 * math.sqrt(variance)
    grid = torch.linspace(low, float(y.max()) + 3 * math.sqrt(variance), 40001).double()
    density = noise.log_density(grid, torch.full_like(grid, x)).exp()
    cumulative = torch.cumulative_trapezoid(density, grid)
    at_y = np.interp(y.numpy(), grid[1:].numpy(), cumulative.numpy())
    assert stats.kstest(at_y, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_scores_have_mean_zero(name):
    """E over y of both scores is 0 where the density vanishes at the ends of its support."""
    noise, x = ONE_NUMBER[name], 0.4
    image = torch.full((100000, 1), x, dtype=torch.float64)
    y = noise.sample(image, ip.generator(5))
    slopes = [noise.grad_x(y, image)]
    if not isinstance(noise, ip.Poisson):  # a derivative across a lattice
        slopes.append(noise.score_y(y, image))
    for slope in slopes:
        error = slope.std() / math.sqrt(slope.numel())
        assert abs(float(slope.mean())) < 5 * float(error)


INFORMATION = {
    "gamma": lambda n, x: n.alpha / x**2,
    "gamma, 3 looks": lambda n, x: n.alpha / x**2,
    "poisson": lambda n, x: n.peak / x,
    "poisson, dim": lambda n, x: n.peak / x,
    "signal-dependent": lambda n, x: (1 + 2 * n.a**2) / (n.a * x + n.b) ** 2,
    "signal-dependent, steep": lambda n, x: (1 + 2 * n.a**2) / (n.a * x + n.b) ** 2,
}


@pytest.mark.parametrize("name", INFORMATION)
def test_fisher_information(name):
    """E (d log p / dx)² = -E d² log p / dx²; Rayleigh's is infinite."""
    noise, x, h = PIXELWISE[name], 0.4, 1e-5
    image = torch.full((400000, 1), x, dtype=torch.float64)
    y = noise.sample(image, ip.generator(6))
    information = INFORMATION[name](noise, x)
    assert float(noise.grad_x(y, image).square().mean()) == pytest.approx(information, rel=0.02)
    bend = (noise.grad_x(y, image - h) - noise.grad_x(y, image + h)) / (2 * h)
    assert float(bend.mean()) == pytest.approx(information, rel=0.02)


def test_a_mixture_of_gaussians_is_known_in_closed_form():
    """SignalDependent + Gaussian is Gaussian; Gamma + little Gaussian is nearly Gamma."""
    x = image()
    y = measure(MIXED["signal-dependent + gaussian"], x)
    u = 0.098 * x + 25 / 255
    expected = torch.distributions.Normal(x, (u**2 + (10 / 255) ** 2).sqrt()).log_prob(y)
    found = MIXED["signal-dependent + gaussian"].log_density(y, x)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", [n for n in PIXELWISE if "poisson" not in n])
def test_a_mixture_with_little_gaussian_noise_is_the_noise(name):
    noise, x = PIXELWISE[name], image(darkest=0.2)
    y = moments(noise, 1.0)[0] * x
    mixture = ip.Mixture(noise, sigma=1e-5, exact=True)
    torch.testing.assert_close(mixture.log_prob(y, x), noise.log_prob(y, x), rtol=1e-6, atol=1e-5)
    torch.testing.assert_close(mixture.score_y(y, x), noise.score_y(y, x), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(mixture.grad_x(y, x), noise.grad_x(y, x), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", NOISES)
def test_single_rows_and_float32(name):
    noise, x = NOISES[name], image()
    y = measure(noise, x)
    for row in range(3):
        one = slice(row, row + 1)
        torch.testing.assert_close(noise.log_prob(y[one], x[one]), noise.log_prob(y, x)[one])
    single = noise.log_prob(y.float(), x.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), noise.log_prob(y, x), rtol=1e-3, atol=1e-2)
    for capability, found in (
        (Differentiable, lambda: noise.grad_x(y.float(), x.float())),
        (ScoresData, lambda: noise.score_y(y.float(), x.float())),
        (HasLikelihood, lambda: noise.sample(x.float(), ip.generator(0))),
    ):
        if not lacks(noise, capability):
            assert found().dtype == torch.float32 and found().isfinite().all()


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("which", [0, 1])
def test_a_value_that_is_not_a_number_is_seen(name, which):
    """And is no value at which nothing pulls: a run that has gone wrong must not look settled."""
    noise, x = NOISES[name], image()
    given = [measure(noise, x), x.clone()]
    given[which][1, 0, 2, 3] = torch.nan
    found = noise.grad_x(*given)
    assert bool(found[1].isnan().any()) and bool(found[0].isfinite().all())
