"""`Restart` under noise that knows a few dark pixels far better than the others: by quadrature."""

import pytest
import torch

import invprob as ip
from invprob.contracts import Domain

SHARES = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
MEAN, SD = 0.5, 0.2


def exact_quantiles(noise, y):
    """Of the posterior of one pixel."""
    x = torch.linspace(1e-5, 1.5, 40_001, dtype=torch.float64)
    image = x.view(-1, 1, 1, 1)
    log_p = noise.log_prob(y.expand_as(image), image) - ((x - MEAN) / SD).square() / 2
    return x[torch.searchsorted(log_p.softmax(0).cumsum(0), SHARES)]


@pytest.mark.parametrize("side", [12, 18])  # a crowd, and a sample alone
@pytest.mark.parametrize("noise", [ip.Poisson(peak=1000), ip.Gamma(alpha=20)])
def test_a_few_dark_pixels_are_known_as_well_as_the_data_say(noise, side):
    x = torch.full((1, 1, side, side), 0.7, dtype=torch.float64)
    x.view(-1)[:3] = torch.tensor([0.01, 0.02, 0.04])
    prior = ip.GaussianPrior(mean=torch.full((1, side, side), MEAN).double(), sd=SD)
    y = noise.sample(x, ip.generator(0))
    samples = ip.solve(ip.Problem(prior, noise, y), ip.Restart(30), samples=120, seed=0).samples
    for pixel in (0, 1, 2, 100):
        low, middle, high = samples[:, 0].flatten(1)[:, pixel].quantile(SHARES)
        exact = exact_quantiles(noise, y.flatten()[pixel])
        width = float(exact[2] - exact[0])
        assert float(high - low) == pytest.approx(width, rel=0.3)
        assert float(middle - exact[1]) == pytest.approx(0, abs=0.15 * width)


def test_a_photo_without_such_pixels_asks_the_noise_for_no_draws():
    class Refusing(ip.Poisson):
        def sample_given(self, y, v, rho, generator, /):
            raise AssertionError("nothing is known better than the last level")

    noise = Refusing(peak=30)
    y = noise.sample(torch.full((1, 1, 18, 18), 0.6), ip.generator(0))
    prior = ip.GaussianPrior(mean=torch.full((1, 18, 18), MEAN), sd=SD)
    assert ip.solve(ip.Problem(prior, noise, y), ip.Restart(12)).samples.isfinite().all()


def test_noise_with_a_parameter_for_each_pixel_is_drawn_as_a_whole():
    class Flat(ip.Poisson):
        """Photon counts behind a flat field."""

        def sample_given(self, y, v, rho, generator, /):
            assert y.shape == v.shape == (1, 1, 18, 18)
            return super().sample_given(y, v, rho, generator)

    noise = Flat(peak=1000)
    x = torch.full((1, 1, 18, 18), 0.7)
    x.view(-1)[:3] = 0.01
    prior = ip.GaussianPrior(mean=torch.full((1, 18, 18), MEAN), sd=SD)
    problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(0)))
    assert ip.solve(problem, ip.Restart(12)).samples.isfinite().all()


def test_what_a_prior_can_not_denoise_far_enough_down_is_drawn_at_the_end():
    """Its lowest level is forty times as noisy as what is known of the dark pixel."""

    class Coarse:
        def denoise(self, x, sigma):
            return (MEAN * sigma**2 + SD**2 * x) / (SD**2 + sigma**2)

        def domain(self):
            return Domain(sigma=(0.02, 10.0))

    noise, x = ip.Gamma(alpha=400), torch.full((1, 1, 18, 18), 0.7, dtype=torch.float64)
    x.view(-1)[0] = 0.01
    y = noise.sample(x, ip.generator(0))
    samples = ip.solve(ip.Problem(Coarse(), noise, y), ip.Restart(20), samples=120, seed=0).samples
    low, _, high = samples[..., 0, 0].flatten().quantile(SHARES)
    exact = exact_quantiles(noise, y.flatten()[0])
    assert float(high - low) == pytest.approx(float(exact[2] - exact[0]), rel=0.3)
