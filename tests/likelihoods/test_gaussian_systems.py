"""Gaussian noise that no singular basis takes apart: the linear system is solved."""

import pytest
import torch
from gaussian_examples import Shear
from torch.nn.functional import conv2d, pad

import invprob as ip
from invprob.likelihoods.rows import normal

MIXING = {
    "no svd": ip.Gaussian(sigma=0.1, operator=Shear()),
    "levels that a blur mixes": ip.Gaussian(
        sigma=torch.linspace(0.05, 0.3, 24, dtype=torch.float64).reshape(4, 6),
        operator=ip.CircularBlur(torch.tensor([[0.2, 0.7, 0.1]])),
    ),
    "stack": ip.Gaussian(
        sigma=0.1,
        operator=ip.Stack([ip.Mask.random((4, 6), 0.5), ip.Downsample(2)], (1, 4, 6)),
    ),
    "filter without a basis": ip.ColouredGaussian(sigma=0.1, A=ip.CorrelationFilter("reflect")),
}


def quadratic(noise):
    """The information matrix of x and its mean, from gradients at the unit vectors alone."""
    x = torch.zeros(1, 1, 4, 6, dtype=torch.float64)
    y = noise.sample(x + 0.5, ip.generator(0))
    units = torch.eye(24, dtype=torch.float64).reshape(24, 1, 4, 6)
    slopes = noise.grad_x(y.expand(24, *y.shape[1:]), units) - noise.grad_x(y, x)
    return y, -slopes.flatten(1), noise.grad_x(y, x).flatten()


@pytest.mark.parametrize("name", MIXING)
@pytest.mark.parametrize("step", [1e-6, 1e-3, 0.1, 10.0])
def test_without_a_basis_the_prox_is_the_solution_of_the_system(name, step):
    noise = MIXING[name]
    y, information, slope = quadratic(noise)
    v = torch.rand(1, 1, 4, 6, generator=ip.generator(3), dtype=torch.float64)
    system = information + torch.eye(24, dtype=torch.float64) / step
    wanted = torch.linalg.solve(system, slope + v.flatten() / step)
    found = noise.prox(y, v, torch.tensor(step, dtype=torch.float64))
    assert (found.flatten() - wanted).abs().max() < 1e-9
    single = noise.prox(y.float(), v.float(), torch.tensor(step))
    assert single.dtype == torch.float32
    assert (single.flatten() - wanted).abs().max() < 1e-4


@pytest.mark.parametrize("name", MIXING)
def test_without_a_basis_draws_have_the_mean_and_covariance_of_the_posterior(name):
    noise, rho, rows = MIXING[name], 0.2, 20_000
    y, information, slope = quadratic(noise)
    v = torch.rand(1, 1, 4, 6, generator=ip.generator(3), dtype=torch.float64)
    covariance = torch.linalg.inv(information + torch.eye(24, dtype=torch.float64) / rho**2)
    mean = covariance @ (slope + v.flatten() / rho**2)
    many = (t.expand(rows, *t.shape[1:]) for t in (y, v))
    draws = noise.sample_given(*many, torch.tensor(rho), ip.generator(5)).flatten(1)
    white = torch.linalg.solve_triangular(
        torch.linalg.cholesky(covariance), (draws - mean).T, upper=False
    )
    assert white.mean(1).abs().max() < 5 / rows**0.5
    seen = white @ white.T / rows
    assert (seen - torch.eye(24)).abs().max() < 5 * (2 / rows) ** 0.5


class Mirrored:
    """A blur of 16 x 16 pixels with reflecting borders, nearly singular."""

    def __init__(self):
        kernel = torch.ones(1, 1, 5, 5, dtype=torch.float64) / 25
        units = torch.eye(256, dtype=torch.float64).reshape(256, 1, 16, 16)
        self.matrix = conv2d(pad(units, (2,) * 4, "reflect"), kernel).flatten(1).T

    def forward(self, x, /):
        return (x.flatten(1) @ self.matrix.T.to(x)).reshape(x.shape)

    def adjoint(self, y, /):
        return (y.flatten(1) @ self.matrix.to(y)).reshape(y.shape)

    def out_shape(self, shape, /):
        return shape


@pytest.mark.parametrize("wider", [0.25, 1, 10, 100])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_ill_conditioned_draw_is_off_by_a_little_of_its_deviation(wider, dtype):
    """Against the dense solution, of the same numbers, in every direction of the posterior."""
    operator, sigma = Mirrored(), 0.01
    noise, rho = ip.Gaussian(sigma, operator=operator), wider * sigma
    x, v = torch.rand(2, 1, 1, 16, 16, generator=ip.generator(1), dtype=dtype)
    y = noise.sample(x, ip.generator(2))
    draw = noise.sample_given(y, v, torch.tensor(rho), ip.generator(3)).double()
    numbers = ip.generator(3)
    data = y + sigma * normal(y, numbers)
    near = v + rho * normal(v, numbers)
    H, eye = operator.matrix, torch.eye(256, dtype=torch.float64)
    sharp = H.T @ H / sigma**2 + eye / rho**2
    pull = H.T @ data.double().flatten() / sigma**2 + near.double().flatten() / rho**2
    square, basis = torch.linalg.eigh(sharp)
    off = (basis.T @ (draw.flatten() - torch.linalg.solve(sharp, pull))) * square.sqrt()
    # below sigma it is the rounding of images, of which a deviation is a small part
    limit = {torch.float32: 1e-4 * max(wider, 1), torch.float64: 1e-6}[dtype]
    assert off.abs().max() < limit


