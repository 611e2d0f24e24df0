"""Noise behind a filter, and filtered noise: against dense matrices."""

import math

import pytest
import torch
from noise_examples import BLUR, COLOURED, CORRELATED, SHAPE, image, measure

import invprob as ip

FILTERS = {
    "blur": BLUR,
    **{b: ip.CorrelationFilter(b) for b in ("circular", "zero", "replicate", "reflect")},
}
PIXELS = math.prod(SHAPE)


def dense(A):
    basis = torch.eye(PIXELS, dtype=torch.float64).reshape(-1, *SHAPE)
    return A.forward(basis).flatten(1).T


@pytest.fixture(params=FILTERS)
def A(request):
    return FILTERS[request.param]


def test_coloured_gaussian_is_a_multivariate_normal(A):
    noise, x, matrix = ip.ColouredGaussian(0.1, A), image(), dense(A)
    y = measure(noise, x)
    law = torch.distributions.MultivariateNormal(x.flatten(1), 0.01 * matrix.T @ matrix)
    torch.testing.assert_close(noise.log_prob(y, x), law.log_prob(y.flatten(1)))


def test_coloured_signal_dependent_is_a_multivariate_normal(A):
    noise, x, matrix = ip.ColouredSignalDependent(0.098, 0.1, A), image(), dense(A)
    y = measure(noise, x)
    root = (0.098 * x + 0.1).flatten(1)[:, :, None] * matrix
    law = torch.distributions.MultivariateNormal(x.flatten(1), root.mT @ root)
    torch.testing.assert_close(noise.log_prob(y, x), law.log_prob(y.flatten(1)))


@pytest.mark.parametrize(
    "make",
    [lambda A: ip.ColouredGaussian(0.1, A), lambda A: ip.ColouredSignalDependent(0.098, 0.1, A)],
)
def test_the_noise_is_filtered_and_the_image_is_not(A, make):
    noise, x, matrix = make(A), image(rows=1), dense(A)
    y = noise.sample(x.expand(20000, *SHAPE), ip.generator(0)).flatten(1)
    level = 0.1 if isinstance(noise, ip.ColouredGaussian) else 0.098 * x.flatten() + 0.1
    root = torch.as_tensor(level, dtype=x.dtype).expand(PIXELS)[:, None] * matrix
    covariance = root.T @ root
    scale = covariance.diag().max()
    assert ((y.mean(0) - x.flatten()).abs() < 5 * (scale / 20000).sqrt()).all()
    assert (torch.cov(y.T) - covariance).abs().max() < 6 * scale / math.sqrt(20000)


def test_correlated_noise_filters_the_image_too(A):
    noise, x, matrix = ip.Correlated(ip.Gamma(26), A), image(rows=1), dense(A)
    y = noise.sample(x.expand(20000, *SHAPE), ip.generator(0)).flatten(1)
    covariance = matrix @ torch.diag(x.flatten() ** 2 / 26) @ matrix.T
    scale = covariance.diag().max()
    assert ((y.mean(0) - matrix @ x.flatten()).abs() < 5 * (scale / 20000).sqrt()).all()
    assert (torch.cov(y.T) - covariance).abs().max() < 8 * scale / math.sqrt(20000)


def test_change_of_variables(A):
    noise, x = ip.Correlated(ip.Gamma(26), A), image()
    y = measure(noise, x)
    w = torch.linalg.solve(dense(A), y.flatten(1).T).T.reshape(y.shape)
    expected = ip.Gamma(26).log_prob(w, x) - torch.linalg.slogdet(dense(A)).logabsdet
    torch.testing.assert_close(noise.log_prob(y, x), expected)


def test_a_probability_on_a_lattice_has_no_jacobian():
    noise, x = CORRELATED["poisson, filtered"], image()
    y = measure(noise, x)
    w = noise.A.inverse(y)
    torch.testing.assert_close(noise.log_prob(y, x), noise.noise.log_prob(w, x))


def test_two_filters_are_one():
    x = image()
    one = ip.Correlated(ip.Correlated(ip.Gamma(26), BLUR), ip.CorrelationFilter())
    y = one.sample(x, ip.generator(0))
    inner = ip.Correlated(ip.Gamma(26), BLUR)
    w = ip.CorrelationFilter().inverse(y)
    determinant = ip.CorrelationFilter().log_abs_det(SHAPE)
    torch.testing.assert_close(one.log_prob(y, x), inner.log_prob(w, x) - determinant)
    torch.testing.assert_close(one.match_score(y, one.score_y(y, x), y), x, rtol=0, atol=1e-8)


def test_the_spectrum_of_coloured_noise_whitens_it():
    noise, x = COLOURED["coloured gaussian"], image()
    y, spectrum = measure(noise, x), noise.spectrum(SHAPE)
    white = (spectrum.observe(y) - spectrum.vt(x)) / spectrum.sd
    expected = noise.A.inverse_adjoint(y - x) / noise.sigma
    torch.testing.assert_close(white.square().sum((1, 2, 3)), expected.square().sum((1, 2, 3)))


def test_blurred_then_filtered_gaussian_noise():
    """H before the noise, A after it: y = A (H x + sigma n), in every spectral capability."""
    H = ip.CircularBlur.named("uniform3")
    noise = ip.Correlated(ip.Gaussian(0.1, operator=H), BLUR)
    plain = ip.Gaussian(0.1, operator=H)
    x, v = image(), image(4)
    y, step = measure(noise, x), torch.tensor(0.05, dtype=torch.float64)
    w = BLUR.inverse(y)
    assert torch.equal(noise.prox(y, v, step), plain.prox(w, v, step))
    torch.testing.assert_close(noise.spectrum(SHAPE).observe(y), plain.spectrum(SHAPE).observe(w))
    torch.testing.assert_close(
        noise.annealed_score(y, v, x, step), plain.annealed_score(w, v, x, step)
    )


def test_rounding_in_black_pixels_is_no_impossible_measurement():
    noise = ip.Correlated(ip.Gamma(26), ip.CorrelationFilter())
    w = torch.full((1, 1, 64, 64), 1e-9)
    w[..., 32:] = 1.3
    y = noise.A.forward(w)
    assert noise.A.inverse(y).min() <= 0  # in single precision
    noise.check_measurement(y)
    with pytest.raises(ip.InputError, match="in A⁻¹ y"):
        noise.check_measurement(noise.A.forward(w - 0.001))


def test_a_count_of_zero_is_one_behind_a_filter():
    """However many photons a bright pixel has, and A⁻¹ A rounds."""
    noise, x = ip.Correlated(ip.Poisson(1000), ip.CorrelationFilter()), torch.ones(1, 1, 16, 16)
    x[..., :8] = 0
    noise.check_measurement(noise.sample(x, ip.generator(0)))
    with pytest.raises(ip.InputError, match="in A⁻¹ y.*it is no count") as refused:
        noise.check_measurement(noise.sample(x, ip.generator(0)) + 0.0123)
    assert "poisson-gaussian" in refused.value.typed


@pytest.mark.parametrize("wrap", [ip.Observed, ip.Correlated])
def test_probabilities_of_counts_are_not_changed_by_a_filter(wrap):
    """Also where something stands between the two that changes nothing."""
    x = torch.full((1, 1, 6, 6), 0.5, dtype=torch.float64)
    noise, A = ip.Poisson(30), ip.CorrelationFilter()
    y = ip.Correlated(noise, A).sample(x, ip.generator(0))
    between = wrap(noise, ip.Identity())
    plain, wrapped = (ip.Correlated(n, A).log_prob(y, x) for n in (noise, between))
    torch.testing.assert_close(wrapped, plain)
