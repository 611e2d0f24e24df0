"""The noise of the data is that of the image: whatever unit the measurement has."""

import warnings

import attrs
import pytest
import torch
from gaussians import SHAPE, gaussian

import invprob as ip
from invprob.errors import NoiseWarning
from invprob.solvers.data_noise import noise_at_rest, noise_of, noise_of_pixels

ESTIMATORS = (
    ip.PnP(iterations=5),
    ip.ADMM(iterations=6),
    ip.RED(iterations=6),
    ip.REDFixedPoint(iterations=6),
    ip.REDADMM(iterations=6),
    ip.ProximalGradient(iterations=6),
)


def rays(scale: float) -> torch.Tensor:
    """The sums of rows, columns and 2 x 2 blocks, `(21, 36)`."""
    pixels = torch.eye(36, dtype=torch.float64).reshape(36, 6, 6)
    blocks = torch.nn.functional.avg_pool2d(pixels, 2) * 4
    return scale * torch.cat([pixels.sum(1), pixels.sum(2), blocks.flatten(1)], 1).T


def problem(scale: float, *, basis: bool, noise: object = None) -> ip.Problem:
    """(c H, c sigma, c y), with H as a matrix or as a function."""
    matrix = rays(scale)
    operator = ip.Dense(matrix, SHAPE)
    x = gaussian().sample((2, *SHAPE), ip.generator(0))
    y = scale * ip.Gaussian(0.2, operator=ip.Dense(rays(1.0), SHAPE)).sample(x, ip.generator(1))
    if not basis:
        operator = ip.from_callable(lambda x: x.flatten(1) @ matrix.to(x).T, image_shape=SHAPE)
    return ip.Problem(gaussian(), ip.Gaussian(0.2 * scale, operator=operator), y)


@pytest.mark.parametrize("basis", [True, False])
@pytest.mark.parametrize("solver", ESTIMATORS, ids=lambda solver: type(solver).__name__)
def test_an_estimate_does_not_depend_on_the_unit_of_the_measurement(solver, basis):
    one = ip.solve(problem(1.0, basis=basis), solver).x
    for scale in (0.01, 30.0):
        other = ip.solve(problem(scale, basis=basis), solver).x
        torch.testing.assert_close(other, one, rtol=0, atol=1e-6)


@pytest.mark.parametrize("solver", ESTIMATORS, ids=lambda solver: type(solver).__name__)
def test_sixteen_frames_are_one_of_a_quarter_of_the_noise(solver):
    x = gaussian().sample((1, *SHAPE), ip.generator(0))
    frames = ip.Gaussian(0.4, operator=ip.Stack([ip.Identity()] * 16, SHAPE))
    y = frames.sample(x, ip.generator(1))
    mean = y.reshape(1, 16, *SHAPE).mean(1)
    if isinstance(solver, ip.PnP):
        solver = attrs.evolve(solver, weight=0.23)  # which singular values would tell
    many = ip.solve(ip.Problem(gaussian(), frames, y), solver).x
    one = ip.solve(ip.Problem(gaussian(), ip.Gaussian(0.1), mean), solver).x
    torch.testing.assert_close(many, one, rtol=0, atol=1e-5)


