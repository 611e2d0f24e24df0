"""VST: noise that depends on the brightness, made even, denoised at once, and taken back."""

import math

import pytest
import torch

import invprob as ip

PHOTO = ip.sample_photo()[..., 96:160, 96:160]
CROPS = torch.cat([ip.sample_photo()[..., at : at + 64, at : at + 64] for at in (0, 64, 128, 192)])
NETWORK = ip.DenoiserPrior.pretrained()
NOISES = {
    "speckle": ip.Gamma(alpha=4),
    "counts": ip.Poisson(peak=20),
    "counts with read noise": ip.poisson_gaussian(peak=20, sigma=0.05),
    "rayleigh": ip.Rayleigh(scale=0.5),
    "signal-dependent": ip.SignalDependent(a=0.3, b=0.05),
}


def measured(noise, images=PHOTO, prior=NETWORK):
    return ip.Problem(prior, noise, noise.sample(images, ip.generator(0)))


def quality(found):
    """Mean PSNR of the crops, in dB."""
    return float(ip.psnr(found.clamp(0, 1), CROPS).mean())


@pytest.mark.parametrize("name", NOISES)
def test_one_call_is_better_than_eight_of_pnp(name):
    """On average; of the first crop it is not."""
    problem = measured(NOISES[name], CROPS)
    one, eight = (ip.solve(problem, solver).x for solver in (ip.VST(), ip.PnP()))
    assert quality(one) > quality(eight) + 0.1
    assert float(one.mean() / CROPS.mean()) == pytest.approx(1, abs=0.03)


def test_a_scene_of_a_large_range_keeps_its_shadows():
    """Thirty times darker on the left: one noise level for both blurred it into the right."""
    scene = PHOTO.mean(1, keepdim=True).clamp(min=0.1)
    scene = torch.cat([scene / 30, scene], -1)
    problem = measured(NOISES["speckle"], scene)
    errors = [
        float((ip.solve(problem, solver).x.clamp(min=1e-4) / scene).log().square().mean().sqrt())
        for solver in (ip.VST(), ip.PnP())
    ]
    assert errors[0] < 0.27 and errors[0] < 0.75 * errors[1]


def test_a_prior_that_returns_what_it_gets_is_the_identity():
    """T, and its unbiased inverse: for speckle, y over the geometric mean of the noise."""
    prior = ip.DenoiserPrior(lambda x, sigma: x, tone_free=True)
    problem = measured(ip.Gamma(alpha=4), prior=prior)
    bias = math.exp(float(torch.tensor(4.0).digamma()) - math.log(4))
    assert torch.allclose(ip.solve(problem, ip.VST()).x, problem.y / bias, rtol=1e-4, atol=1e-6)


MASK = ip.Mask.random(PHOTO.shape[-2:], keep=0.5, seed=0)


@pytest.mark.parametrize("name", NOISES)
def test_with_pixels_missing_it_completes_the_picture(name):
    problem = measured(ip.Observed(NOISES[name], MASK), CROPS)
    found, usual = (ip.solve(problem, solver).x for solver in (ip.VST(), ip.PnP()))
    more = -0.3 if name == "signal-dependent" else 0.2
    assert quality(found) > quality(usual) + more
    assert float(found.mean() / CROPS.mean()) == pytest.approx(1, abs=0.04)


def test_with_pixels_missing_each_image_is_a_step_of_its_own():
    images = torch.cat([PHOTO, 0.2 + PHOTO / 2])
    problem = measured(ip.Observed(ip.Gamma(alpha=10), MASK), images)
    events = list(ip.iterate(problem, ip.VST()))
    assert len(events) == 3 and torch.equal(events[1].estimate()[1:], problem.y[1:])
    alone = ip.Problem(NETWORK, problem.likelihood, problem.y[1:])
    assert torch.allclose(ip.solve(alone, ip.VST()).x, events[2].estimate()[1:])


def test_a_mask_that_hides_nothing_is_none():
    noise, everything = ip.Gamma(alpha=4), ip.Mask(torch.ones(64, 64, dtype=torch.bool))
    y = noise.sample(PHOTO, ip.generator(0))
    whole, masked = (
        ip.solve(ip.Problem(NETWORK, likelihood, y), ip.VST()).x
        for likelihood in (noise, ip.Observed(noise, everything))
    )
    assert torch.equal(whole, masked)


