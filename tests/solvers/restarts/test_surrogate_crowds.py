"""`Restart` on noise that is not Gaussian, against the posterior by quadrature in two pixels."""

import pytest
import torch

import invprob as ip
from invprob.diagnostics.wasserstein import exactness
from invprob.solvers import moves
from invprob.solvers.restarts import surrogate_crowds

CELLS = 300
BLUR = ip.CircularBlur(torch.tensor([[0.7, 0.3]]))
NOISES = {
    "poisson": ip.Poisson(peak=20),
    "gamma": ip.Gamma(alpha=10),
    "rayleigh": ip.Rayleigh(scale=0.3),
    "signal-dependent": ip.SignalDependent(a=0.2, b=0.05),
    "poisson behind a blur": ip.Observed(ip.Poisson(peak=40), BLUR),
    "gamma behind a mask": ip.Observed(ip.Gamma(alpha=10), ip.Mask(torch.tensor([[1, 0]]))),
}


def overlapping_modes():
    """Six modes, narrower than the noise and nearer to each other than it is wide."""
    draw = ip.generator(0)
    means = (0.55 + 0.16 * torch.randn(6, 1, 1, 2, generator=draw)).clamp(0.25, 0.9).double()
    skew = 0.5 * torch.randn(6, 2, 2, generator=draw).double()
    covariances = 0.07**2 * (torch.eye(2) + 0.5 * skew @ skew.mT)
    return ip.GaussianMixturePrior(torch.ones(6).double(), means, covariances)


class Quadrature:
    """The posterior of two pixels on a fine grid."""

    def __init__(self, prior, noise, y):
        edge = torch.linspace(0.005, 1.3, CELLS, dtype=torch.float64)
        self.x = torch.cartesian_prod(edge, edge).reshape(-1, 1, 1, 2)
        self.cell = float(edge[1] - edge[0])
        log_p = prior.log_prob(self.x) + noise.log_prob(y.expand(len(self.x), 1, 1, 2), self.x)
        self.p = log_p.softmax(0)

    def sample(self, shape, generator, /):
        chosen = torch.multinomial(self.p, shape[0], replacement=True, generator=generator)
        jitter = torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5
        return self.x[chosen] + self.cell * jitter


def measured(name, count=3):
    prior, noise = overlapping_modes(), NOISES[name]
    y = noise.sample(prior.sample((count, 1, 1, 2), ip.generator(1)), ip.generator(2))
    return ip.Problem(prior, noise, y)


@pytest.mark.parametrize("name", NOISES)
def test_samples_can_not_be_told_from_exact_ones(name):
    problem = measured(name)
    samples = ip.solve(problem, ip.Restart(), samples=400, seed=0).samples
    rows = [samples[:, b] for b in range(len(problem.y))]
    exact = [Quadrature(problem.prior, problem.likelihood, y[None]) for y in problem.y]
    assert exactness(rows, exact, ip.generator(3)) < 1.5


def test_with_the_likelihood_ignored_the_same_measure_is_far_from_one():
    problem = measured("poisson")
    exact = [Quadrature(problem.prior, problem.likelihood, y[None]) for y in problem.y]
    prior = [problem.prior.sample((400, 1, 1, 2), ip.generator(4)) for _ in exact]
    assert exactness(prior, exact, ip.generator(3)) > 3


def test_pixelwise_gaussian_noise_is_sampled_as_gaussian_noise_is():
    """Signal-dependent noise that hardly depends on the signal: the posterior is known."""
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5).double(), sd=0.2)
    y = torch.full((1, 1, 4, 4), 0.8).double()
    problem = ip.Problem(prior, ip.SignalDependent(a=1e-6, b=0.2), y)
    samples = ip.solve(problem, ip.Restart(), samples=600, seed=0).samples
    assert float(samples.mean()) == pytest.approx(0.65, abs=0.01)
    assert float(samples.std()) == pytest.approx(0.2 / 2**0.5, rel=0.03)


def test_pixels_without_photons_are_not_below_black():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.1), sd=0.05)
    problem = ip.Problem(prior, ip.Poisson(peak=1000), torch.zeros(1, 1, 4, 4))
    samples = ip.solve(problem, ip.Restart(), samples=50, seed=0).samples
    assert float(samples.mean()) == pytest.approx(0, abs=0.01)
    assert float(samples.abs().max()) < 0.05


