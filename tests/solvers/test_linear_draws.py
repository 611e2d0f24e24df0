"""Draws of split Gibbs behind operators without a basis: against dense systems and quadrature."""

import attrs
import pytest
import torch

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import LocallyLinear
from invprob.likelihoods.draws import draw, sharpest, usual_sharpness
from invprob.solvers.least_noise import least_noise
from invprob.solvers.linear_draws import is_linear, mean_of_draws

F64, COPIES = torch.float64, 2000


@attrs.frozen(eq=False)
class Rows:
    """A matrix on the last axis, of which no singular vectors are known."""

    matrix: torch.Tensor

    def forward(self, x, /):
        return x @ self.matrix.T.to(x)

    def adjoint(self, y, /):
        return y @ self.matrix.to(y)

    def out_shape(self, shape, /):
        return (*shape[:-1], len(self.matrix))

    def image_shape(self, shape, /):
        return (*shape[:-1], self.matrix.shape[1])


@attrs.frozen(eq=False)
class Alike:
    """A Gaussian prior of one row of pixels, the same for each channel: as many samples."""

    covariance: torch.Tensor

    def denoise(self, x, sigma, /):
        noisy = self.covariance + sigma.square() * torch.eye(len(self.covariance)).to(x)
        gain = torch.linalg.solve(noisy, self.covariance)
        return 0.5 + (x - 0.5) @ gain

    def moments(self):
        size = len(self.covariance)
        mean = torch.full((COPIES, 1, size), 0.5, dtype=F64)
        return mean, float(self.covariance.trace()) ** 0.5


def covariance(size, sd=0.2, length=1.5):
    place = torch.arange(size, dtype=F64)
    return sd**2 * torch.exp(-(place[:, None] - place).abs() / length)


def samples(prior, noise, y, calls=60):
    many = y.expand(1, COPIES, *y.shape[-2:]).clone()
    return ip.solve(ip.Problem(prior, noise, many), ip.SplitGibbs(calls), seed=0).x[0, :, 0]


def test_behind_a_crop_samples_have_the_mean_and_covariance_of_the_posterior_to_the_borders():
    """Seven pixels of a blur of eleven; the outermost are hardly seen at all."""
    kernel = torch.tensor([[0.1, 0.2, 0.4, 0.2, 0.1]], dtype=F64)
    blur, sd, prior = ip.Blur(kernel), 0.04, Alike(covariance(11))
    units = torch.eye(11, dtype=F64).reshape(11, 1, 1, 11)
    H = blur.forward(units)[:, 0, 0].T
    y = torch.rand(1, 1, 1, 7, generator=ip.generator(1), dtype=F64)
    found = samples(prior, ip.Gaussian(sd, operator=blur), y)
    wanted = torch.linalg.inv(torch.linalg.inv(prior.covariance) + H.T @ H / sd**2)
    mean = 0.5 + wanted @ H.T @ (y.flatten() - H.sum(1) / 2) / sd**2
    assert float(((found.mean(0) - mean) / wanted.diagonal().sqrt()).abs().max()) < 0.1
    white = torch.linalg.solve_triangular(
        torch.linalg.cholesky(wanted), (found - mean).T, upper=False
    )
    wide = torch.linalg.eigvalsh(white @ white.T / COPIES)  # within 1 +- 0.15 by chance
    assert 0.8 < wide.min() and wide.max() < 1.2