def test_single_pixels_tell_the_range_where_no_window_has_enough():
    mask = ip.Mask.random(PHOTO.shape[-2:], keep=0.02, seed=0)
    found = ip.solve(measured(ip.Observed(ip.Gamma(alpha=20), mask)), ip.VST()).x
    assert bool(found.isfinite().all()) and float(ip.psnr(found, PHOTO)) > 12


def test_each_image_has_its_own_range_and_noise_level():
    seen = []

    def denoise(x, sigma):
        seen.append((x, sigma))
        return x

    images = torch.cat([PHOTO, 0.4 + PHOTO / 100])
    problem = measured(ip.Gamma(alpha=20), images, ip.DenoiserPrior(denoise, tone_free=True))
    both = ip.solve(problem, ip.VST()).x
    (x, sigma), alone = seen[0], ip.Problem(problem.prior, problem.likelihood, problem.y[1:])
    assert torch.equal(ip.solve(alone, ip.VST()).x, both[1:])
    means = torch.nn.functional.avg_pool2d(x, 5).flatten(1)
    assert means[0].amin() > 0.05 and means[0].amax() < 0.95
    assert float(sigma[0]) < float(sigma[1]) <= 0.5 + 1e-6


def test_the_noise_level_stays_in_what_the_prior_denoises():
    def denoise(x, sigma):
        assert 0.0999 < float(sigma.min()) and float(sigma.max()) < 0.2001
        return x

    prior = ip.DenoiserPrior(denoise, ip.Domain(sigma=(0.1, 0.2)), tone_free=True)
    for alpha in (1.0, 1e6):
        ip.solve(measured(ip.Gamma(alpha), prior=prior), ip.VST())


def test_a_prior_that_knows_brightness_is_refused_and_not_recommended():
    prior = ip.GaussianPrior(mean=PHOTO[0], sd=0.2)
    problem = measured(ip.Gamma(alpha=4), prior=prior)
    with pytest.raises(ip.IncompatibleError, match="knows how bright its images are"):
        ip.solve(problem, ip.VST())
    assert isinstance(ip.recommend(problem).solver, ip.PnP)


def test_it_is_what_is_recommended_where_noise_can_be_made_even():
    assert isinstance(ip.recommend(measured(ip.Gamma(alpha=4))).solver, ip.VST)
    assert isinstance(ip.recommend(measured(ip.Observed(ip.Poisson(30), MASK))).solver, ip.VST)
    for noise in (ip.Gaussian(sigma=0.1), ip.SignalDependent(a=0.6, b=0.03)):
        assert isinstance(ip.recommend(measured(noise)).solver, ip.PnP)


def test_where_it_starts_makes_no_difference():
    problem = measured(ip.Gamma(alpha=4))
    one, other = (ip.solve(problem, x0=x0).x for x0 in (None, torch.zeros_like(PHOTO)))
    assert torch.equal(one, other)


def test_a_denoiser_is_not_taken_for_tone_free():
    prior = ip.DenoiserPrior(lambda x, sigma: x)
    assert isinstance(ip.recommend(measured(ip.Gamma(alpha=4), prior=prior)).solver, ip.PnP)
    with pytest.raises(ip.IncompatibleError, match="tone_free=True"):
        ip.solve(measured(ip.Gamma(alpha=4), prior=prior), ip.VST())


def test_noise_that_a_prior_does_not_know_is_made_weaker():
    """By a wider range; told of less noise than there is, it would leave the rest."""
    domain = ip.Domain(channels=(1, 3), unit_range=True, sigma=(0.01, 0.1))
    prior = ip.DenoiserPrior(NETWORK.denoiser, domain, tone_free=True)
    limited, usual = (
        ip.solve(measured(ip.Gamma(alpha=1.5), prior=known), ip.VST()).x
        for known in (prior, NETWORK)
    )
    assert float(ip.psnr(limited, PHOTO)) > float(ip.psnr(usual, PHOTO)) - 3


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (3, 3), (1, 1)])
def test_thin_and_tiny_images(shape):
    crop = PHOTO[..., : shape[0], : shape[1]]
    found = ip.solve(measured(ip.Poisson(peak=50), crop), ip.VST()).x
    assert found.shape == crop.shape and float((found - crop).abs().mean()) < 0.1


@pytest.mark.parametrize("wrapped", [ip.autograd, ip.iterative_prox])
def test_wrapped_noise_is_behind_its_mask(wrapped):
    base = ip.Observed(ip.Gamma(alpha=4), MASK)
    problem = measured(base)
    same = ip.Problem(NETWORK, wrapped(base), problem.y)
    plain, found = (ip.solve(one, ip.VST()).x for one in (problem, same))
    torch.testing.assert_close(found, plain)
