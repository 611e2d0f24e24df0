"""The levels that runs begin and end at, where nothing was said about them."""

import math

import pytest
import torch

import invprob as ip
from invprob.solvers import diffusion

GREY = torch.full((1, 1, 8, 8), 0.5)
GAUSSIAN = ip.GaussianPrior(mean=GREY[0], sd=0.2)  # of radius 1.6
HALF = ip.Mask(torch.eye(8))
ANY = ip.DenoiserPrior(lambda x, sigma: 0.9 * x, ip.Domain(sigma=(1e-3, 1e4)))
NETWORK = ip.DenoiserPrior(lambda x, sigma: 0.9 * x, ip.Domain(sigma=(0.01, 0.5)))


def asked(prior, sigma=0.1, operator=None):
    noise = ip.Gaussian(sigma) if operator is None else ip.Gaussian(sigma, operator=operator)
    return ip.Problem(prior, noise, noise.sample(GREY, ip.generator(0)))


def ends(solver, problem):
    """The level at the start, and that of the last call but for the answer."""
    levels = [event.sigma for event in ip.iterate(problem, solver)]
    return levels[0], min(level for level in levels if level > 0)


FALLING = [ip.AnnealedLangevin(levels=4, repeats=1), ip.DDRM(5)]


@pytest.mark.parametrize("solver", FALLING, ids=repr)
def test_where_all_was_measured_it_is_the_noise_of_the_data(solver):
    assert ends(solver, asked(GAUSSIAN))[0] == pytest.approx(0.1)
    blur = ip.CircularBlur(torch.tensor([[0.25, 0.75]]))  # down to half of a wave
    assert ends(solver, asked(GAUSSIAN, operator=blur))[0] == pytest.approx(0.2)


@pytest.mark.parametrize("solver", [*FALLING, ip.SplitGibbs(8), ip.Restart(12)], ids=repr)
def test_elsewhere_it_is_ten_times_the_radius_or_the_most_that_the_prior_denoises(solver):
    assert ends(solver, asked(GAUSSIAN, operator=HALF))[0] == pytest.approx(16)
    assert ends(solver, asked(NETWORK, operator=HALF))[0] == pytest.approx(0.5)
    whole = 10 * diffusion.DEVIATION * math.sqrt(64)
    assert ends(solver, asked(ANY, operator=HALF))[0] == pytest.approx(whole)


@pytest.mark.parametrize(
    ("solver", "sigma", "last"),
    [
        (ip.AnnealedLangevin(levels=4, repeats=1), 0.1, 0.01),
        (ip.AnnealedLangevin(levels=4, repeats=1), 0.02, 0.005),
        (ip.DDRM(5), 0.1, 0.005),
        (ip.DDRM(5), 0.012, 0.003),
    ],
    ids=repr,
)
def test_the_last_one_is_a_quarter_of_the_noise_at_most(solver, sigma, last):
    assert ends(solver, asked(GAUSSIAN, sigma))[1] == pytest.approx(last)
    if isinstance(solver, ip.AnnealedLangevin):  # and so where the first one is far above it
        assert ends(solver, asked(GAUSSIAN, sigma, HALF))[1] == pytest.approx(last)
    floor = ip.DenoiserPrior(GAUSSIAN.denoise, ip.Domain(sigma=(0.004, 80.0)))
    assert ends(solver, asked(floor, sigma))[1] == pytest.approx(max(last, 0.004))


@pytest.mark.parametrize("method", ["diffusion", "langevin"])
def test_without_data_it_ends_at_a_quarter_of_the_first_at_most(method):
    problem = ip.Problem(GAUSSIAN, ip.Unobserved(), torch.zeros_like(GREY))
    solvers = [ip.PriorSampling(5, method=method, sigma_max=high) for high in (None, 0.012)]
    found = [ends(solver, problem) for solver in solvers]
    assert found[0] == pytest.approx((16, 0.005)) and found[1] == pytest.approx((0.012, 0.003))


def test_noise_starts_around_the_mean_of_the_prior_or_grey():
    dark = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.2), sd=0.2)
    assert torch.equal(diffusion.centre(asked(dark), None), torch.full_like(GREY, 0.2))
    assert torch.equal(diffusion.centre(asked(NETWORK), None), GREY)
    assert torch.equal(diffusion.centre(asked(dark), GREY / 3), GREY / 3)


@pytest.mark.parametrize(("peak", "some"), [(60, (31, 2, 301)), (2, (1, 0, 7))])
def test_of_noise_that_is_not_gaussian_a_tenth_at_either_end_does_not_count(peak, some):
    """And the deviation of the pixels lies between, the least of all being a third of it."""
    counts = torch.full((64,), float(some[0]))
    counts[:3], counts[3:6] = some[1], some[2]
    problem = ip.Problem(GAUSSIAN, ip.Poisson(peak), (counts / peak).view(1, 1, 8, 8))
    near = diffusion.near(problem, diffusion.centre(problem, None), 0.2).sd.flatten()
    usual = float(near[10])
    assert float(near.min()) < 0.95 * usual and float(near.max()) > 1.05 * usual
    found = diffusion.noise_range(problem)
    assert found.least == pytest.approx(min(usual, 0.2) / 3)
    assert found.greatest == pytest.approx(max(usual, 0.2))


def test_levels_end_at_what_was_measured_however_little_that_was():
    """A tenth of the coordinates that were measured is left out, and not of all."""
    prior = ip.GaussianPrior(mean=torch.full((1, 32, 32), 0.5), sd=0.2)
    found = []
    for keep in (0.05, 0.5):
        noise = ip.Observed(ip.Poisson(peak=10000), ip.Mask.random((32, 32), keep=keep))
        y = noise.sample(torch.full((1, 1, 32, 32), 0.5), ip.generator(0))
        found.append(diffusion.noise_range(ip.Problem(prior, noise, y)).least)
    assert found[0] == pytest.approx(found[1], rel=0.1)
