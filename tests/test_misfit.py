"""What is left of the data: whose noise it may be, and whose it is not."""

import re

import pytest
import torch

import invprob as ip
from invprob.doubts import Origin, lines
from invprob.misfit import simulated
from invprob.result import Result
from invprob.testing.reference import GaussianImages

SHAPE = 3, 32, 32
X = torch.full((1, *SHAPE), 0.5)
PRIOR = ip.DenoiserPrior.pretrained()


def drawn(seed, *shape):
    return torch.randn(1, *(shape or SHAPE), generator=ip.generator(seed))


def said(noise, x, y):
    """What is said of an image, as if a solver had found it."""
    return str(Result(x[None], 1, "ran", (), problem=ip.Problem(PRIOR, noise, y)))


def test_a_small_residual_that_is_white_is_of_weaker_noise():
    text = said(ip.Gaussian(sigma=0.1), X, X + 0.05 * drawn(0))
    assert "Either the noise is weaker" in text and "or the prior leaves noise in" in text


def test_one_that_channels_share_says_nothing_of_the_level():
    text = said(ip.Gaussian(sigma=0.1), X, X + 0.05 * drawn(0, 1, 32, 32).expand_as(X))
    assert "channels of the rest are alike" in text and "JPEG" in text
    assert "weaker" not in text


def test_one_that_neighbours_share_says_nothing_of_the_level():
    smooth = (drawn(0) + drawn(0).roll(1, -1)) / 2**0.5
    text = said(ip.Gaussian(sigma=0.1), X, X + 0.05 * smooth)
    assert "can't be judged" in text and "weaker" not in text


@pytest.mark.parametrize(("level", "of_colours"), [(0.006, False), (0.006, True), (0.02, True)])
def test_weak_noise_leaves_colours_and_not_brightness(level, of_colours):
    """An estimate may keep much of weak noise, but of its brightness."""
    noise = drawn(0)
    left = noise - 0.9 * noise.mean(1, keepdim=True) if of_colours else noise
    text = said(ip.Gaussian(sigma=level), X, X + 0.45 * level * left)
    assert ("can't be judged" in text) == (not of_colours)


def test_gaussian_noise_is_known_and_not_simulated():
    y = X + 0.1 * drawn(0)
    for noise in (ip.Gaussian(sigma=0.1), ip.Gaussian(sigma=0.1, operator=ip.Mask.random(SHAPE))):
        y = y * noise.operator.forward(torch.ones_like(y))
        single = simulated(noise, X, y, samples=1).misfit
        double = simulated(noise, X.double(), y.double(), samples=1).misfit
        torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=0)
        residual = (y - noise.operator.forward(X)).double()
        seen = residual != 0
        torch.testing.assert_close(
            double, (residual.square().sum() / (0.01 * seen.sum()))[None], rtol=1e-5, atol=0
        )


def test_noise_of_twice_the_variance_is_said_of_an_estimate():
    y = X + 0.1 * 1.9**0.5 * drawn(0)
    text = said(ip.Gaussian(sigma=0.1), X, y)
    assert "Either the noise is stronger than was said" in text and "the estimate is poor" in text
    assert "below 1, as it is" not in text
    assert "below 1, as it is" in said(ip.Gaussian(sigma=0.1), X, X + 0.09 * drawn(0))


@pytest.mark.parametrize(("level", "remarked"), [(0.03, True), (0.3, False)])
def test_noise_that_the_prior_does_not_see_is_remarked_where_it_is_dark(level, remarked):
    noise, x = ip.Gaussian(sigma=0.001), torch.full((1, *SHAPE), level)
    text = said(noise, x, noise.sample(x, ip.generator(0)))
    assert ("less than the prior sees" in text) == remarked
    assert "less than the prior sees" not in said(ip.Gaussian(sigma=0.01), x, x)


@pytest.mark.parametrize("gain", [1.0, 1e-3])
def test_an_estimate_need_not_be_nearer_to_the_data_than_the_prior_sees(gain):
    """Noise of 1e-4 and errors of 1e-3, in units of the image, and a prior for 0.002 and more."""
    scaled = ip.CircularBlur(torch.full((1, 1), gain))
    noise = ip.Gaussian(sigma=1e-4 * gain, operator=scaled)
    near, far = (said(noise, X + size * drawn(1), scaled.forward(X)) for size in (1e-3, 0.01))
    weak, least = 1e-4 * gain, 0.002 * gain
    assert f"the noise, {weak:.2g}, is less than the prior sees, {least:.2g}, and" in near
    assert "does not explain the data" not in near
    assert "does not explain the data" in far
    other = ip.Gaussian(sigma=0.003 * gain, operator=scaled)
    assert "does not explain" in said(other, X + 0.01 * drawn(1), scaled.forward(X))


class StudentT:
    """y = x + 0.05 t: noise of so many degrees of freedom, of infinite variance for two."""

    def __init__(self, degrees):
        self.degrees = degrees

    def sample(self, x, generator, /):
        normal = torch.randn(1 + self.degrees, *x.shape, generator=generator)
        return x + 0.05 * normal[0] / normal[1:].square().mean(0).sqrt()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("samples", [1, 2])
