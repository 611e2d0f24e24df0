"""Gaussian noise: every capability against its definition, for every kind of operator."""

import copy
import math
import pickle

import pytest
import torch
from gaussian_examples import MASK, NOISES, SHAPE, draw, image
from torch import Tensor

import invprob as ip


@pytest.fixture(params=NOISES)
def noise(request: pytest.FixtureRequest) -> ip.Gaussian:
    return NOISES[request.param]


def precision(noise: ip.Gaussian) -> tuple[Tensor, Tensor]:
    """Hᵀ H / sigma² as a dense matrix, and H."""
    basis = torch.eye(math.prod(SHAPE), dtype=torch.float64).reshape(-1, *SHAPE)
    h = noise.operator.forward(basis).flatten(1).T
    sigma = torch.as_tensor(noise.sigma, dtype=torch.float64).expand(SHAPE).reshape(-1, 1)
    return h.T @ (h / sigma**2), h


def test_log_prob_is_that_of_independent_normals(noise):
    x = image(0)
    y = draw(noise, x)
    mean, sigma = noise.operator.forward(x), torch.as_tensor(noise.sigma, dtype=y.dtype)
    terms = torch.distributions.Normal(mean, sigma.expand(SHAPE)).log_prob(y)
    if isinstance(noise.operator, ip.Mask):
        terms = terms * noise.operator.mask
    torch.testing.assert_close(noise.log_prob(y, x), terms.sum((1, 2, 3)))


def test_scores_are_the_gradients_of_log_prob(noise):
    x = image(0).requires_grad_()
    y = draw(noise, x.detach()).requires_grad_()
    in_y, in_x = torch.autograd.grad(noise.log_prob(y, x).sum(), (y, x))
    torch.testing.assert_close(noise.score_y(y, x).detach(), in_y)
    torch.testing.assert_close(noise.grad_x(y, x).detach(), in_x)


def test_mean_and_variance_of_samples(noise):
    x = image(0, 1)
    y = noise.sample(x.expand(20000, *SHAPE), ip.generator(1))
    sd = torch.as_tensor(noise.sigma, dtype=x.dtype).expand(SHAPE)
    if isinstance(noise.operator, ip.Mask):
        sd = sd * noise.operator.mask
    error = (y.mean(0) - noise.operator.forward(x)[0]).abs()
    assert (error <= 5 * sd / math.sqrt(20000) + 1e-12).all()
    torch.testing.assert_close(y.std(0), sd, rtol=0.03, atol=1e-12)


def test_prox_solves_its_normal_equations(noise):
    y, v = draw(noise, image(0)), image(1)
    step = torch.tensor([0.003, 0.1, 2.0], dtype=torch.float64)
    x = noise.prox(y, v, step)
    stationary = -step.reshape(-1, 1, 1, 1) * noise.grad_x(y, x) + x - v
    assert stationary.abs().max() < 1e-12 * 400
    for row in range(3):
        torch.testing.assert_close(noise.prox(y[[row]], v[[row]], step[row]), x[[row]])


def test_sample_given_has_the_mean_and_covariance_of_the_gaussian_product(noise):
    y, v, rho = draw(noise, image(0, 1)), image(1, 1), torch.tensor(0.15, dtype=torch.float64)
    draws = noise.sample_given(
        y.expand(20000, *SHAPE), v.expand(20000, *SHAPE), rho, ip.generator(2)
    ).flatten(1)
    hessian = precision(noise)[0] + torch.eye(draws.shape[1]) / rho**2
    covariance = torch.linalg.inv(hessian)
    mean = noise.prox(y, v, rho**2).flatten()
    assert ((draws.mean(0) - mean).abs() < 5 * covariance.diag().sqrt() / math.sqrt(20000)).all()
    whitened = torch.linalg.cholesky(hessian).T @ (draws - mean).T
    torch.testing.assert_close(torch.cov(whitened), torch.eye(40).double(), rtol=0, atol=0.06)


def test_spectrum_is_the_measurement_in_the_singular_basis(noise):
    spectrum = noise.spectrum(SHAPE)
    x = image(0)
    clean = noise.operator.forward(x)
    seen = torch.isfinite(spectrum.sd)
    torch.testing.assert_close(
        spectrum.observe(clean), torch.where(seen, spectrum.vt(x), 0), rtol=1e-9, atol=1e-9
    )
    y = draw(noise, x)
    whitened = (spectrum.observe(y) - spectrum.vt(x)) / spectrum.sd
    residual = (y - clean) / torch.as_tensor(noise.sigma)
    if noise.operator.svd(SHAPE).s.gt(1e-12).all():
        torch.testing.assert_close(whitened.square().sum(), residual.square().sum())