@pytest.mark.parametrize(
    ("noise", "y"),
    [
        (ip.Gamma(alpha=10), 0.45),
        (ip.Rayleigh(scale=1.0), 0.8),
        (ip.SignalDependent(a=0.2, b=0.05), 0.45),
        (ip.Poisson(peak=20), 0.45),
    ],
)
def test_modes_that_the_noise_hardly_tells_apart_have_their_share(noise, y):
    means = torch.tensor([0.25, 0.7], dtype=torch.float64).view(2, 1, 1, 1)
    covariances = torch.full((2, 1, 1), 0.06**2, dtype=torch.float64)
    prior = ip.GaussianMixturePrior(torch.ones(2).double(), means, covariances)
    y = torch.full((1, 1, 1, 1), y, dtype=torch.float64)
    x = torch.linspace(1e-4, 1.3, 5000, dtype=torch.float64).view(-1, 1, 1, 1)
    law = (noise.log_prob(y.expand_as(x), x) + prior.log_prob(x)).softmax(0)
    lower = float(law[x.flatten() < 0.47].sum())
    found = ip.solve(ip.Problem(prior, noise, y), ip.Restart(), samples=600, seed=0).samples
    assert float((found < 0.47).double().mean()) == pytest.approx(lower, abs=0.07)
    assert 0.1 < lower < 0.9


@pytest.mark.parametrize("sigma_max", [0.5, 0.1, 0.055])
def test_a_crowd_from_a_low_level_has_no_empty_particles(sigma_max):
    class Refusing:
        def denoise(self, x, sigma):
            assert bool(x.flatten(1).any(1).all())
            return (0.5 * sigma**2 + 0.04 * x) / (0.04 + sigma**2)

    noise = ip.Poisson(peak=20)
    y = noise.sample(torch.full((2, 1, 8, 8), 0.5), ip.generator(0))
    problem, solver = ip.Problem(Refusing(), noise, y), ip.Restart(40, sigma_max=sigma_max)
    found = ip.solve(problem, solver, samples=2, x0=torch.full((2, 1, 8, 8), 0.5)).samples
    assert found.isfinite().all()


@pytest.mark.parametrize("calls", [8, 20, 50, 100, 300])
def test_crowds_are_as_large_at_every_level_until_modes_are_decided(calls):
    plan = ip.Restart(calls)._plan(measured("gamma"))
    crowd = [alive for alive in plan.alive if alive > 1]
    assert sum(plan.alive) <= calls and len(set(crowd)) <= 1
    assert plan.alive[1 : 1 + len(crowd)] == tuple(crowd)
    assert all(a >= b for a, b in zip(plan.levels, plan.levels[1:], strict=False))
    assert len(crowd) >= (3 if calls >= 50 else 0)


def test_extrapolation_is_right_where_the_denoised_image_is_linear_in_log_sigma():
    def denoised(sigma):
        return torch.full((2, 1, 1, 2), sigma, dtype=torch.float64).log()

    levels = (0.8, 0.4, 0.3)
    found = moves.ahead(denoised(levels[0]), denoised(levels[1]), levels)
    torch.testing.assert_close(found, denoised((levels[1] * levels[2]) ** 0.5))


def test_a_crowd_whose_singular_basis_has_another_shape_than_its_images():
    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
    operator = ip.Hadamard((8, 8), keep=0.5, scramble=True, seed=0)
    noise = ip.Observed(ip.SignalDependent(a=0.1, b=0.05), operator)
    y = noise.sample(torch.full((2, 1, 8, 8), 0.5), ip.generator(0))
    found = ip.solve(ip.Problem(prior, noise, y), ip.Restart(30), samples=2).samples
    assert found.isfinite().all()


def test_the_look_ahead_integrates_the_likelihood_over_what_is_left():
    """Exact where the noise is as good as Gaussian: N(y; D, V + sd²)."""
    draw = ip.generator(5)
    y, denoised = torch.rand(2, 3, 1, 4, 4, generator=draw, dtype=torch.float64)
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5).double(), sd=0.2)
    problem = ip.Problem(prior, ip.SignalDependent(a=1e-7, b=0.2), y)
    psi = surrogate_crowds.look(problem, denoised, 0.3**2)
    likely, _ = surrogate_crowds.likeliest(problem, denoised, 0.3**2)
    law = torch.distributions.Normal(denoised, (0.2**2 + 0.3**2) ** 0.5)
    torch.testing.assert_close(psi, law.log_prob(y).flatten(1).sum(1), rtol=1e-4, atol=1e-4)
    expected = (denoised / 0.3**2 + y / 0.2**2) / (1 / 0.3**2 + 1 / 0.2**2)
    torch.testing.assert_close(likely, expected, rtol=1e-4, atol=1e-4)


