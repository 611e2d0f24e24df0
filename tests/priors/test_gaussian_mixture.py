import math

import numpy as np
import pytest
import torch

import invprob as ip
from invprob.diagnostics.laboratory import smooth_mixture
from invprob.operators import kernels

F64 = torch.float64


@pytest.fixture(scope="module")
def prior():
    many = smooth_mixture((4, 4), seed=1)
    few = (many.weights[:5], many.means[:5], many.covariances[:5])
    return ip.GaussianMixturePrior(*few)


@pytest.fixture
def x(prior):
    return prior.sample((6, 1, 4, 4), ip.generator(0))


def reference(prior, sigma):
    noise = sigma**2 * torch.eye(16, dtype=F64)
    return torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(prior.weights),
        torch.distributions.MultivariateNormal(prior.means.flatten(1), prior.covariances + noise),
    )


def test_log_prob_is_that_of_the_mixture(prior, x):
    expected = reference(prior, 0).log_prob(x.flatten(1))
    torch.testing.assert_close(prior.log_prob(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.0, 0.03, 0.3, 5.0])
def test_score_is_the_gradient_of_the_blurred_density(prior, x, sigma):
    x = (x + sigma).requires_grad_()
    reference(prior, sigma).log_prob(x.flatten(1)).sum().backward()
    score = prior.score(x.detach(), torch.tensor(sigma, dtype=F64))
    scale = float(x.grad.abs().max())
    torch.testing.assert_close(score, x.grad, rtol=1e-9, atol=1e-10 * scale)


