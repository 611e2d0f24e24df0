"""Posterior samples against exact ones, where the posterior is known in closed form.

A mixture of 25 overlapping modes in 64 dimensions; 1.0 can't be told from exact. The measurements
are repeated properly in `benchmarks/exactness.py`.
"""

import pytest
import torch

import invprob as ip
from invprob.diagnostics.laboratory import measurements, smooth_mixture
from invprob.diagnostics.wasserstein import exactness

SAMPLES, MEASUREMENTS, LIMIT = 150, 4, 1.25
PRIOR = smooth_mixture()


def likelihood(name):
    mask = torch.zeros(64, dtype=torch.bool)
    mask[torch.randperm(64, generator=ip.generator(0, 1))[:8]] = True
    return {
        "denoise": ip.Gaussian(sigma=1.0),
        "inpaint": ip.Gaussian(sigma=0.3, operator=ip.Mask(mask.reshape(8, 8))),
    }[name]


def ratios(noise, solver, told=None):
    """Raw and whitened, of samples by a solver that is told a likelihood, by default the true."""
    draw = ip.generator(0, 2)
    y = noise.sample(PRIOR.sample((MEASUREMENTS, 1, 8, 8), draw), draw)
    posteriors = [PRIOR.posterior(noise, row[None]) for row in y]
    problem = ip.Problem(PRIOR, told or noise, y.float())
    samples = list(ip.solve(problem, solver, samples=SAMPLES).samples.transpose(0, 1).double())
    return [
        exactness(samples, posteriors, ip.generator(0, 3), whitened=whitened)
        for whitened in (False, True)
    ]


@pytest.mark.parametrize(
    ("task", "solver"),
    [
        ("denoise", ip.Restart(calls=10)),
        ("inpaint", ip.Restart(calls=52)),
        pytest.param("inpaint", ip.SplitGibbs(calls=70), marks=pytest.mark.slow),
        ("denoise", ip.AnnealedLangevin()),
        ("inpaint", ip.AnnealedLangevin()),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_samples_are_close_to_exact_ones(task, solver):
    raw, whitened = ratios(likelihood(task), solver)
    assert raw < LIMIT
    assert whitened < LIMIT


@pytest.mark.parametrize("task", ["blur", "sr", "cs"])
@pytest.mark.parametrize(
    "solver",
    [ip.Restart(calls=40), ip.Restart(calls=40, population=8), ip.AnnealedLangevin()],
    ids=["Restart", "population", "AnnealedLangevin"],
)
def test_samples_are_close_to_exact_ones_behind_other_operators(task, solver):
    prior = smooth_mixture((4, 4))
    noise = measurements((4, 4), character="smooth", seed=0)[task]
    draw = ip.generator(0, 2)
    y = noise.sample(prior.sample((MEASUREMENTS, 1, 4, 4), draw), draw)
    posteriors = [prior.posterior(noise, row[None]) for row in y]
    samples = ip.solve(ip.Problem(prior, noise, y.float()), solver, samples=96).samples
    found = exactness(list(samples.transpose(0, 1).double()), posteriors, ip.generator(0, 3))
    assert found < LIMIT


def test_the_measure_notices_a_wrong_noise_level():
    noise = likelihood("inpaint")
    wrong = ip.Gaussian(sigma=0.15, operator=noise.operator)
    assert ratios(noise, ip.Restart(calls=52), told=wrong)[0] > LIMIT
