import numpy as np
import pytest
import torch

import invprob as ip

F64 = torch.float64


def random_covariance(size, seed=0):
    root = torch.randn(size, size, generator=ip.generator(seed), dtype=F64)
    return root @ root.mT / size + 0.01 * torch.eye(size, dtype=F64)


@pytest.fixture(params=["number", "image", "matrix"])
def prior(request):
    mean = torch.rand(1, 2, 3, generator=ip.generator(1), dtype=F64)
    if request.param == "number":
        return ip.GaussianPrior(mean=mean, sd=0.3)
    if request.param == "image":
        sd = 0.1 + torch.rand(2, 3, generator=ip.generator(2), dtype=F64)
        return ip.GaussianPrior(mean=mean, sd=sd)
    return ip.GaussianPrior.from_covariance(mean, random_covariance(6))


@pytest.fixture
def x():
    return torch.randn(5, 1, 2, 3, generator=ip.generator(3), dtype=F64)


def reference(prior, sigma):
    covariance = prior.covariance() + sigma**2 * torch.eye(6, dtype=F64)
    return torch.distributions.MultivariateNormal(prior.mean.flatten(), covariance)


def test_log_prob_is_that_of_the_multivariate_normal(prior, x):
    torch.testing.assert_close(prior.log_prob(x), reference(prior, 0).log_prob(x.flatten(1)))


@pytest.mark.parametrize("sigma", [0.0, 0.05, 2.0])
def test_score_is_the_gradient_of_the_blurred_density(prior, x, sigma):
    x.requires_grad_()
    reference(prior, sigma).log_prob(x.flatten(1)).sum().backward()
    score = prior.score(x.detach(), torch.tensor(sigma, dtype=F64))
    torch.testing.assert_close(score, x.grad, rtol=1e-10, atol=1e-10)


def test_denoise_is_tweedies_formula_with_one_sigma_per_row(prior, x):
    sigma = torch.tensor([0.01, 0.1, 0.5, 1.0, 30.0], dtype=F64)
    expected = x + sigma.reshape(-1, 1, 1, 1) ** 2 * prior.score(x, sigma)
    torch.testing.assert_close(prior.denoise(x, sigma), expected, rtol=1e-9, atol=1e-9)
    for row in range(5):
        alone = prior.denoise(x[row : row + 1], sigma[row])
        torch.testing.assert_close(alone[0], prior.denoise(x, sigma)[row])


def test_no_noise_leaves_the_image_alone(prior, x):
    torch.testing.assert_close(prior.denoise(x, torch.tensor(0.0)), x)


def test_samples_have_the_mean_and_the_covariance(prior):
    x = prior.sample((40_000, 1, 2, 3), ip.generator(0)).flatten(1)
    scale = float(prior.covariance().diagonal().max())
    assert float((x.mean(0) - prior.mean.flatten()).abs().max()) < 5 * (scale / 40_000) ** 0.5
    assert float((x.T.cov() - prior.covariance()).abs().max()) < 5 * scale * (2 / 40_000) ** 0.5


def test_moments(prior):
    mean, radius = prior.moments()
    assert torch.equal(mean, prior.mean)
    assert radius == pytest.approx(float(prior.covariance().trace()) ** 0.5)


def test_dtype_follows_the_image(prior, x):
    for dtype in (torch.float32, F64):
        assert prior.denoise(x.to(dtype), torch.tensor(0.1)).dtype == dtype
        assert prior.score(x.to(dtype), torch.tensor(0.1)).dtype == dtype
    close = prior.denoise(x.float(), torch.tensor(0.1)).double()
    torch.testing.assert_close(close, prior.denoise(x, torch.tensor(0.1)), rtol=1e-5, atol=1e-5)


def test_independent_pixels_cost_no_matrix():
    prior = ip.GaussianPrior(mean=torch.zeros(3, 512, 512), sd=0.2)
    x = torch.ones(1, 3, 512, 512)
    expected = torch.full_like(x, 0.5)
    torch.testing.assert_close(prior.denoise(x, torch.tensor(0.2)), expected)


def test_posterior_of_one_pixel_is_the_textbook_one():
    prior = ip.GaussianPrior(mean=torch.tensor([0.2], dtype=F64), sd=0.3)
    posterior = prior.posterior(ip.Gaussian(sigma=0.4), torch.tensor([[0.7]], dtype=F64))
    precision = 1 / 0.3**2 + 1 / 0.4**2
    assert float(posterior.mean) == pytest.approx((0.2 / 0.3**2 + 0.7 / 0.4**2) / precision)
    assert float(posterior.sd) == pytest.approx(precision**-0.5)


def test_posterior_density_is_proportional_to_prior_times_likelihood(prior, x):
    mask = torch.tensor([[1, 0, 1], [0, 0, 1]])
    noise = ip.Gaussian(sigma=0.2, operator=ip.Mask(mask))
    y = noise.sample(x[:1], ip.generator(4))
    posterior = prior.posterior(noise, y)
    ratio = prior.log_prob(x) + noise.log_prob(y.expand_as(x), x) - posterior.log_prob(x)
    torch.testing.assert_close(ratio, ratio[:1].expand(5), rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sd": 0.0}, "all must be > 0"),
        ({"sd": float("inf")}, "sd has values that are not finite"),
        ({"mean": torch.full((1, 2, 3), torch.nan)}, "mean has values that are not finite"),
        ({"mean": None}, "mean is a NoneType; give a tensor"),
        ({"sd": torch.ones(7)}, "does not broadcast"),
        ({"mean": torch.zeros(1, 2, 3, dtype=torch.int64)}, "floating-point"),
        ({"axes": torch.eye(5)}, r"must be \(6, 6\)"),
    ],
)
def test_impossible_arguments_are_refused(change, said):
    with pytest.raises(ip.InputError, match=said):
        ip.GaussianPrior(**{"mean": torch.zeros(1, 2, 3), "sd": 0.2} | change)


@pytest.mark.parametrize(
    ("covariance", "said"),
    [
        (torch.tensor([[1.0, 2.0], [2.0, 1.0]]), "eigenvalue -1"),
        (torch.tensor([[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
        (torch.eye(2) * torch.nan, "covariance has values that are not finite"),
        (torch.eye(3), r"must be \(2, 2\)"),
    ],
)
def test_impossible_covariances_are_refused(covariance, said):
    with pytest.raises(ip.InputError, match=said):
        ip.GaussianPrior.from_covariance(torch.zeros(2), covariance)


def test_wrong_sample_shapes_are_refused(prior):
    with pytest.raises(ip.InputError, match="shape is"):
        prior.sample((4, 2, 3), ip.generator(0))


def test_axes_are_an_orthogonal_matrix_of_any_kind():
    turned = np.array([[0.6, -0.8], [0.8, 0.6]])
    prior = ip.GaussianPrior(np.zeros(2), 1.0, turned)
    assert prior.denoise(torch.zeros(1, 2), torch.tensor(0.1)).shape == (1, 2)
    for crooked in (2 * turned, [[1.0, 1.0], [0.0, 1.0]]):
        with pytest.raises(ip.InputError, match="no orthogonal matrix"):
            ip.GaussianPrior(torch.zeros(2), 1.0, torch.tensor(crooked))
    with pytest.raises(ip.InputError, match="axes"):
        ip.GaussianPrior(torch.zeros(2), 1.0, torch.full((2, 2), torch.nan))
