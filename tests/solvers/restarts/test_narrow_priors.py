"""Samples keep the details of a prior that varies by far less than the data are noisy.

The way to zero ended at a share of the noise once, above what pixels varied by, where the denoised
image takes the place of the sample.
"""

import pytest
import torch

import invprob as ip
from invprob.solvers import diffusion
from invprob.solvers.restarts import to_zero

F64 = torch.float64
GREY = torch.full((1, 8, 8), 0.5, dtype=F64)
TASKS = {
    "denoise": ip.Gaussian(sigma=1.0),
    "mask": ip.Gaussian(sigma=1.0, operator=ip.Mask.random(8, keep=0.5, seed=0)),
    "blur": ip.Gaussian(sigma=0.1, operator=ip.CircularBlur.named("uniform3")),
}


@pytest.mark.parametrize("task", TASKS)
def test_pixels_vary_by_what_the_prior_says(task):
    """The noise tells nothing of them, so the posterior's deviation is the prior's, 0.01."""
    noise, prior = TASKS[task], ip.GaussianPrior(mean=GREY, sd=0.01 if task != "blur" else 1e-3)
    y = noise.sample(GREY[None], ip.generator(1))
    samples = ip.solve(ip.Problem(prior, noise, y), ip.Restart(), samples=200, seed=0).samples
    variance = samples.flatten(1).var(0).mean() / prior.moments()[1] ** 2 * GREY.numel()
    assert float(variance) == pytest.approx(1, abs=0.12)  # 0.55 to 0.71 before


def test_details_of_a_smooth_image_are_there():
    place = torch.cartesian_prod(*[torch.arange(8, dtype=F64)] * 2)
    covariance = 0.04 * (-torch.cdist(place, place).square() / 8).exp()
    covariance += 1e-4 * torch.eye(64, dtype=F64)
    prior = ip.GaussianMixturePrior(torch.ones(1, dtype=F64), GREY[None], covariance)
    noise = ip.Gaussian(sigma=2.0)
    y = noise.sample(GREY[None], ip.generator(1))
    exact = prior.posterior(noise, y).covariance()
    samples = ip.solve(ip.Problem(prior, noise, y), ip.Restart(), samples=400, seed=0).samples
    variances, directions = torch.linalg.eigh(exact)
    ratios = (samples.flatten(1) @ directions).var(0) / variances
    assert float(ratios.mean()) == pytest.approx(1, abs=0.05)  # 0.71 before
    assert float(ratios.min()) > 0.7  # 0.38


def test_a_way_that_goes_further_down_has_more_levels():
    noise = diffusion.Range(least=2.0, greatest=2.0, low=0.0, high=10.0)
    found = []
    for sd in (2.0, 0.01):
        prior = ip.GaussianPrior(mean=GREY, sd=sd)
        problem = ip.Problem(prior, ip.Gaussian(sigma=2.0), GREY[None])
        levels = to_zero.levels(problem, noise, 12, 30)
        assert levels[0] == 2.0 and levels[-1] == pytest.approx(sd / 200)
        found.append(len(levels))
    assert found == [12, 17]  # from the prior's radius, 0.08


@pytest.mark.parametrize("lowest", [0.05, 0.1])
@pytest.mark.parametrize("solver", [ip.Restart(), ip.DDRM(), ip.VSTSampling()], ids=repr)
def test_a_prior_that_denoises_from_the_datas_noise_on_draws_no_samples(solver, lowest):
    """They would be all equal. 0.05 in single precision is a little more than that."""
    gaussian, noise = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2), ip.Gaussian(0.05)
    if isinstance(solver, ip.VSTSampling):  # it makes any noise about 0.5
        noise, lowest = ip.Poisson(peak=1e6), lowest + 0.5
    prior = ip.DenoiserPrior(gaussian.denoise, ip.Domain(sigma=(lowest, 10.0)), tone_free=True)
    problem = ip.Problem(prior, noise, torch.linspace(0.1, 0.9, 64).view(1, 1, 8, 8))
    with pytest.raises(ip.InputError, match=f"noise is not above {lowest:.4g}.*PnP"):
        ip.solve(problem, solver, samples=2)


def test_a_level_to_start_at_below_the_prior_is_named_as_that():
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.1, 10.0)))
    noise = ip.Gaussian(0.05, operator=ip.Mask(torch.ones(8, 8).tril()))
    problem = ip.Problem(prior, noise, torch.full((1, 1, 8, 8), 0.6))
    with pytest.raises(ip.InputError, match="the level to start at is not above 0.1"):
        ip.solve(problem, ip.DDRM(calls=20, sigma_max=0.1), samples=2, x0=problem.y)
