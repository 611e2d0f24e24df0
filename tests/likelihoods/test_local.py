"""The Gaussian that stands in for a likelihood near an image."""

import pytest
import torch
from noise_examples import CORRELATED, MIXED, PIXELWISE, image, measure

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import LocallyGaussian, Spectral

ALL = PIXELWISE | MIXED | CORRELATED


def test_for_gaussian_noise_nothing_is_approximate():
    noise, x = ip.Gaussian(sigma=0.1), image()
    y = measure(noise, x)
    for sigma in (1e-3, 0.1, 10.0):
        near = ip.pixelwise_surrogate(noise, y, image(5), torch.tensor(sigma))
        torch.testing.assert_close(near.w, y)
        torch.testing.assert_close(near.sd, torch.full_like(y, 0.1))


@pytest.mark.parametrize("name", ALL)
def test_it_has_the_proximal_point_of_the_likelihood(name):
    noise, x = ALL[name], image()
    y = measure(noise, x)
    sigma = torch.tensor([0.03, 0.1, 0.4], dtype=x.dtype)
    v = x + 0.2 * torch.randn(x.shape, generator=ip.generator(3), dtype=x.dtype)
    near = noise.surrogate(y, v, sigma)
    variance = sigma.square().reshape(-1, 1, 1, 1)
    found = (variance * near.w + near.sd.square() * v) / (variance + near.sd.square())
    torch.testing.assert_close(found, noise.prox(y, v, sigma.square()), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_it_has_the_curvature_where_the_likelihood_is_log_concave(name):
    noise, x, h = ALL[name], image(), 1e-6
    y = measure(noise, x)
    near = noise.surrogate(y, x, torch.tensor(1e-3))
    curvature = (noise.grad_x(y, x - h) - noise.grad_x(y, x + h)) / (2 * h)
    concave = curvature > 2
    assert concave.double().mean() > 0.3
    ratio = near.sd.square() * curvature
    torch.testing.assert_close(ratio[concave], torch.ones_like(ratio[concave]), rtol=0.02, atol=0)
    assert (near.sd > 0).all() and near.sd.isfinite().all()


def test_a_pixel_without_photons_is_pulled_to_black_and_not_below():
    noise, y = ip.Poisson(peak=30), torch.zeros(1, 1, 1, 3)
    x, sigma = torch.tensor([[[[-0.1, 0.002, 0.5]]]]), torch.tensor(0.05)
    near = noise.surrogate(y, x, sigma)
    assert near.w.isfinite().all() and near.sd.isfinite().all()
    gain = sigma**2 / (sigma**2 + near.sd.square())
    after = x + gain * (near.w - x)
    torch.testing.assert_close(after, torch.tensor([[[[0.0, 0.0, 0.425]]]]), rtol=0, atol=1e-6)


def test_what_has_none_says_why():
    filtered = ip.Mixture(ip.Correlated(ip.Gamma(26), ip.CorrelationFilter()), sigma=0.1)
    assert "no pixel" in lacks(filtered, LocallyGaussian)
    with pytest.raises(ip.IncompatibleError, match="no pixel"):
        filtered.surrogate(torch.ones(1, 1), torch.ones(1, 1), torch.tensor(0.1))
    assert lacks(ip.autograd(ip.Gamma(26)), LocallyGaussian) is None
    assert lacks(ip.Gamma(26), Spectral | LocallyGaussian) is None
    assert lacks(ip.Gaussian(sigma=0.1), Spectral | LocallyGaussian) is None


class Secant:
    """A noise with a density and a gradient, and with a surrogate that asks for more."""

    def sample(self, x, generator, /):
        return x

    def log_prob(self, y, x, /):
        return -((y - x) / 0.1).cosh().log().flatten(1).sum(1)

    def grad_x(self, y, x, /):
        return ((y - x) / 0.1).tanh() / 0.1

    def surrogate(self, y, x, sigma, /):
        return ip.pixelwise_surrogate(self, y, x, sigma)


class WithIteration(Secant):
    """The same with a prox."""

    def surrogate(self, y, x, sigma, /):
        return ip.pixelwise_surrogate(ip.iterative_prox(self), y, x, sigma)


def test_a_noise_without_a_prox_is_told_where_an_iterated_one_goes():
    y, x = image(), image(5)
    sigma = torch.tensor(0.05, dtype=x.dtype)
    with pytest.raises(ip.InputError, match=r"pixelwise_surrogate\(ip.iterative_prox\(self\), y"):
        ip.iterative_prox(Secant()).surrogate(y, x, sigma)
    near, z = WithIteration().surrogate(y, x, sigma), x
    for _ in range(50):
        z = z - (z - x - sigma**2 * Secant().grad_x(y, z)) / (1 + (sigma / 0.1) ** 2)
    found = (sigma**2 * near.w + near.sd**2 * x) / (sigma**2 + near.sd**2)
    torch.testing.assert_close(found, z, rtol=0, atol=1e-4)


def test_on_the_edge_of_the_support_it_is_as_wide_as_the_slope_that_is_cut_off():
    """Without a photon l' is -peak at black, and J = l' (l' - g)."""
    x, sigma = torch.tensor([[0.0, 0.002]]), torch.tensor(0.05)
    near = ip.Poisson(peak=30).surrogate(torch.zeros(1, 2), x, sigma)
    pull = -x / sigma**2
    torch.testing.assert_close(near.sd, (30 * (30 + pull)).rsqrt())


def test_where_the_likelihood_bends_upwards_it_is_a_thousand_times_as_wide_as_the_reach():
    x, y = torch.full((1, 1), 0.9), torch.full((1, 1), 0.1)  # brighter than twice y
    for sigma in (1e-3, 1e-2):
        near = ip.Gamma(alpha=3).surrogate(y, x, torch.tensor(sigma))
        assert float(near.sd) == pytest.approx(1000 * sigma, rel=1e-4)
