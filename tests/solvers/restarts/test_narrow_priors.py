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