@pytest.mark.parametrize(
    ("noise", "peak"),
    [(ip.Poisson(peak=20), 20), (ip.Gamma(alpha=8), 0), (ip.SignalDependent(0.2, 0.05), 0)],
    ids=["poisson", "gamma", "signal-dependent"],
)
def test_other_noise_behind_an_operator_has_the_samples_of_quadrature(noise, peak):
    H = torch.tensor([[0.7, 0.3], [0.2, 0.5], [0.1, 0.2]], dtype=F64)
    behind, prior = ip.Observed(noise, Rows(H)), Alike(covariance(2, sd=0.15))
    assert is_linear(behind)
    y = torch.tensor([0.6, 0.3, 0.2], dtype=F64)
    y = (y * peak).round() / peak if peak else y
    found = samples(prior, behind, y.reshape(1, 1, 1, 3))
    line = torch.linspace(0.01, 1.2, 240, dtype=F64)
    grid = torch.cartesian_prod(line, line)
    log_p = behind.log_prob(y.expand(len(grid), 1, 1, 3), grid.reshape(-1, 1, 1, 2))
    away = grid - 0.5
    log_p = log_p - 0.5 * (away * torch.linalg.solve(prior.covariance, away.T).T).sum(1)
    law = log_p.softmax(0)
    mean = law @ grid
    spread = ((grid - mean).T * law) @ (grid - mean)
    assert float(((found.mean(0) - mean) / spread.diagonal().sqrt()).abs().max()) < 0.12
    ratio = torch.linalg.eigvals(torch.linalg.solve(spread, found.T.cov())).real
    assert 0.85 < ratio.min() and ratio.max() < 1.15


@pytest.mark.parametrize("rho", [0.01, 0.3, 10.0])
def test_a_draw_is_the_solution_of_its_system(rho):
    """Rows of different widths and an entry that was not measured, to the last digits."""
    H = torch.rand(4, 6, generator=ip.generator(0), dtype=F64)
    level = torch.tensor([0.1, torch.inf, 0.3, 0.2], dtype=F64)
    mask = ip.Mask((level < torch.inf).float())
    noise = ip.Gaussian(level.clamp(max=1), operator=ip.Compose(mask, Rows(H)))
    y, n = torch.rand(2, 3, 1, 1, 4, generator=ip.generator(1), dtype=F64)
    v, m = torch.rand(2, 3, 1, 1, 6, generator=ip.generator(2), dtype=F64)
    width = rho * torch.tensor([1.0, 2.0, 0.5], dtype=F64)
    data = noise.linearised(y, v, width)
    found = draw(data, v, width, (n, m), 1e-12, 1e-12)
    J = level.square().reciprocal().diag()
    for row in range(3):
        near = (v + width[row] * m)[row].flatten()
        seen = (y + level.clamp(max=1) * n)[row].flatten()
        sharp = H.T @ J @ H + torch.eye(6, dtype=F64) / width[row] ** 2
        wanted = torch.linalg.solve(sharp, H.T @ J @ seen + near / width[row] ** 2)
        torch.testing.assert_close(found[row].flatten(), wanted, rtol=1e-9, atol=1e-9)
    largest = torch.linalg.eigvalsh(H.T @ J @ H).max()
    assert sharpest(data, v[:1]) == pytest.approx(float(largest), rel=0.02)


def test_the_deviation_of_what_is_known_well():
    blur = ip.Blur.named("gaussian1")
    prior = ip.GaussianPrior(mean=torch.full((1, 16, 16), 0.5), sd=0.2)
    y = torch.full((1, 1, 10, 10), 0.5)
    assert 0.1 <= least_noise(ip.Problem(prior, ip.Gaussian(0.1, operator=blur), y)) < 0.2
    counts = ip.Problem(prior, ip.Observed(ip.Poisson(peak=1000), blur), y)
    assert 0.016 <= least_noise(counts) < 0.032


def test_few_directions_that_are_known_far_better_count_little():
    level = torch.full((64, 64), 0.2, dtype=F64)
    level[0] = 0.1
    mixed = ip.Gaussian(level, operator=Rows(torch.eye(64, dtype=F64)))
    x = torch.zeros(1, 1, 64, 64, dtype=F64)
    found = usual_sharpness(mixed.linearised(x, x, x.new_tensor([0.1])), x)
    assert found == pytest.approx((63 * 25**2 + 100**2) / (63 * 25 + 100), rel=0.05)
    steep = 1e3 * torch.eye(64)  # J is beyond single precision
    loud = ip.Gaussian(1e-9, operator=Rows(steep)).linearised(x.float(), x.float(), torch.ones(1))
    assert usual_sharpness(loud, x.float()) == pytest.approx(1e24, rel=1e-3)
    assert sharpest(loud, x.float()) == pytest.approx(1e24, rel=1e-3)
    nothing = ip.Gaussian(0.1, operator=Rows(torch.zeros(64, 64, dtype=F64)))
    assert usual_sharpness(nothing.linearised(x, x, x.new_tensor([0.1])), x) == 0