def test_populations_and_guidance_are_refused():
    problem = measured("gamma")
    with pytest.raises(ip.InputError, match="population=4.*Gamma.*population=1"):
        ip.solve(problem, ip.Restart(population=4), samples=4)
    with pytest.raises(ip.InputError, match="guided=True.*Gamma.*guided=False"):
        ip.solve(problem, ip.Restart(guided=True), samples=4)


def test_noise_that_is_neither_is_refused_in_one_sentence():
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    problem = ip.Problem(prior, Neither(), torch.full((1, 1, 4, 4), 0.5))
    with pytest.raises(ip.IncompatibleError) as caught:
        ip.solve(problem, ip.Restart())
    assert "is neither Spectral nor LocallyGaussian: it has no method" in str(caught.value)


class Neither:
    """Laplace noise, of which nothing but the gradient is known."""

    def sample(self, x, generator, /):
        raise NotImplementedError

    def grad_x(self, y, x, /):
        return (y - x).sign() / 0.1


def test_filtered_noise_that_hardly_depends_on_the_signal_is_coloured_gaussian_noise():
    shape, A = (1, 4, 8), ip.CorrelationFilter()
    prior = ip.GaussianPrior(mean=torch.full(shape, 0.5), sd=0.1)
    noise = ip.ColouredSignalDependent(a=1e-6, b=0.15, A=A)
    y = noise.sample(prior.sample((2, *shape), ip.generator(0)), ip.generator(1))
    same, other = (
        ip.solve(ip.Problem(prior, n, y), ip.Restart(60, particles=1), samples=500).samples
        for n in (noise, ip.ColouredGaussian(0.15, A))
    )
    assert float((same.mean(0) - other.mean(0)).abs().max()) < 0.02
    torch.testing.assert_close(same.std(0), other.std(0), rtol=0.2, atol=0)
    assert float(same.std(0).mean() / other.std(0).mean()) == pytest.approx(1, abs=0.04)


def test_filtered_noise_of_bright_and_dark_pixels_has_the_spread_of_both():
    """Against Langevin steps of the exact gradient, in the unit of each pixel's own noise."""
    shape, A = (1, 4, 4), ip.CorrelationFilter()
    mean = torch.linspace(0.2, 0.8, 16).reshape(shape)
    prior = ip.GaussianPrior(mean=mean, sd=0.1)
    noise = ip.ColouredSignalDependent(a=0.2, b=0.02, A=A)
    y = noise.sample(prior.sample((1, *shape), ip.generator(0)), ip.generator(1))
    found = ip.solve(ip.Problem(prior, noise, y), ip.Restart(), samples=400).samples[:, 0]
    x, draw = found.double(), ip.generator(2)
    y, centre = y.double().expand(400, *shape), mean.double()
    for step in [4e-5] * 1500:
        pull = noise.grad_x(y, x) + (centre - x) / 0.1**2
        x = (
            x
            + step * pull
            + (2 * step) ** 0.5 * torch.randn(x.shape, generator=draw, dtype=x.dtype)
        )
    assert float(((found - x).mean(0).abs() / x.std(0)).max()) < 0.5
    assert float(found.std(0).mean() / x.std(0).mean()) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("noise", [ip.Poisson(peak=200), ip.Gamma(alpha=20)])
def test_a_dark_measurement_among_bright_ones_is_known_as_well_as_alone(noise):
    means = torch.tensor([0.03, 0.8], dtype=torch.float64).reshape(2, 1, 1, 1)
    widths = torch.diag_embed(torch.tensor([[0.01**2], [0.15**2]], dtype=torch.float64))
    prior = ip.GaussianMixturePrior(torch.ones(2).double(), means, widths)
    x = torch.tensor([0.03, 0.8, 0.9, 0.7, 1.0, 0.75, 0.85, 0.95, 0.8, 0.7]).double()
    y = noise.sample(x.reshape(-1, 1, 1, 1), ip.generator(1))
    alone, among = (
        float(ip.solve(ip.Problem(prior, noise, some), ip.Restart(), samples=400).std[0])
        for some in (y[:1], y)
    )
    assert among == pytest.approx(alone, rel=0.1)