def test_denoise_is_tweedies_formula_with_one_sigma_per_row(prior, x):
    sigma = torch.tensor([0.01, 0.1, 0.5, 1.0, 3.0, 20.0], dtype=F64)
    expected = x + sigma.reshape(-1, 1, 1, 1) ** 2 * prior.score(x, sigma)
    torch.testing.assert_close(prior.denoise(x, sigma), expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(prior.denoise(x[2:3], sigma[2])[0], prior.denoise(x, sigma)[2])


def test_denoise_is_the_posterior_mean(prior, x):
    y = ip.Gaussian(sigma=0.4).sample(x, ip.generator(1))
    exact = [prior.posterior(ip.Gaussian(sigma=0.4), y[i : i + 1]).mean for i in range(6)]
    torch.testing.assert_close(prior.denoise(y, torch.tensor(0.4, dtype=F64)), torch.stack(exact))


def test_denoise_against_quadrature():
    means = torch.tensor([[-0.5], [0.4], [1.0]], dtype=F64)
    variances = torch.tensor([0.01, 0.04, 0.0025], dtype=F64)
    prior = ip.GaussianMixturePrior(
        torch.tensor([1.0, 2.0, 1.0], dtype=F64), means, variances[:, None, None]
    )
    grid = torch.linspace(-4, 4, 200_001, dtype=F64)
    density = prior.log_prob(grid[:, None]).exp()
    assert float(torch.trapezoid(density, grid)) == pytest.approx(1, abs=1e-9)
    for at in (-1.0, 0.1, 0.7):
        weight = density * (-0.5 * ((grid - at) / 0.3) ** 2).exp()
        expected = torch.trapezoid(weight * grid, grid) / torch.trapezoid(weight, grid)
        found = prior.denoise(torch.tensor([[at]], dtype=F64), torch.tensor(0.3, dtype=F64))
        assert float(found) == pytest.approx(float(expected), rel=1e-8)


def test_single_precision_survives_far_away_and_tiny_noise(prior):
    far = torch.full((2, 1, 4, 4), 100.0)
    for sigma in (0.0, 1e-6, 1e-3, 100.0):
        for part in (prior.denoise, prior.score):
            assert bool(torch.isfinite(part(far, torch.tensor(sigma))).all())
    assert bool(torch.isfinite(prior.log_prob(far)).all())
    torch.testing.assert_close(prior.denoise(far, torch.tensor(0.0)), far, rtol=1e-5, atol=0)


def test_samples_have_the_mean_and_the_covariance(prior):
    x = prior.sample((40_000, 1, 4, 4), ip.generator(0)).flatten(1)
    covariance = prior.covariance()
    scale = float(covariance.diagonal().max())
    assert float((x.mean(0) - prior.mean.flatten()).abs().max()) < 5 * (scale / 40_000) ** 0.5
    assert float((x.T.cov() - covariance).abs().max()) < 6 * scale * (2 / 40_000) ** 0.5
    mean, radius = prior.moments()
    assert torch.equal(mean, prior.mean)
    assert radius == pytest.approx(float(covariance.trace()) ** 0.5)


@pytest.mark.parametrize(
    "operator",
    [ip.Identity(), ip.Mask(torch.arange(16).reshape(4, 4) % 3 == 0)]
    + [ip.CircularBlur(kernels.gaussian(0.5).double()[1:-1, 1:-1])],
    ids=["identity", "mask", "blur"],
)
def test_posterior_density_is_prior_times_likelihood_over_evidence(prior, x, operator):
    noise = ip.Gaussian(sigma=0.3, operator=operator)
    y = noise.sample(x[:1], ip.generator(2))
    posterior = prior.posterior(noise, y)
    near = posterior.sample((50, 1, 4, 4), ip.generator(3))
    log_ratio = (
        prior.log_prob(near)
        + noise.log_prob(y.expand(50, -1, -1, -1), near)
        - posterior.log_prob(near)
    )
    torch.testing.assert_close(log_ratio, log_ratio[:1].expand(50), rtol=0, atol=1e-7)
    matrix = operator.forward(torch.eye(16, dtype=F64).reshape(16, 1, 4, 4)).flatten(1).T
    seen = matrix.abs().sum(1) > 0
    component = torch.distributions.MultivariateNormal(
        (prior.means.flatten(1) @ matrix.T)[:, seen],
        (matrix @ prior.covariances @ matrix.T + 0.09 * torch.eye(16, dtype=F64))[:, seen][
            ..., seen
        ],
    )
    evidence = (prior.weights.log() + component.log_prob(y.flatten()[seen])).logsumexp(0)
    assert float(log_ratio[0]) == pytest.approx(float(evidence), abs=1e-7)


def test_noise_that_differs_between_pixels(prior, x):
    sigma = 0.1 + torch.rand(1, 4, 4, generator=ip.generator(5), dtype=F64)
    noise = ip.Gaussian(sigma=sigma)
    y = noise.sample(x[:1], ip.generator(2))
    posterior = prior.posterior(noise, y)
    near = posterior.sample((20, 1, 4, 4), ip.generator(3))
    log_ratio = (
        prior.log_prob(near)
        + noise.log_prob(y.expand(20, -1, -1, -1), near)
        - posterior.log_prob(near)
    )
    torch.testing.assert_close(log_ratio, log_ratio[:1].expand(20), rtol=0, atol=1e-7)


def test_one_covariance_serves_all_components():
    means = torch.randn(3, 2, 2, generator=ip.generator(0))
    shared = ip.GaussianMixturePrior(torch.ones(3), means, 0.1 * torch.eye(4))
    own = ip.GaussianMixturePrior(torch.ones(3), means, 0.1 * torch.eye(4).repeat(3, 1, 1))
    x = torch.randn(5, 2, 2, generator=ip.generator(1))
    assert torch.equal(shared.log_prob(x), own.log_prob(x))
    assert torch.equal(shared.covariance(), own.covariance())


def test_impossible_components_leave_the_posterior():
    means = torch.tensor([[-10.0], [10.0]])
    prior = ip.GaussianMixturePrior(torch.ones(2), means, torch.eye(1))
    posterior = prior.posterior(ip.Gaussian(sigma=0.1), torch.tensor([[9.5]]))
    assert posterior.weights.tolist() == [1.0]
    assert math.isclose(float(posterior.mean), (10 + 9.5 * 100) / 101, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": torch.tensor([1.0, -1.0, 3.0])}, "all must be > 0"),
        ({"weights": "1,2,3"}, "weights is a str"),
        ({"means": torch.full((3, 4), torch.nan)}, "means has values that are not finite"),
        ({"covariances": torch.eye(4) / 0}, "covariances has values that are not finite"),
        ({"weights": torch.ones(2)}, "3 means need shape"),
        ({"means": torch.zeros(3, 4, dtype=torch.int64)}, "floating-point"),
        ({"covariances": torch.eye(3)}, "4 pixels need"),
        ({"covariances": torch.eye(4).repeat(2, 1, 1)}, "3 means of 4"),
        ({"covariances": -torch.eye(4)}, "eigenvalue"),
    ],
)
def test_impossible_arguments_are_refused(change, said):
    good = {"weights": torch.ones(3), "means": torch.zeros(3, 4), "covariances": torch.eye(4)}
    with pytest.raises(ip.InputError, match=said):
        ip.GaussianMixturePrior(**good | change)


@pytest.mark.parametrize("double", ["weights", "means", "covariances"])
def test_arguments_may_be_arrays_of_other_precisions(double):
    parts = {"weights": [1.0, 2.0], "means": [[0.0, 1.0], [1.0, 0.0]], "covariances": np.eye(2)}
    plain = ip.GaussianMixturePrior(**{k: torch.tensor(v).float() for k, v in parts.items()})
    prior = ip.GaussianMixturePrior(
        **{k: np.asarray(v, "float64" if k == double else "float32") for k, v in parts.items()}
    )
    x = torch.tensor([[0.3, 0.4]])
    torch.testing.assert_close(prior.moments()[1], plain.moments()[1])
    torch.testing.assert_close(prior.log_prob(x), plain.log_prob(x))
    assert prior.sample((3, 2), ip.generator(0)).dtype == prior.means.dtype


def test_impossible_posteriors_are_refused(prior, x):
    with pytest.raises(ip.InputError, match=r"y\[:1\]"):
        prior.posterior(ip.Gaussian(sigma=0.1), x)
    big = ip.GaussianPrior(mean=torch.zeros(1, 80, 80), sd=1.0)
    with pytest.raises(ip.InputError, match="6400 pixels"):
        big.posterior(ip.Gaussian(sigma=0.1), torch.zeros(1, 1, 80, 80))
    with pytest.raises(ip.InputError, match="shape is"):
        prior.sample((4, 4, 4), ip.generator(0))
