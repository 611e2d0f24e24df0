"""The look-ahead of crowds under noise that is not Gaussian, where images are dark."""

import math

import pytest
import torch

import invprob as ip
from invprob.solvers.restarts import surrogate_crowds

NOISES = {
    "counts": ip.Poisson(peak=30),
    "few counts": ip.Poisson(peak=1),
    "counts with read noise": ip.Mixture(ip.Poisson(peak=30), 0.05),
    "speckle": ip.Gamma(alpha=4),
    "speckle with read noise": ip.Mixture(ip.Gamma(alpha=4), 0.05),
    "rayleigh": ip.Rayleigh(scale=0.2),
    "signal-dependent": ip.SignalDependent(a=0.2, b=0.05),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("variance", [0.01, 0.0004])
@pytest.mark.parametrize("name", NOISES)
def test_it_is_the_integral_of_the_likelihood_also_of_pixels_that_are_black(name, variance, dtype):
    noise, shape = NOISES[name], (40, 1, 3, 3)
    prior = ip.GaussianPrior(mean=torch.full(shape[1:], 0.1).to(dtype), sd=0.1)
    y = noise.sample(torch.full((1, *shape[1:]), 0.03, dtype=dtype), ip.generator(0))
    denoised = 0.15 * torch.rand(shape, generator=ip.generator(1)).to(dtype) - 0.05
    problem = ip.Problem(prior, noise, y)
    found = surrogate_crowds.look(problem, denoised, variance)
    likely, _ = surrogate_crowds.likeliest(problem, denoised, variance)
    least = -0.25 if name == "signal-dependent" else 0.0
    assert float(likely.min()) >= least and float(found.min()) > surrogate_crowds.LEAST
    x = torch.linspace(least, 1, 20_001, dtype=torch.float64)
    total = torch.zeros(len(found), dtype=torch.float64)
    for pixel in range(9):
        data, near = (part.double().flatten(1)[:, pixel] for part in (y, denoised))
        logs = noise.log_density(data.expand_as(x), x) - (x - near[:, None]) ** 2 / (2 * variance)
        logs = logs.nan_to_num(nan=-math.inf) - 0.5 * math.log(2 * math.pi * variance)
        ends = torch.ones_like(x).index_fill(0, torch.tensor([0, 20_000]), 0.5)
        total += (logs + ends.log()).logsumexp(1) + math.log(float(x[1] - x[0]))
    most = 0.16 if name == "rayleigh" else 0.03  # its density ends with an edge, at x = y
    assert float((found.double() - total).abs().max()) < most


def test_modes_of_dark_images_have_their_weights():
    """Four modes of pixels that are dark or bright, of which a photon or none tells little."""
    shape, sd = (1, 4, 4), 0.05
    dark = torch.rand(4, *shape, generator=ip.generator(8)) < 0.5
    means = torch.where(dark, 0.02, 0.25).double()
    covariance = (sd**2 * torch.eye(16).double()).expand(4, 16, 16)
    prior = ip.GaussianMixturePrior(torch.ones(4).double(), means, covariance)
    noise, x = ip.Poisson(peak=1), torch.linspace(0, 1, 2001, dtype=torch.float64)
    y = noise.sample(means[:1], ip.generator(12))
    logs = (
        noise.log_density(y.reshape(1, 16, 1), x) - (x - means.reshape(4, 16, 1)) ** 2 / 2 / sd**2
    )
    exact = logs.nan_to_num(nan=-math.inf).logsumexp(2).sum(1).softmax(0)
    samples = ip.solve(ip.Problem(prior, noise, y), ip.Restart(100), samples=400).samples[:, 0]
    nearest = (samples[:, None] - means).square().flatten(2).sum(2).argmin(1)
    found = torch.bincount(nearest, minlength=4) / 400
    assert float((exact - found).abs().sum() / 2) < 0.11  # 0.17 by Laplace's method