OPERATORS = {
    "mask": (ip.Mask.random((8, 8), keep=0.5, seed=1), 0.1),
    "blur": (ip.CircularBlur.named("uniform3"), 0.1),
    "cropped blur": (ip.Blur.named("uniform3"), 0.1),
    "hadamard": (ip.Hadamard(8, keep=0.5), 0.1),
    "means of 2 x 2": (ip.Downsample(2), 0.2),
    "sums of 2 x 2": (
        ip.Compose(ip.CircularBlur(torch.full((1, 1), 4.0)), ip.Downsample(2)),
        0.05,
    ),
    "gray": (ip.Grayscale(), 0.1 / 0.6686),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_it_is_sigma_over_the_largest_singular_value(name):
    operator, expected = OPERATORS[name]
    shape = (3, 8, 8)
    y = torch.full((1, *operator.out_shape(shape)), 0.5)
    prior = ip.GaussianPrior(mean=torch.full(shape, 0.5), sd=0.2)
    problem = ip.Problem(prior, ip.Gaussian(0.1, operator=operator), y)
    assert noise_of(problem) == pytest.approx(expected, rel=1e-3)
    alone = ip.from_callable(operator.forward, image_shape=shape)  # without singular values
    told = attrs.evolve(problem, likelihood=ip.Gaussian(0.1, operator=alone))
    assert noise_of(told) == pytest.approx(expected, rel=0.02 if "crop" not in name else 0.15)


def test_levels_that_differ_between_entries_count_as_their_median():
    sigma = torch.linspace(0.1, 0.4, 36).reshape(SHAPE)
    sigma[0, 0, :2], sigma[0, -1, -2:] = 1e-3, 9.0
    problem = ip.Problem(gaussian(), ip.Gaussian(sigma), torch.full((1, *SHAPE), 0.5))
    assert noise_of(problem) == pytest.approx(0.25, rel=0.02)
    even = ip.Gaussian(torch.full((6,), 0.3))
    assert noise_of(attrs.evolve(problem, likelihood=even)) == pytest.approx(0.3)


@pytest.mark.parametrize("solver", ESTIMATORS, ids=lambda solver: type(solver).__name__)
def test_levels_of_what_was_not_measured_change_nothing(solver):
    mask = torch.arange(36).reshape(6, 6) % 2 == 0
    y = mask * torch.rand(1, *SHAPE, generator=ip.generator(0))
    even, uneven = (
        ip.Gaussian(torch.where(mask, 0.05, level), ip.Mask(mask)) for level in (0.05, 5.0)
    )
    here, there = (ip.solve(ip.Problem(gaussian(), one, y), solver).x for one in (even, uneven))
    assert torch.equal(here, there)


@pytest.mark.parametrize("basis", [True, False])
def test_counts_behind_a_gain_are_known_as_well_as_counts_of_that_many(basis):
    eye = torch.eye(36, dtype=torch.float64)
    y = torch.full((1, 36), 0.5, dtype=torch.float64)
    found = []
    for gain in (1.0, 20.0):
        H = ip.Dense(gain * eye, SHAPE)
        if not basis:
            H = ip.from_callable(lambda x, gain=gain: gain * x.flatten(1), image_shape=SHAPE)
        counts = ip.Observed(ip.Poisson(100 / gain), H)
        found.append(noise_of(ip.Problem(gaussian(), counts, gain * y)))
    assert found[1] == pytest.approx(found[0]) and 0.05 < found[0] < 0.1


def test_the_level_at_rest_needs_no_singular_values():
    pair = [problem(1.0, basis=basis) for basis in (True, False)]
    told, probed = (noise_at_rest(one, noise_of(one)) for one in pair)
    assert told > 2 * noise_of(pair[0])
    assert probed == pytest.approx(told, rel=0.25)


@pytest.mark.parametrize("solver", ESTIMATORS, ids=lambda solver: type(solver).__name__)
def test_a_prior_for_far_less_noise_is_warned_of(solver):
    y = torch.full((1, *SHAPE), 0.5)
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.01, 0.1)))
    with pytest.warns(NoiseWarning, match=r"noise of 0.3 .* denoises 0.01 to 0.1"):
        ip.solve(ip.Problem(prior, ip.Gaussian(0.3), y), solver)
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoiseWarning)
        ip.solve(ip.Problem(prior, ip.Gaussian(0.14), y), solver)


@pytest.mark.parametrize("name", OPERATORS)
def test_the_noise_of_a_pixel_is_less_where_only_smooth_coordinates_are_seen(name):
    operator, expected = OPERATORS[name]
    y = torch.full((1, *operator.out_shape((3, 8, 8))), 0.5)
    prior = ip.GaussianPrior(mean=torch.full((3, 8, 8), 0.5), sd=0.2)
    found = noise_of_pixels(ip.Problem(prior, ip.Gaussian(0.1, operator=operator), y), expected)
    assert found == pytest.approx(expected / 2 if name == "means of 2 x 2" else expected)


@pytest.mark.parametrize("inner", [ip.Gaussian(0.1), ip.Gamma(26)])
def test_noise_that_is_filtered_is_that_before_the_filter(inner):
    """Solvers see A⁻¹ y, so the two problems are one."""
    A, x = ip.CorrelationFilter(), torch.full((1, 1, 32, 32), 0.5)
    prior = ip.GaussianPrior(mean=x[0], sd=0.2)
    noise = ip.Correlated(inner, A)
    y = noise.sample(x, ip.generator(0))
    filtered = ip.Problem(prior, noise, y)
    plain = ip.Problem(prior, inner, noise.undo(y))
    assert noise_of(filtered) == pytest.approx(noise_of(plain), rel=1e-6)
    assert noise_of(ip.Problem(prior, ip.autograd(noise), y)) == noise_of(filtered)
    torch.testing.assert_close(
        ip.solve(filtered, ip.PnP()).x, ip.solve(plain, ip.PnP()).x, rtol=0, atol=1e-3
    )
