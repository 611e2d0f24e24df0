"""Annealed Langevin for every kind of operator (SNIPS), and the published ladders."""

import itertools
import math

import attrs
import pytest
import torch

import invprob as ip

F64 = torch.float64
SHAPE = (3, 4, 4)
SIZE = 48


def prior_over(shape, noise=0.02):
    """Correlated between neighbours and between channels."""
    size = math.prod(shape)
    i = torch.arange(size, dtype=F64)
    covariance = 0.2**2 * (-(i[:, None] - i).abs() / 6).exp() + noise**2 * torch.eye(size).double()
    return ip.GaussianPrior.from_covariance(torch.full(shape, 0.5, dtype=F64), covariance)


def dense(rows, singular):
    """A matrix `(rows, 8)` with these singular values."""
    draw = ip.generator(rows)
    u, _ = torch.linalg.qr(torch.randn(rows, rows, generator=draw, dtype=F64))
    v, _ = torch.linalg.qr(torch.randn(8, 8, generator=draw, dtype=F64))
    s = torch.tensor(singular, dtype=F64)
    return ip.Dense(u[:, : len(s)] * s @ v[: len(s)], (1, 2, 4))


CHEQUERED = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(2, 2)
OPERATORS = {
    "denoising": ip.Identity(),
    "inpainting": ip.Mask(CHEQUERED),
    "deblurring": ip.CircularBlur(torch.tensor([[0.6, 0.4]])),  # singular at the highest frequency
    "super-resolution": ip.Downsample(2),
    "compressive sensing": ip.Hadamard(4, keep=0.25, scramble=True),
    "colourisation": ip.Grayscale(),
    "full column rank": dense(12, (2.0, 1.5, 1.2, 1.0, 0.9, 0.7, 0.5, 0.3)),
    "zero singular values": dense(6, (1.0, 0.5, 0.0, 0.0, 0.0, 0.0)),
    "equal singular values": dense(8, (1.0,) * 4 + (0.5,) * 4),
    "one measurement": dense(1, (1.0,)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_samples_have_the_posteriors_mean_and_covariance(name):
    operator = OPERATORS[name]
    noise = ip.Gaussian(sigma=0.1, operator=operator)
    prior = prior_over((1, 2, 4) if isinstance(operator, ip.Dense) else SHAPE)
    shape = tuple(prior.mean.shape)
    draw = ip.generator(5)
    y = noise.sample(prior.sample((1, *shape), draw), draw)
    problem = ip.Problem(prior, noise, y, shape)
    samples = ip.solve(problem, ip.AnnealedLangevin(), samples=250).samples[:, 0]
    exact = prior.posterior(noise, y)
    covariance, count = exact.covariance(), len(samples)
    error = (samples.mean(0) - exact.mean).flatten()
    white = error @ torch.linalg.solve(covariance, error) * count / len(error)
    assert white < 2.0  # 1 ± 0.2 for exact samples
    spread = samples.flatten(1).T.cov()
    assert float(spread.trace() / covariance.trace()) == pytest.approx(1, abs=0.15)
    rank = covariance.trace() ** 2 / covariance.square().sum()
    off = (spread - covariance).square().sum() / covariance.square().sum()
    assert off * count / (1 + rank) < 1.5  # 1 for exact samples, on average


@pytest.mark.parametrize("level", [0.05, 0.1, 0.2])
def test_a_level_of_the_ladder_may_equal_a_noise_level_of_the_data(level):
    operator = dense(8, (1.0, 1.0, 1.0, 1.0, 0.1 / level, 0.1 / level, 0.1 / level, 0.0))
    noise, prior = ip.Gaussian(sigma=0.1, operator=operator), prior_over((1, 2, 4))
    y = noise.sample(prior.mean[None], ip.generator(0))
    ladder = ip.AnnealedLangevin(ratio=0.5, sigma_max=0.8, sigma_min=0.0125)
    assert any(abs(sigma - level) < 1e-12 for sigma in ladder._plan(ip.Problem(prior, noise, y)))
    assert bool(torch.isfinite(ip.solve(ip.Problem(prior, noise, y), ladder, samples=3).x).all())


def test_a_step_is_that_of_snips():
    """Written out with singular values, as its authors do: before, after and without data."""
    s, u = torch.tensor([1.0, 0.4, 0.0], dtype=F64), torch.tensor([0.7, 0.3, 0.2], dtype=F64)
    noise, prior = (
        ip.Gaussian(sigma=0.1, operator=ip.Dense(s.diag(), (3,))),
        ip.GaussianPrior(torch.full((3,), 0.5, dtype=F64), 0.2),
    )
    solver = ip.AnnealedLangevin(levels=4, repeats=1, step_size=0.3, reuse_noise=False)
    seen = set()
    _, *events = ip.iterate(ip.Problem(prior, noise, u[None]), solver)
    for old, new in itertools.pairwise(events[:-1]):
        v, sigma, z = old.state.x, new.sigma, new.state.noise
        score = (0.5 - v) / (0.2**2 + sigma**2)
        before, after = s * sigma > 0.1, s * sigma < 0.1
        gradient = torch.where(
            before,
            s * (u - s * v) / (s**2 * sigma**2 - 0.1**2),
            score + s * (u - s * v) / (0.1**2 - s**2 * sigma**2),
        )
        tau2 = torch.where(
            before, sigma**2 - (0.1 / s) ** 2, sigma**2 * (1 - (s * sigma / 0.1) ** 2)
        )
        expected = v + 0.3 * tau2 * gradient + (0.6 * tau2).sqrt() * z
        torch.testing.assert_close(new.state.x, expected)
        seen |= {(bool(b), bool(a)) for b, a in zip(before, after, strict=True)}
    assert seen == {(True, False), (False, True)}


# --------------------------------------------------------------------------- published ladders


@pytest.mark.parametrize(
    ("name", "ratio", "stability"),
    [
        ("celeba", 0.98192, 0.921),
        ("lsun", 0.99096, 1.0),
        ("ffhq", 0.99548, 1.997),
        ("ffhq-inpainting", 0.99548, 1.997),
    ],
)
def test_a_published_ladder_is_the_published_one(name, ratio, stability):
    """The step over the longest stable one, for data on the ladder, is that of the papers."""
    sampler = ip.AnnealedLangevin.published(name)
    assert sampler.ratio == pytest.approx(ratio, abs=1e-5)
    assert sampler.step_size / (1 - sampler.ratio**2) == pytest.approx(stability, abs=2e-3)
    assert not sampler.reuse_noise and sampler.sigma_min == 0.01
    assert f'"{name}"' in ip.AnnealedLangevin.published.__doc__


def test_a_run_enters_the_published_ladder_at_the_noise_of_its_data():
    sampler = ip.AnnealedLangevin.published("celeba")
    noise, prior = ip.Gaussian(sigma=0.203), prior_over((1, 2, 4))
    problem = ip.Problem(prior, noise, torch.full((1, 1, 2, 4), 0.5, dtype=F64))
    assert sampler.steps(problem) == 165 * 5 + 1
    plan = sampler._plan(problem)
    assert plan[0] / 0.203 == pytest.approx(sampler.ratio, abs=1e-4)
    masked = ip.Gaussian(sigma=0.203, operator=ip.Mask(torch.eye(4)[:2]))
    assert sampler.steps(attrs.evolve(problem, likelihood=masked)) == 499 * 5 + 1


def test_published_samples_are_right_for_a_gaussian():
    noise, prior = ip.Gaussian(sigma=0.1), prior_over((1, 2, 4), noise=0.05)
    y = torch.full((1, 1, 2, 4), 0.7, dtype=F64)
    problem = ip.Problem(prior, noise, y)
    samples = ip.solve(problem, ip.AnnealedLangevin.published("celeba"), samples=200).samples
    exact = prior.posterior(noise, y)
    assert float((samples.mean((0, 1)) - exact.mean).abs().max()) < 0.03
    spread = float(samples[:, 0].var(0).sum() / exact.covariance().trace())
    assert spread == pytest.approx(1, abs=0.15)


def test_a_published_ladder_with_another_prior():
    sampler, y = ip.AnnealedLangevin.published("lsun"), torch.full((1, 1, 8, 8), 0.5)
    prior = ip.DenoiserPrior.pretrained()
    masked = ip.Gaussian(sigma=0.1, operator=ip.Mask(torch.eye(8)))
    with pytest.raises(ip.InputError, match="denoises only up to .*leave it out"):
        ip.solve(ip.Problem(prior, masked, torch.eye(8)[None, None] / 2), sampler)
    assert sampler.steps(ip.Problem(prior, ip.Gaussian(sigma=0.1), y)) > 500
    assert attrs.evolve(sampler, sigma_max=None).steps(
        ip.Problem(prior, masked, torch.eye(8)[None, None] / 2)
    )
    with pytest.raises(ip.InputError, match="no ladder was published for 'imagenet'"):
        ip.AnnealedLangevin.published("imagenet")
    with pytest.raises(ip.InputError, match=r"ratio=1\.5"):
        ip.AnnealedLangevin(ratio=1.5)


def test_snips_is_found_by_name():
    assert ip.catalogue().solvers["snips"] is ip.AnnealedLangevin
    assert "2105.14951" in ip.catalogue().get("solver", "snips").reference


# --------------------------------------------------------------------------- weak noise


def grey_problem(sigma, prior=None):
    prior = prior or ip.GaussianPrior(mean=torch.full((1, 6, 6), 0.5), sd=0.2)
    return ip.Problem(prior, ip.Gaussian(sigma=sigma), torch.full((1, 1, 6, 6), 0.6))


@pytest.mark.parametrize("sigma", [0.004, 0.008, 0.02, 0.1])
def test_samples_spread_however_weak_the_noise_is(sigma):
    samples = ip.solve(grey_problem(sigma), ip.AnnealedLangevin(), samples=300).samples
    exact = sigma * 0.2 / math.hypot(sigma, 0.2)
    assert float(samples.std(0).mean()) == pytest.approx(exact, rel=0.08)


@pytest.mark.parametrize("solver", [ip.AnnealedLangevin, ip.DDRM])
def test_a_ladder_that_does_not_fall_is_refused(solver):
    with pytest.raises(ip.InputError, match=r"sigma_max=0.001; .*larger than sigma_min=0.01"):
        solver(sigma_max=0.001, sigma_min=0.01)
    with pytest.raises(ip.InputError, match=r"sigma_min=0.5, but the noise levels fall from 0.1"):
        ip.solve(grey_problem(0.1), solver(sigma_min=0.5))
    coarse = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.01, 10.0)))
    with pytest.raises(ip.InputError, match=r"noise is not above 0.01, the least level"):
        ip.solve(grey_problem(0.005, coarse), solver())