def test_rows_of_a_system_do_not_wait_for_each_other():
    noise = MIXING["stack"]
    x = torch.rand(3, 1, 4, 6, generator=ip.generator(1), dtype=torch.float64)
    y, step = noise.sample(x, ip.generator(2)), torch.tensor([1e-8, 0.1, 100.0])
    together = noise.prox(y, 1 - x, step)
    for k in range(3):
        alone = noise.prox(y[k : k + 1], 1 - x[k : k + 1], step[k])
        assert (together[k : k + 1] - alone).abs().max() < 1e-12


def test_a_part_of_a_blur_is_solved_by_the_help_of_the_whole(monkeypatch):
    """The same image, with a fraction of the products."""
    x = torch.rand(2, 1, 40, 36, generator=ip.generator(0), dtype=torch.float64)
    noise = ip.Gaussian(0.05, ip.Blur.named("uniform5"))
    y, step = noise.sample(x, ip.generator(1)), torch.tensor([0.5, 2.0]).double()
    found, products = [], []

    def prox(nearly):
        count = [0]

        def product(self, y, x):
            count[0] += 1
            return kept(self, y, x)

        kept = ip.Gaussian.grad_x
        with monkeypatch.context() as patch:
            patch.setattr(ip.Gaussian, "grad_x", product)
            if not nearly:
                patch.setattr(ip.Gaussian, "_nearly", lambda *_: None)
            found.append(noise.prox(y, x, step))
        products.append(count[0])

    prox(nearly=True)
    prox(nearly=False)
    torch.testing.assert_close(*found, rtol=0, atol=1e-6)
    assert products[0] < products[1] / 3


@pytest.mark.parametrize("step", [0.01, 1.0])
def test_weak_noise_behind_a_blur_in_single_precision(step):
    x = torch.rand(1, 1, 40, 36, generator=ip.generator(0), dtype=torch.float64)
    noise = ip.Gaussian(1e-3, ip.Blur.named("uniform5"))
    y, size = noise.sample(x, ip.generator(1)), torch.tensor(step).double()
    start = torch.full_like(x, 0.5)
    exact = noise.prox(y, start, size)
    single = noise.prox(y.float(), start.float(), size.float()).double()
    assert float((single - exact).square().mean().sqrt()) < 0.02


def test_levels_that_differ_behind_the_crop_of_a_blur():
    blur = ip.Blur.named("uniform3")
    sigma = torch.linspace(0.05, 0.2, 36, dtype=torch.float64).reshape(6, 6)
    noise, step = ip.Gaussian(sigma, operator=blur), torch.tensor(0.05, dtype=torch.float64)
    v = torch.rand(2, 1, 8, 8, generator=ip.generator(0), dtype=torch.float64)
    y = blur.forward(v.flip(-1))
    found = noise.prox(y, v, step)
    torch.testing.assert_close(found - v, step * noise.grad_x(y, found), rtol=0, atol=1e-8)


def test_near_an_image_it_is_the_measurement_itself():
    mask, y = ip.Mask(torch.eye(8)), torch.rand(1, 1, 8, 8, generator=ip.generator(0))
    data = ip.Gaussian(0.1, operator=mask).linearised(y, y, torch.tensor([0.1]))
    assert torch.equal(data.sd == torch.inf, ~mask.mask)
    assert torch.equal(data.w, y) and float(data.sd.min()) == pytest.approx(0.1)
    cropped = ip.Gaussian(0.1, operator=ip.Blur.named("uniform3"))
    assert cropped.linearised(y, torch.ones(1, 1, 10, 10), torch.tensor([0.1])).inverse


class Quarters:
    """Means of blocks, of images of one size alone; it does not look at the measurement."""

    def forward(self, x, /):
        return ip.Downsample(2).forward(x)

    def adjoint(self, y, /):
        return ip.Downsample(2).adjoint(y)

    def out_shape(self, shape, /):
        return (1, 4, 4)

    def image_shape(self, shape, /):
        return (1, 8, 8)


@pytest.mark.parametrize(
    "make", [lambda H: ip.Gaussian(0.1, H), lambda H: ip.Observed(ip.Gamma(9), H)]
)
def test_what_no_image_is_measured_as_is_refused(make):
    make(Quarters()).check_measurement(torch.ones(2, 1, 4, 4))
    with pytest.raises(ip.InputError, match=r"y has measurements of shape \(1, 4, 5\), but"):
        make(Quarters()).check_measurement(torch.ones(2, 1, 4, 5))


def test_where_the_path_meets_one_coordinate_the_others_keep_their_score():
    """There the score has a pole, which is bounded so that it does not drown them."""
    noise = ip.Gaussian(0.1, operator=ip.CircularBlur(torch.tensor([[0.6, 0.3], [0.1, 0.0]])))
    spectrum = noise.spectrum((1, 4, 4))
    x, y = torch.rand(2, 1, 1, 4, 4, generator=ip.generator(0), dtype=torch.float64)
    sigma = spectrum.sd[0, 1, 1]
    score = spectrum.vt(noise.annealed_score(y, x, 0 * x, sigma))
    apart = (spectrum.sd - sigma).abs() > 1e-3
    wanted = (spectrum.observe(y) - spectrum.vt(x)) / (spectrum.sd**2 - sigma**2).abs()
    torch.testing.assert_close(score[:, apart], wanted[:, apart], rtol=1e-6, atol=1e-6)
