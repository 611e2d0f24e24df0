"""White normal noise passes; structure, blobs, other sizes and other shapes do not."""

import pytest
import torch

import invprob as ip
from invprob.diagnostics.residuals import _correlation


def noise(sigma=0.2, seed=0, shape=(1, 3, 64, 64)):
    return sigma * torch.randn(shape, generator=ip.generator(seed), dtype=torch.float64)


def test_noise_passes_as_often_as_it_should():
    reports = ip.residual_report(noise(shape=(100, 1, 32, 32)), 0.2)
    assert sum(report.p_value < 0.05 for report in reports) <= 11
    assert sum(report.correlation > report.chance for report in reports) <= 6
    assert all(abs(report.deviation - 1) < 0.1 for report in reports)


@pytest.mark.parametrize("shape", [(2, 200), (3, 7), (1, 40), (32, 32)])
def test_noise_of_every_shape_stays_below_what_chance_allows(shape):
    reports = ip.residual_report(noise(shape=(500, 1, *shape)), 0.2)
    assert sum(report.correlation > report.chance for report in reports) <= 10


def test_the_size_is_the_ratio():
    (report,) = ip.residual_report(noise(0.1), 0.2)
    assert report.deviation == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("direction", [(0, 1), (1, 0), (1, 1), (1, -1)])
def test_a_correlation_is_found_in_every_direction(direction):
    n = noise()
    (report,) = ip.residual_report(n + 0.3 * n.roll(direction, (-2, -1)), 0.2)
    assert report.correlation == pytest.approx(0.3 / 1.09, abs=0.03)
    assert report.correlation > 3 * report.chance


def test_a_correlation_is_that_of_the_two_shifted_images():
    image = noise(shape=(1, 5, 7))[0]
    left, right = image[:-1, 1:].flatten(), image[1:, :-1].flatten()
    expected = float((left * right).mean() / image.square().mean())
    assert _correlation(image, 1, -1) == pytest.approx(expected)


def test_structure_left_behind_is_found():
    edges = torch.zeros(1, 3, 64, 64, dtype=torch.float64)
    edges[..., ::16] = 0.2
    (clean,) = ip.residual_report(noise(), 0.2)
    (report,) = ip.residual_report(noise() + edges, 0.2)
    assert clean.correlation < clean.chance < report.correlation


def test_other_distributions_are_found():
    uniform = torch.rand(1, 1, 64, 64, generator=ip.generator(0)) - 0.5
    (report,) = ip.residual_report(uniform, 12**-0.5)
    assert report.p_value < 1e-6
    assert report.kurtosis == pytest.approx(-1.2, abs=0.05)
    (skewed,) = ip.residual_report(noise().exp(), 1.0)
    assert skewed.skewness > 0.4


def test_samples_leave_noise_where_the_mean_leaves_less():
    prior = ip.GaussianPrior(mean=torch.full((1, 64, 64), 0.5), sd=0.2)
    likelihood, draw = ip.Gaussian(sigma=0.2), ip.generator(5)
    y = likelihood.sample(prior.sample((1, 1, 64, 64), draw), draw)
    problem = ip.Problem(prior, likelihood, y)
    (sample,) = ip.residual_report(y - ip.solve(problem, ip.Restart()).x, 0.2)
    (mean,) = ip.residual_report(y - ip.solve(problem, ip.ADMM()).x, 0.2)
    assert sample.deviation == pytest.approx(1, abs=0.03)
    assert mean.deviation == pytest.approx(0.5**0.5, abs=0.03)
    assert sample.p_value > 0.01


def test_what_stochastic_denoising_takes_away_from_a_photo_is_noise():
    photo, prior = ip.sample_photo()[..., 64:112, 64:112], ip.DenoiserPrior.pretrained()
    likelihood = ip.Gaussian(sigma=0.4)
    problem = ip.Problem(prior, likelihood, likelihood.sample(photo, ip.generator(0)))
    (sample,) = ip.residual_report(problem.y - ip.solve(problem, ip.Restart(calls=10)).x, 0.4)
    assert sample.deviation == pytest.approx(1, abs=0.03)
    assert sample.correlation < sample.chance
    assert sample.p_value > 0.01


def test_what_is_no_residual_is_refused():
    with pytest.raises(ip.InputError, match=r"give images \(B, C, H, W\)"):
        ip.residual_report(torch.zeros(3, 8, 8), 0.1)
    with pytest.raises(ip.InputError, match="same in all pixels"):
        ip.residual_report(torch.ones(1, 1, 8, 8), 0.1)
    with pytest.raises(ip.InputError, match="same in all pixels"):
        ip.residual_report(torch.cat([noise(), torch.ones(1, 3, 64, 64)]), 0.1)
    with pytest.raises(ip.InputError, match="same in all pixels of each channel"):
        ip.residual_report(torch.tensor([0.1, 0.2, 0.3])[:, None, None].expand(1, 3, 8, 8), 0.1)
    with pytest.raises(ip.InputError, match="sigma=0"):
        ip.residual_report(noise(), 0.0)
    with pytest.raises(ip.InputError, match="sigma=None is no number"):
        ip.residual_report(noise(), None)
    with pytest.raises(ip.InputError, match="not finite"):
        ip.residual_report(noise() / 0, 0.1)
    with pytest.raises(ip.InputError, match=r"ndarray; give a tensor: torch.as_tensor"):
        ip.residual_report(noise().numpy(), 0.1)
    assert isinstance(ip.residual_report(noise(), torch.tensor(0.2))[0].deviation, float)