def test_what_was_measured_well_is_known_well_where_the_rest_was_not_measured():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    noise = ip.Gaussian(sigma=1e-3, operator=ip.Mask(torch.eye(4)))
    problem = ip.Problem(prior, noise, noise.sample(prior.mean[None], ip.generator(0)))
    seen = ip.solve(problem, ip.AnnealedLangevin(), samples=200).std.diagonal(dim1=-2, dim2=-1)
    assert float(seen.mean()) == pytest.approx(1e-3, rel=0.1)
    with pytest.raises(ip.InputError, match=r"but the data's least noise is 0.001"):
        ip.solve(problem, ip.AnnealedLangevin(sigma_min=0.01))


def test_a_published_ladder_says_how_it_starts_lower():
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.001, 10)))
    noise = ip.Gaussian(sigma=0.1, operator=ip.Mask(torch.eye(4)))
    problem = ip.Problem(prior, noise, torch.zeros(1, 1, 4, 4))
    sampler = ip.AnnealedLangevin.published("celeba")
    with pytest.raises(ip.InputError, match=r"evolve\(solver, sigma_max=None\)"):
        sampler.init(problem, ip.Streams(0, 1, 1), None)
    lower = attrs.evolve(sampler, sigma_max=None)
    assert lower.init(problem, ip.Streams(0, 1, 1), None).sigma < 10
