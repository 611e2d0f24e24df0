"""The score equation: what its answer is where everything is known, and its sweeps."""

import math

import pytest
import torch
from torch import Tensor

import invprob as ip

F64 = torch.float64


def solve(score, noise, y: Tensor, **options) -> Tensor:
    return ip.solve(ip.Problem(ip.MeasuredPrior(score), noise, y), ip.ScoreEquation(**options)).x


def test_gaussian_noise_gives_the_posterior_mean():
    prior = ip.GaussianPrior(mean=torch.linspace(0, 1, 6, dtype=F64), sd=torch.rand(6) + 0.1)
    noise = ip.Gaussian(sigma=0.3)
    y = torch.rand(3, 6, generator=ip.generator(0), dtype=F64)
    x = solve(lambda y: prior.score(y, torch.tensor(0.3)), noise, y)
    torch.testing.assert_close(x, prior.denoise(y, torch.tensor(0.3)))


def test_gamma_noise_gives_the_harmonic_mean():
    # x ~ InverseGamma(shape, scale), so p(y) ~ y^(alpha - 1) / (scale + alpha y)^(shape + alpha)
    alpha, shape, scale = 26.0, 5.0, 400 / 255
    y = torch.tensor([[50 / 255, 0.02, 0.9]], dtype=F64)

    def score(y: Tensor) -> Tensor:
        return (alpha - 1) / y - alpha * (shape + alpha) / (scale + alpha * y)

    x = solve(score, ip.Gamma(alpha), y)
    torch.testing.assert_close(x, (scale + alpha * y) / (shape + alpha))
    assert float(x[0, 0]) * 255 == pytest.approx(54.8387, abs=1e-3)
    assert bool((x < (scale + alpha * y) / (shape + alpha - 1)).all())  # the posterior mean


def counts(shape: float, rate: float, peak: float):
    """The score of y = count / peak with x ~ Gamma(shape, rate), and the mean of log x given y."""

    def score(y: Tensor) -> Tensor:
        k = peak * y
        ratio = math.log(peak / (peak + rate))
        return peak * (torch.digamma(k + shape) - torch.digamma(k + 1) + ratio)

    def log_mean(y: Tensor) -> Tensor:
        return torch.digamma(peak * y + shape) - math.log(peak + rate)

    return score, log_mean


def test_poisson_noise_gives_the_geometric_mean():
    score, log_mean = counts(2.0, 0.1, 0.2)  # in grey levels, where counts are few
    y = torch.tensor([[0.0, 1, 2, 40]], dtype=F64) / 0.2
    x = solve(score, ip.Poisson(peak=0.2), y)
    torch.testing.assert_close(x, log_mean(y).exp())
    assert float(x[0, 1]) == pytest.approx(8.388, abs=1e-3)


def test_scores_of_counts_give_the_posterior_mean():
    shape, rate, peak = 2.0, 4.0, 30.0
    score, log_mean = counts(shape, rate, peak)
    y = torch.tensor([[0.0, 1, 2, 5, 20, 100]], dtype=F64) / peak
    mean = (peak * y + shape) / (peak + rate)
    noise = ip.Poisson(peak=peak)
    prior = ip.MeasuredPrior.of_counts(score, peak=peak)
    x = ip.solve(ip.Problem(prior, noise, y), ip.ScoreEquation()).x
    torch.testing.assert_close(x, mean, rtol=0.03, atol=0)  # the midpoint rule, worst at count 0
    torch.testing.assert_close(x[:, 2:], mean[:, 2:], rtol=5e-3, atol=0)
    geometric = solve(score, noise, y)
    assert bool(((x - mean).abs() < 0.2 * (geometric - mean).abs()).all())


class Brighter:
    """y = x + (a x + b) n, whose score equation is solved by plain fixed-point sweeps."""

    a, b = 0.1, 0.2

    def sample(self, x: Tensor, generator: torch.Generator, /) -> Tensor:
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        return x + (self.a * x + self.b) * noise

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        return (x - y) / (self.a * x + self.b).square()

    def match_score(self, y: Tensor, s: Tensor, x: Tensor, /) -> Tensor:
        return y + (self.a * x + self.b).square() * s


def test_sweeps_converge_to_the_root():
    noise = Brighter()
    x = torch.rand(4, 10, generator=ip.generator(1), dtype=F64)
    y = noise.sample(x, ip.generator(2))
    found = solve(lambda y: noise.score_y(y, x), noise, y, sweeps=300, tolerance=1e-12)
    torch.testing.assert_close(noise.score_y(y, found), noise.score_y(y, x), rtol=1e-8, atol=1e-8)


def test_rows_converge_by_themselves():
    noise = Brighter()
    y = torch.tensor([[0.5, 0.4], [0.5, 0.9], [0.1, 0.8]])

    def score(y: Tensor) -> Tensor:
        return torch.tensor([-0.1, -2.0])[: y.shape[1]] * y

    together = solve(score, noise, y, tolerance=1e-4)
    alone = torch.cat([solve(score, noise, row[None], tolerance=1e-4) for row in y])
    assert torch.equal(together, alone)


def test_the_network_is_called_once():
    calls = []

    def score(y: Tensor) -> Tensor:
        calls.append(y)
        return -0.1 * y

    problem = ip.Problem(ip.MeasuredPrior(score), Brighter(), torch.full((2, 3), 0.5))
    events = list(ip.iterate(problem, ip.ScoreEquation(sweeps=7)))
    assert len(calls) == 1 and len(events) == 8


def test_a_measurement_that_is_no_image_starts_from_grey():
    problem = ip.Problem(
        ip.MeasuredPrior(lambda y: -y), Brighter(), torch.full((2, 3), 0.9), (1, 3)
    )
    first = next(ip.iterate(problem, ip.ScoreEquation()))
    assert torch.equal(first.state.x, torch.full((2, 1, 3), 0.5))


@pytest.mark.parametrize("bad", [{"sweeps": 0}, {"tolerance": -1.0}, {"tolerance": math.nan}])
def test_impossible_settings(bad):
    with pytest.raises(ip.InputError, match=next(iter(bad))):
        ip.ScoreEquation(**bad)


def test_a_score_that_belongs_to_no_image_is_suspected():
    y = ip.Gamma(1.5).sample(torch.full((1, 1, 8, 8), 0.5), ip.generator(0))
    problem = ip.Problem(ip.MeasuredPrior(lambda y: (0.5 - y) / 0.01), ip.Gamma(1.5), y)
    with pytest.raises(ip.DivergenceError, match="score of y belongs to no image"):
        ip.solve(problem, ip.ScoreEquation())