def test_the_truth_is_never_refused_for_heavy_tails(seed, samples):
    x, noise = X.expand(samples, *SHAPE), StudentT(2)
    y = noise.sample(X, ip.generator(seed))
    found = simulated(noise, x, y.expand_as(x), samples=samples)
    (line,) = lines(found, Origin(sampled=samples > 1, steps=100))
    assert found.heavy and "such heavy tails" in line and "says nothing" in line


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("noise", [ip.Poisson(30), ip.Gamma(20), ip.Rayleigh(0.3)], ids=repr)
def test_light_tails_have_the_error_of_so_many_numbers(noise, samples):
    """Give or take what 7 of them tell of a deviation, of each row."""
    x = X.expand(4 * samples, *SHAPE)
    y = noise.sample(X.expand(4, *SHAPE), ip.generator(0)).repeat(samples, 1, 1, 1)
    found = simulated(noise, x, y, samples=samples)
    normal = (2 * samples / x.numel()) ** 0.5
    assert 1 <= found.error / normal < 1.5 and not found.heavy


def test_the_error_is_how_far_the_truth_is_from_one():
    """Of exponential noise in 400 images, but for a quarter; for normal numbers it is half."""
    noise, errors, sizes = ip.Gamma(1), [], []
    for seed in range(4):
        x = torch.full((100, 1, 16, 16), 0.3 + 0.1 * seed)
        y = noise.sample(x, ip.generator(seed))
        found = simulated(noise, x, y, samples=1)
        errors.append(found.error)
        sizes.append(found.misfit)
    spread = float(torch.cat(sizes).std()) / 10
    assert 0.7 * spread < sum(errors) / 4 < 1.1 * spread
    assert (2 / (100 * 256)) ** 0.5 < 0.55 * spread


def sampled(sigma, y, exact=0.0):
    """What is said of samples that are flat."""
    noise = ip.Gaussian(sigma=sigma)
    found = simulated(noise, X, y, samples=1)
    return " ".join(lines(found, Origin(sampled=True, steps=100, exact=exact)))


@pytest.mark.parametrize(("variance", "said"), [(1.12, False), (1.22, True)])
def test_samples_of_pixels_that_were_all_measured_are_held_to_a_narrow_bound(variance, said):
    noise = drawn(2)
    text = sampled(0.1, X + 0.1 * variance**0.5 * noise / noise.square().mean().sqrt())
    assert ("too far from it" in text) == said == ("the samples strayed" in text)


def test_what_samples_leave_of_gaussian_noise_is_normal():
    noise = drawn(3)
    assert "kurtosis" not in sampled(0.1, X + 0.1 * noise)
    heavy = noise + 0.15 * noise**3
    heavy = heavy / heavy.square().mean().sqrt()
    assert "not normal, as Gaussian noise is: its kurtosis is +" in sampled(0.1, X + 0.1 * heavy)
    assert "kurtosis" not in said(ip.Gaussian(sigma=0.1), X, X + 0.09 * heavy)  # no sample
    rounding = sampled(0.1, X + 1e-6 * heavy, exact=0.2)
    assert "kurtosis" not in rounding and "weaker" not in rounding


def test_a_kurtosis_counts_what_was_measured():
    mask, noise = ip.Mask.random(SHAPE, keep=0.5), drawn(4)
    likelihood = ip.Gaussian(sigma=0.1, operator=mask)
    found = simulated(likelihood, X, mask.forward(X + 0.1 * noise), samples=1).tails
    seen = noise[mask.forward(torch.ones_like(noise)) > 0].double()
    expected = seen.pow(4).mean() / seen.square().mean() ** 2 - 3
    assert found.size == pytest.approx(float(expected), abs=1e-4)
    assert found.error == pytest.approx((24 / len(seen)) ** 0.5)
    assert simulated(ip.Poisson(30), X, X, samples=1).tails is None


def test_a_misfit_beyond_all_bounds_is_written_in_short():
    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    y = torch.full((1, 1, 8, 8), 1e9)
    said = str(ip.solve(ip.Problem(prior, ip.Gaussian(sigma=0.1), y), ip.PnP(iterations=2)))
    assert re.search(r"misfit \d\.\d\de\+\d\d: the data's distance", said)


@pytest.mark.parametrize("rate", [0.5, 0.2, 0.05])
def test_pixels_without_a_photon_were_measured(rate):
    """Of most, all simulated counts are 0, and their variance is 0."""
    noise, x = ip.Poisson(1.0), torch.full((1, 1, 96, 96), rate)
    found = simulated(noise, x, noise.sample(x, ip.generator(5)), samples=1)
    assert float(found.misfit) == pytest.approx(1, abs=4 * found.error)
    assert not found.fewer


def test_photons_of_a_black_image_are_not_explained():
    noise, x = ip.Poisson(30), torch.full((1, 1, 64, 64), 0.5)
    y = noise.sample(x, ip.generator(5))
    x[..., 32:] = 0
    assert float(simulated(noise, x, y, samples=1).misfit) > 10


def test_a_black_image_of_a_batch_has_a_misfit_of_its_own():
    noise, x = ip.Poisson(30), torch.full((3, 1, 8, 8), 0.5)
    y = noise.sample(x, ip.generator(0))
    x[1:], y[2] = 0, 0
    first, impossible, right = simulated(noise, x, y, samples=1).misfit.tolist()
    assert 0.5 < first < 1.5 and impossible == torch.inf and right == 1
    assert simulated(noise, x[2:], y[2:], samples=1) is None


def test_a_prior_that_samples_is_blamed_only_where_it_was_asked_to():
    """By another solver its samples are a sampler's, and held to what samples are."""
    prior, noise = GaussianImages(), ip.Gaussian(sigma=0.3)
    y = noise.sample(prior.sample((1, 1, 32, 32), ip.generator(0)), ip.generator(1))
    problem = ip.Problem(prior, noise, y)
    samples = ip.solve(problem, ip.Restart(calls=20, particles=1), samples=2, progress=False)
    assert "samples of the posterior give 1 ±" in str(samples)
