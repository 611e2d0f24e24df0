"""`SplitGibbs`: its weights, operators without singular vectors, noise of a pixel, refusals."""

import attrs
import pytest
import torch
from gaussians import COVARIANCE, F64, NOISES, PIXELS, SHAPE, exact, gaussian, measured
from torch.nn.functional import conv2d, pad

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import Domain, LocallyGaussian, Spectral
from invprob.solvers import diffusion
from invprob.solvers.least_noise import least_noise
from invprob.solvers.split_moves import weights


def reflecting_blur():
    """The matrix of a skew blur that is mirrored at its borders."""
    kernel = torch.tensor([[0.1, 0.2, 0.0], [0.0, 0.4, 0.2], [0.0, 0.0, 0.1]], dtype=F64)
    units = torch.eye(PIXELS, dtype=F64).reshape(PIXELS, *SHAPE)
    return conv2d(pad(units, (1, 1, 1, 1), "reflect"), kernel[None, None]).flatten(1).T


H = reflecting_blur()


@attrs.frozen
class ReflectingBlur:
    """That blur of each channel, of which no singular vectors are known."""

    def forward(self, x, /):
        return (x.flatten(-2) @ H.T.to(x)).reshape(x.shape)

    def adjoint(self, y, /):
        return (y.flatten(-2) @ H.to(y)).reshape(y.shape)

    def out_shape(self, shape, /):
        return shape


@attrs.frozen(eq=False)
class EachChannel:
    """A prior under which the channels are images of their own: a run is as many samples."""

    prior: ip.GaussianPrior

    def denoise(self, x, sigma, /):
        return self.prior.denoise(x.reshape(-1, 1, *x.shape[-2:]), sigma).reshape(x.shape)

    def moments(self):
        mean, radius = self.prior.moments()
        return mean.expand(COPIES, *mean.shape[1:]), radius


COPIES = 1500


def test_without_singular_vectors_samples_have_the_exact_mean_and_covariance():
    noise = ip.Gaussian(sigma=0.05, operator=ReflectingBlur())
    assert lacks(noise, Spectral | LocallyGaussian)
    y = noise.sample(gaussian().sample((1, *SHAPE), ip.generator(1)), ip.generator(2))
    many = y.expand(1, COPIES, *SHAPE[1:]).clone()
    problem = ip.Problem(EachChannel(gaussian()), noise, many)
    found = ip.solve(problem, ip.SplitGibbs(60), samples=1, seed=0).samples.reshape(COPIES, -1)
    covariance = torch.linalg.inv(torch.linalg.inv(COVARIANCE) + H.T @ H / 0.05**2)
    mean = 0.5 + covariance @ H.T @ (y.flatten() - H.sum(1) / 2) / 0.05**2
    error = (found.mean(0) - mean) / covariance.diagonal().sqrt()
    assert error.square().mean().sqrt() < 0.05
    white = torch.linalg.solve_triangular(
        torch.linalg.cholesky(covariance), (found - mean).T, upper=False
    )
    wide = torch.linalg.eigvalsh(white @ white.T / COPIES)  # 36 x 36: within 1 +- 0.31 by chance
    assert wide.mean() == pytest.approx(1, abs=0.05)
    assert 0.6 < wide.min() and wide.max() < 1.45


