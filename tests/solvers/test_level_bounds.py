"""What samplers refuse before their first call: data, and levels, that are out of reach."""

import pytest
import torch

import invprob as ip

NETWORK = ip.DenoiserPrior(lambda x, sigma: 0.9 * x + 0.05, ip.Domain(sigma=(0.01, 0.5)))
GAUSSIAN = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
HALF = ip.Mask(torch.eye(8))
TWICE = ip.Stack([HALF, HALF], image_shape=(1, 8, 8))


def start(solver, sigma, operator=None, prior=NETWORK, x0=None):
    """The first event of a run on noise of a level."""
    noise = ip.Gaussian(sigma) if operator is None else ip.Gaussian(sigma, operator=operator)
    x = torch.rand(1, 1, 8, 8, generator=ip.generator(0))
    problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(1)))
    return next(ip.iterate(problem, solver, x0=x0))


FALLING = [ip.AnnealedLangevin(levels=5), ip.DDRM(), ip.Restart(20), ip.SplitGibbs(20)]


@pytest.mark.parametrize("operator", [None, HALF], ids=["denoising", "mask"])
@pytest.mark.parametrize("solver", FALLING, ids=repr)
def test_data_that_are_noisier_than_the_prior_can_denoise_are_refused(solver, operator):
    assert start(solver, 0.45, operator).sigma <= 0.5
    with pytest.raises(ip.InputError, match=r"least noise .* is 0.6 .* only up to 0.5"):
        start(solver, 0.6, operator)


@pytest.mark.parametrize("solver", FALLING, ids=repr)
def test_data_with_less_noise_everywhere_than_the_prior_can_denoise_are_refused(solver):
    assert start(solver, 0.005, HALF).sigma <= 0.5
    with pytest.raises(ip.InputError, match=r"noise is not above 0.01, the least level"):
        start(solver, 0.005)


def test_behind_an_operator_without_a_basis_the_noise_is_that_of_all_measurements_together():
    assert start(ip.SplitGibbs(20), 0.65, TWICE).sigma == 0.5  # of two means: 0.46
    with pytest.raises(ip.InputError, match=r"least noise .* is 0.5657 .* only up to 0.5"):
        start(ip.SplitGibbs(20), 0.8, TWICE)


def test_noise_that_grows_with_brightness_counts_as_what_is_known_best():
    quiet, y = (
        ip.DenoiserPrior(NETWORK.denoise, ip.Domain(sigma=(0.01, 0.2))),
        torch.ones(1, 1, 8, 8),
    )
    dark = ip.Problem(quiet, ip.SignalDependent(a=0.5, b=0.1), y)
    assert next(ip.iterate(dark, ip.SplitGibbs(20))).sigma == 0.2
    with pytest.raises(ip.InputError, match=r"denoises only up to 0.2"):
        ip.iterate(ip.Problem(quiet, ip.SignalDependent(a=0.5, b=0.3), y), ip.SplitGibbs(20))


@pytest.mark.parametrize("made", [ip.AnnealedLangevin, ip.DDRM, ip.Restart, ip.SplitGibbs])
@pytest.mark.parametrize("operator", [None, HALF], ids=["denoising", "mask"])
def test_a_first_level_below_the_noise_of_the_data_is_refused(made, operator):
    low, equal = made(sigma_max=0.3), made(sigma_max=0.5)
    assert start(equal, 0.5, operator, GAUSSIAN).sigma == pytest.approx(0.5)
    with pytest.raises(ip.InputError, match=r"sigma_max=0.3.*\b0.5\b.*; leave it out"):
        start(low, 0.5, operator, GAUSSIAN)


@pytest.mark.parametrize("solver", FALLING, ids=repr)
def test_a_prior_that_varies_by_less_than_the_data_are_noisy_needs_no_first_level(solver):
    narrow = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.001)
    assert start(solver, 0.5, HALF, narrow).sigma > 0


def test_split_gibbs_may_start_below_the_noise_near_an_image():
    near = torch.full((1, 1, 8, 8), 0.5)
    assert start(ip.SplitGibbs(sigma_max=0.3), 0.5, HALF, GAUSSIAN, near).sigma == 0.3


@pytest.mark.parametrize(
    ("made", "operator", "least"),
    [
        (ip.AnnealedLangevin, HALF, 0.1),
        (ip.SplitGibbs, HALF, 0.1),
        (ip.SplitGibbs, None, 0.1),
        (ip.SplitGibbs, TWICE, 0.1 / 2**0.5),
    ],
)
def test_a_last_level_above_the_noise_of_the_data_is_refused(made, operator, least):
    start(made(sigma_min=0.9 * least), 0.1, operator, GAUSSIAN)
    with pytest.raises(ip.InputError, match=r"sigma_min=0.2, but the data's least noise is"):
        start(made(sigma_min=0.2), 0.1, operator, GAUSSIAN)


@pytest.mark.parametrize("made", [ip.AnnealedLangevin, ip.DDRM, ip.SplitGibbs])
def test_a_last_level_that_the_prior_can_not_denoise_is_refused(made):
    start(made(sigma_min=0.01), 0.1, HALF)
    with pytest.raises(ip.InputError, match=r"sigma_min=0.005, .* from 0.01 on"):
        start(made(sigma_min=0.005), 0.1, HALF)


def test_noise_free_data_are_for_levels_that_the_prior_can_denoise():
    start(ip.KadkhodaieSimoncelli(sigma_max=0.4), 1e-3, HALF)
    with pytest.raises(ip.InputError, match=r"sigma_max=0.6, .* from 0.01 to 0.5"):
        start(ip.KadkhodaieSimoncelli(sigma_max=0.6), 1e-3, HALF)