def test_a_row_is_drawn_as_if_it_were_alone():
    noise = ip.Observed(ip.Poisson(peak=50), ip.Blur.named("uniform3"))
    prior = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5, dtype=F64), sd=0.2)
    y = noise.sample(torch.rand(3, 1, 8, 8, generator=ip.generator(0), dtype=F64), ip.generator(1))
    alone, among = (
        ip.solve(ip.Problem(prior, noise, some), ip.SplitGibbs(12), samples=2).samples[:, 0]
        for some in (y[:1], y)
    )
    torch.testing.assert_close(among, alone, rtol=0, atol=1e-9)


def test_sweeps_are_short_with_a_network_behind_an_operator_that_measures_most():
    gaussian = ip.GaussianPrior(mean=torch.full((1, 12, 12), 0.5), sd=0.2)
    network = ip.DenoiserPrior(gaussian.denoise)
    blur, y = ip.Blur.named("uniform3"), torch.full((1, 1, 10, 10), 0.5)
    sparse = ip.Compose(ip.Mask.random((10, 10), keep=0.4), blur)

    def short(prior, operator, **options):
        problem = ip.Problem(prior, ip.Gaussian(0.1, operator=operator), y)
        streams = ip.Streams(0)
        return ip.SplitGibbs(12, **options).init(problem, streams, None).short

    assert short(network, blur) == 0.85
    assert short(network, blur, kappa=0.2) == short(network, sparse) == short(gaussian, blur) == 0


def test_what_can_be_linearised():
    blur = ip.Blur.named("uniform3")
    assert lacks(ip.Observed(ip.Gamma(alpha=4), blur), LocallyLinear) is None
    assert lacks(ip.autograd(ip.Observed(ip.Gamma(alpha=4), blur)), LocallyLinear) is None
    assert lacks(ip.Poisson(peak=3), LocallyLinear) == (
        "it has no method `linearised(y, x, sigma)`: it sees no linear measurement of the image"
    )
    assert not is_linear(ip.Gaussian(0.1, operator=ip.CircularBlur.named("uniform3")))


def test_a_system_that_rounding_ends_is_not_solved_further():
    """A goal that is below what single precision leaves of a residual would never be reached."""
    blur, products = ip.Blur.named("gaussian1.5"), []
    noise = ip.Gaussian(1e-5, operator=blur)
    x = torch.rand(1, 1, 20, 20, generator=ip.generator(0))
    v = torch.rand(1, 1, 20, 20, generator=ip.generator(5))
    data = noise.linearised(noise.sample(x, ip.generator(1)), v, torch.ones(1))

    def forward(d):
        products.append(1)
        return blur.forward(d)

    counted = attrs.evolve(data, forward=forward, inverse=None)
    still = torch.zeros_like(data.w), torch.zeros_like(v)
    found = draw(counted, v, torch.tensor([0.03]), still, 1e-3, 0.1)
    assert len(products) < 1000
    assert float((found - v).abs().max()) < 1


@pytest.mark.parametrize(("above", "factor"), [(0.0, 1.0), (50.0, 2**0.5), (100.0, 5**0.5)])
def test_while_levels_are_high_data_count_as_noisier(above, factor):
    """By (1 + (r / 50 sd)²)^½: as far as a draw follows them."""
    shape, sd = (1, 3, 4), 0.1
    noise = ip.Gaussian(sd, operator=ip.from_callable(lambda x: 1.0 * x, image_shape=shape))
    v, rho = torch.zeros(1, *shape, dtype=torch.float64), torch.tensor([0.2, 0.05]).double()
    seeds = torch.tensor([3]), torch.tensor([4])
    low, high = (mean_of_draws(noise, (v + y, v), (rho, above), seeds) for y in (0, 1))
    for moved, width in zip(high - low, (0.2, 0.05), strict=True):
        follows = width**2 / (width**2 + (factor * sd) ** 2)
        torch.testing.assert_close(moved, torch.full_like(moved, follows), rtol=1e-6, atol=0)