@pytest.mark.parametrize("name", ["denoising", "inpainting", "deblurring", "a larger unit"])
def test_with_singular_vectors_samples_are_those_of_restart(name):
    problem = measured(NOISES[name], rows=1)
    ours, theirs = (
        ip.solve(problem, solver, samples=100, seed=1).samples[:, 0]
        for solver in (ip.SplitGibbs(60), ip.Restart(60, particles=1))
    )
    spread = theirs.std(0)
    assert float(((ours.mean(0) - exact(problem)[0]) / spread).square().mean().sqrt()) < 0.15
    assert float(ours.std(0).mean() / spread.mean()) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(
    ("noise", "y"),
    [
        (ip.Poisson(peak=20), 0.45),
        (ip.Poisson(peak=5), 0.0),
        (ip.Gamma(alpha=3), 0.8),
        (ip.Rayleigh(scale=0.3), 0.4),
        (ip.SignalDependent(a=0.2, b=0.05), 0.5),
    ],
    ids=repr,
)
def test_a_pixel_has_the_law_of_quadrature(noise, y):
    """900 pixels of which each was measured as y, and is known by itself."""
    shape = (1, 30, 30)
    prior = ip.GaussianPrior(mean=torch.full(shape, 0.45, dtype=F64), sd=0.15)
    seen = torch.full((1, *shape), y, dtype=F64)
    solver = ip.SplitGibbs(60, sigma_max=1.5)
    found = ip.solve(ip.Problem(prior, noise, seen), solver, seed=0).x.flatten()
    x = torch.linspace(1e-4, 1.6, 8000, dtype=F64)
    log_p = noise.log_prob(seen[:, :, :1, :1].expand(8000, 1, 1, 1), x.reshape(-1, 1, 1, 1))
    law = (log_p - 0.5 * ((x - 0.45) / 0.15).square()).softmax(0)
    mean = float(law @ x)
    deviation = float(law @ (x - mean).square()) ** 0.5
    assert float(found.mean()) == pytest.approx(mean, abs=0.08 * deviation)
    assert float(found.std()) == pytest.approx(deviation, rel=0.06)
    below = torch.searchsorted(found.sort().values, x).double() / len(found)
    assert float((below - law.cumsum(0)).abs().max()) < 0.06


def test_where_nothing_was_measured_samples_are_those_of_the_prior():
    prior = gaussian()
    problem = ip.Problem(prior, ip.Unobserved(), torch.zeros(1, *SHAPE, dtype=F64))
    found = ip.solve(problem, ip.SplitGibbs(40), samples=1600).samples[:, 0].flatten(1)
    assert float((found.mean(0) - 0.5).abs().mean()) < 0.02
    assert float(found.var(0).mean() / COVARIANCE.diagonal().mean()) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("kappa", "fall"), [(0, 1), (0, 0.9), (0.5, 0.95), (0.9, 1), (0.97, 1)])
def test_the_weights_meet_their_equations(kappa, fall):
    how = weights(kappa, fall)
    pairs = list(zip(how.draws, how.widths, strict=True))
    kept, moved = kappa**2 * fall, (1 - kappa**2) / 2
    assert how.keep == pytest.approx(kept)
    assert how.keep + how.rest + 2 * sum(how.draws) == pytest.approx(1)
    assert sum(b * t for b, t in pairs) == pytest.approx((1 - kept) / 2)
    assert sum(b * t * t for b, t in pairs) == pytest.approx(0, abs=1e-12)
    assert sum((b * t) ** 2 for b, t in pairs) == pytest.approx(moved)
    assert sum(b * b * t for b, t in pairs) == pytest.approx(moved)
    assert min(how.widths) > 0


def test_a_deep_fall_is_a_whole_sweep():
    assert weights(0.99, 0.05) == weights(0.0, 1.0)


@pytest.mark.parametrize("name", NOISES)
def test_the_least_noise_is_found_by_drawing(name):
    problem = measured(NOISES[name])
    least = diffusion.noise_range(problem).least
    assert least * 0.99 < least_noise(problem) < 1.6 * least


def test_the_least_noise_of_other_noise():
    prior = ip.GaussianPrior(mean=torch.full((1, 16, 16), 0.5), sd=0.2)

    def least(noise):
        return least_noise(ip.Problem(prior, noise, torch.zeros(1, 1, 16, 16)))

    levels = torch.linspace(0.05, 0.3, 256).reshape(16, 16)
    assert 0.05 <= least(ip.Gaussian(sigma=levels)) < 0.08
    assert least(ip.Poisson(peak=1000)) == pytest.approx((0.25 / 1000) ** 0.5, rel=0.2)
    assert least(ip.SignalDependent(a=1e-6, b=0.2)) == pytest.approx(0.2, rel=0.02)
    assert least(ip.Unobserved()) == torch.inf


