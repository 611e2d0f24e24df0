"""VSTSampling: posterior samples of the transformed measurement, taken back."""

import pytest
import torch

import invprob as ip
from invprob.solvers import vst_sampling
from invprob.solvers.evened import evened

MEAN, SD = 0.45, 0.2
PHOTO = ip.sample_photo()[..., 96:128, 96:128]
NETWORK = ip.DenoiserPrior.pretrained()


def known(x, sigma):
    """The exact denoiser of independent pixels N(MEAN, SD²)."""
    variance = sigma.reshape(-1, 1, 1, 1) ** 2
    return (SD**2 * x + variance * MEAN) / (SD**2 + variance)


PIXELS = ip.DenoiserPrior(known, tone_free=True)
NOISES = {
    "speckle": ip.Gamma(alpha=20),
    "counts": ip.Poisson(peak=50),
    "counts with read noise": ip.poisson_gaussian(peak=50, sigma=0.05),
    "rayleigh": ip.Rayleigh(scale=0.5),
    "signal-dependent": ip.SignalDependent(a=0.2, b=0.05),
}


def measured(noise, images, prior=PIXELS):
    return ip.Problem(prior, noise, noise.sample(images, ip.generator(0)))


def as_pictures(even, images):
    """Where the samples' own images are, by a table of the way back."""
    u = torch.linspace(-1, 2, 6001)
    table = even.image(u.reshape(-1, 1, 1, 1)).flatten()
    return u[torch.searchsorted(table, images.contiguous()).clamp(max=6000)]


@pytest.mark.parametrize("name", NOISES)
def test_the_law_of_the_picture_is_the_exact_posterior(name):
    images = 0.1 + 0.8 * torch.rand(1, 1, 10, 10, generator=ip.generator(3))
    problem = measured(NOISES[name], images)
    samples = ip.solve(problem, ip.VSTSampling(), samples=300).samples[:, 0]
    even = evened(problem)
    u, variance = as_pictures(even, samples), float(even.sigma) ** 2
    exact = variance * SD**2 / (variance + SD**2)
    mean = (SD**2 * even.u[0] + variance * MEAN) / (SD**2 + variance)
    inside = (mean > 0.25) & (mean < 0.75)  # images are not negative: there the table is flat
    assert int(inside.sum()) > 30
    off = (u.mean(0) - mean)[inside] / exact**0.5
    assert float(off.square().mean().sqrt()) < 0.1  # 300 samples: 0.058
    ratio = float(u.var(0)[inside].mean() / exact)
    assert ratio == pytest.approx(1, abs=0.08)


def test_pixels_that_are_missing_are_those_of_the_prior():
    mask = ip.Mask.random((8, 8), keep=0.5, seed=0)
    images = torch.full((1, 1, 8, 8), 0.5)
    problem = measured(ip.Observed(ip.Gamma(alpha=50), mask), images)
    samples = ip.solve(problem, ip.VSTSampling(), samples=200).samples[:, 0]
    even = evened(problem)
    u = as_pictures(even, samples)
    seen = mask.mask.expand(1, 8, 8)
    assert float(u[:, ~seen].mean()) == pytest.approx(MEAN, abs=0.03)
    assert float(u[:, ~seen].std(0).mean()) == pytest.approx(SD, rel=0.12)
    noise = float(even.sigma)
    exact = noise * SD / (noise**2 + SD**2) ** 0.5
    assert float(u[:, seen].std(0).mean()) == pytest.approx(exact, rel=0.12)


@pytest.mark.parametrize("name", ["speckle", "counts"])
def test_samples_of_a_photo_are_as_far_from_it_as_they_say(name):
    problem = measured(NOISES[name], PHOTO, NETWORK)
    result = ip.solve(problem, ip.VSTSampling(), samples=6)
    gain = float(ip.psnr(result.mean, PHOTO) - ip.psnr(problem.y, PHOTO))
    one = float(ip.psnr(result.samples[:, 0], PHOTO.expand(6, -1, -1, -1)).mean())
    assert gain > 6 and one < float(ip.psnr(result.mean, PHOTO)) - 1
    error = float((result.mean - PHOTO).square().mean().sqrt())
    spread = float((result.std.square().mean() * 7 / 6).sqrt())
    assert 0.75 < error / spread < 1.35


def test_twenty_calls_are_all_that_complete_pictures_take():
    calls = []

    def counted(x, sigma):
        calls.append(len(x))
        return known(x, sigma)

    prior = ip.DenoiserPrior(counted, tone_free=True)
    problem = measured(ip.Gamma(alpha=10), torch.full((1, 1, 8, 8), 0.5), prior)
    ip.solve(problem, ip.VSTSampling(), samples=2)
    assert calls == [2] * 20


@pytest.mark.parametrize("mask", [None, ip.Mask.random((20, 20), keep=0.5, seed=0)])
def test_each_measurement_of_a_batch_has_its_own_range_and_noise(mask):
    """And the one with the least noise has the samples that it has alone, but for rounding."""
    flat = 0.5 + 0.01 * torch.rand(1, 1, 20, 20, generator=ip.generator(0))
    steep = torch.linspace(0.01, 1, 20).expand(1, 1, 20, 20)
    noise = ip.Gamma(alpha=50) if mask is None else ip.Observed(ip.Gamma(alpha=50), mask)
    both = measured(noise, torch.cat([steep, flat]))
    sigma = evened(both).sigma
    assert float(sigma[1]) > 3 * float(sigma[0])
    samples = ip.solve(both, ip.VSTSampling(), samples=2).samples
    alone = ip.Problem(both.prior, noise, both.y[:1])
    usual = ip.solve(alone, ip.VSTSampling(), samples=2).samples
    assert torch.allclose(usual, samples[:, :1], rtol=1e-3)
    even = evened(ip.Problem(both.prior, noise, both.y[1:]))
    u = as_pictures(even, samples[:, 1])
    expected = even.sigma * SD / (even.sigma**2 + SD**2) ** 0.5
    if mask is None:
        mean = (SD**2 * even.u[0] + even.sigma**2 * MEAN) / (SD**2 + even.sigma**2)
        assert float((u - mean).std()) == pytest.approx(float(expected), rel=0.1)


def test_a_prior_that_knows_the_brightness_of_its_images_is_refused():
    exact = ip.GaussianPrior(torch.full(PHOTO.shape[1:], 0.5), 0.2)
    with pytest.raises(ip.IncompatibleError, match="tone"):
        ip.solve(measured(ip.Poisson(peak=30), PHOTO, exact), ip.VSTSampling())


def test_fewer_than_eight_calls_are_refused():
    with pytest.raises(ip.InputError, match="calls=7"):
        ip.VSTSampling(calls=7)


def test_levels_of_a_scaled_picture_are_not_turned_around_by_rounding():
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.35, 0.5)), tone_free=True)
    scaled = vst_sampling._of_scaled(prior, torch.tensor([0.7]))  # a little less in float32
    assert scaled.domain().sigma == (0.35, 0.35)