def test_annealed_score_of_a_gaussian_prior_is_the_exact_posterior_score(noise):
    """For x ~ N(m, t²) and sigma below every sd, p(x_sigma | y) is Gaussian in closed form."""
    spectrum = noise.spectrum(SHAPE)
    sigma, t, m = 0.4 * float(spectrum.sd.min()), 0.3, image(4)
    x, y = image(1), draw(noise, image(0))
    prior_score = (m - x) / (t**2 + sigma**2)
    found = noise.annealed_score(y, x, prior_score, torch.tensor(sigma, dtype=x.dtype))
    # x_sigma ~ N(m, t² + sigma²), and w - x_sigma ~ N(0, sd² - sigma²) independent of it.
    gap = spectrum.sd**2 - sigma**2
    precision = 1 / (t**2 + sigma**2) + 1 / gap
    center = (spectrum.vt(m) / (t**2 + sigma**2) + spectrum.observe(y) / gap) / precision
    torch.testing.assert_close(spectrum.vt(found), (center - spectrum.vt(x)) * precision)


def test_annealed_score_before_the_path_meets_the_measurement():
    noise, x, y = NOISES["mask"], image(1), draw(NOISES["mask"], image(0))
    prior_score, sigma = image(2), torch.tensor([0.5, 0.7, 0.9], dtype=torch.float64)
    found = noise.annealed_score(y, x, prior_score, sigma)
    gap = sigma.reshape(-1, 1, 1, 1) ** 2 - noise.sigma**2
    torch.testing.assert_close(found, torch.where(MASK.mask, (y - x) / gap, prior_score))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_annealed_score_where_sigma_is_the_noise_level_exactly(dtype):
    for noise in NOISES.values():
        x, y = image(1).to(dtype), draw(noise, image(0)).to(dtype)
        level = noise.spectrum(SHAPE).sd.to(dtype).min()
        found = noise.annealed_score(y, x, image(2).to(dtype), level)
        assert torch.isfinite(found).all() and found.dtype == dtype
        spectrum = noise.spectrum(SHAPE)
        at = spectrum.sd.to(dtype) == level
        toward = spectrum.observe(y) - spectrum.vt(x)
        assert (spectrum.vt(found).sign() == toward.sign())[:, at].all()


@pytest.mark.parametrize("name", ["identity", "identity, levels", "blur"])
def test_match_score_inverts_score_y(name):
    noise, x = NOISES[name], image(0)
    y = draw(noise, x)
    torch.testing.assert_close(noise.match_score(y, noise.score_y(y, x), y), x, rtol=0, atol=1e-8)


def test_unobserved_entries_of_y_count_nowhere():
    noise, x = NOISES["mask, levels"], image(0)
    y = draw(noise, x)
    assert (y[:, ~MASK.mask] == 0).all()
    other = torch.where(MASK.mask, y, 7.0)
    for what in ("log_prob", "score_y", "grad_x"):
        assert torch.equal(getattr(noise, what)(y, x), getattr(noise, what)(other, x))
    step = torch.tensor(0.1, dtype=x.dtype)
    assert torch.equal(noise.prox(y, x, step), noise.prox(other, x, step))


def test_float32_follows_the_data(noise):
    x, step = image(0).float(), torch.tensor(0.02)
    y = draw(noise, x)
    for result in (
        y,
        noise.log_prob(y, x),
        noise.grad_x(y, x),
        noise.prox(y, x, step),
        noise.sample_given(y, x, step, ip.generator(0)),
        noise.annealed_score(y, x, x, step),
    ):
        assert result.dtype == torch.float32 and torch.isfinite(result).all()
    torch.testing.assert_close(
        noise.prox(y, x, step).double(),
        noise.prox(y.double(), x.double(), step.double()),
        rtol=1e-4,
        atol=1e-4,
    )


def test_a_used_part_can_be_copied_and_pickled(noise):
    y, step = draw(noise, image(0)), torch.tensor(0.1, dtype=torch.float64)
    before = noise.prox(y, y, step)
    for again in (pickle.loads(pickle.dumps(noise)), copy.deepcopy(noise)):
        assert torch.equal(again.prox(y, y, step), before)
    assert "memo" not in repr(noise)


def test_repr_says_what_was_given():
    assert repr(NOISES["identity"]) == "Gaussian(sigma=0.2)"
    assert repr(NOISES["mask"]) == "Gaussian(sigma=0.1, operator=Mask(60% of (2, 4, 5)))"
    assert "(2, 4, 5)" in repr(NOISES["identity, levels"])