@pytest.mark.parametrize("noise", [ip.Poisson(peak=200), ip.Gamma(alpha=20)])
def test_a_dark_measurement_among_bright_ones_has_the_samples_that_it_has_alone(noise):
    prior = ip.GaussianPrior(mean=torch.full((1, 2, 2), 0.5, dtype=F64), sd=0.2)
    x = torch.tensor([0.03, 0.9, 0.7], dtype=F64).reshape(-1, 1, 1, 1).expand(3, 1, 2, 2)
    y = noise.sample(x, ip.generator(1))
    alone, among = (
        ip.solve(ip.Problem(prior, noise, some), ip.SplitGibbs(12), samples=3).samples[:, 0]
        for some in (y[:1], y)
    )
    torch.testing.assert_close(among, alone, rtol=0, atol=1e-10)


class Counting:
    """A prior that counts the images it denoises."""

    def __init__(self, prior):
        self.prior, self.images = prior, 0

    def denoise(self, x, sigma, /):
        self.images += len(x)
        return self.prior.denoise(x, sigma)


@pytest.mark.parametrize("calls", [8, 9, 20, 100])
def test_each_call_is_one_image_for_each_sample(calls):
    problem = measured(NOISES["inpainting"], rows=1)
    prior = Counting(problem.prior)
    counted = ip.Problem(prior, problem.likelihood, problem.y)
    assert ip.solve(counted, ip.SplitGibbs(calls), samples=2).steps == calls
    assert prior.images == 2 * calls


def test_chains_that_agree_say_so_and_chains_that_do_not():
    """Two modes far apart, of which the data tell nothing: each chain stays in its own."""
    means = torch.tensor([0.2, 0.8], dtype=F64).reshape(2, 1, 1, 1)
    one = torch.full((1, 1, 1, 1), 0.5, dtype=F64)
    noise, solver = ip.Gaussian(sigma=0.3), ip.SplitGibbs(200, sigma_min=0.03)
    apart = ip.GaussianMixturePrior(torch.ones(2), means, 0.01**2 * torch.ones(2, 1, 1))
    result = ip.solve(ip.Problem(apart, noise, one), solver, samples=20)
    assert result.mixing > 1.5
    assert 4 < int((result.samples > 0.5).sum()) < 16
    prior = ip.GaussianPrior(mean=one[0], sd=0.02)
    result = ip.solve(ip.Problem(prior, noise, one), solver, samples=20)
    assert result.mixing < 1.2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"calls": 7}, "calls=7"),
        ({"calls": 20.0}, "calls=20.0"),
        ({"sigma_min": 0.0}, "sigma_min=0.0"),
        ({"sigma_max": -1.0}, "sigma_max=-1.0"),
        ({"kappa": 1.0}, "kappa=1.0"),
        ({"sigma_min": 0.3, "sigma_max": 0.2}, "sigma_max=0.2"),
    ],
)
def test_impossible_arguments_are_refused(arguments, said):
    with pytest.raises(ip.InputError, match=said):
        ip.SplitGibbs(**arguments)


class Ranged:
    """A prior that was made for some noise levels."""

    def denoise(self, x, sigma, /):
        return torch.full_like(x, 0.5)

    def domain(self):
        return Domain(sigma=(0.01, 2.0))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"sigma_max": 3.0}, "sigma_max=3.*denoises from 0.01 to 2"),
        ({"sigma_max": 0.05}, "sigma_max=0.05 is less than pixels vary by"),
        ({"sigma_min": 0.005}, "sigma_min=0.005.*from 0.01 on"),
        ({"sigma_min": 2.5}, "sigma_min=2.5.*fall from 2"),
    ],
)
def test_levels_that_the_prior_can_not_denoise_are_refused(arguments, said):
    prior = Ranged()
    problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.rand(1, 1, 4, 4))
    with pytest.raises(ip.InputError, match=said):
        ip.solve(problem, ip.SplitGibbs(**arguments))


def test_a_start_near_an_image_may_begin_low():
    problem = measured(NOISES["inpainting"], rows=1)
    found = ip.solve(problem, ip.SplitGibbs(20, sigma_max=0.05), x0=exact(problem)).x
    assert float((found - exact(problem)).square().mean().sqrt()) < 0.2
