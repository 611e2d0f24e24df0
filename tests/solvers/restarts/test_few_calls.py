"""A run of few restarts says that its samples may be off; one that needs no more says nothing."""

import pytest
import torch

import invprob as ip

SHAPE = (1, 8, 8)
PRIOR = ip.GaussianPrior(mean=torch.full(SHAPE, 0.5), sd=0.2)
HALF = ip.Mask.random(SHAPE[1:], keep=0.5)


@pytest.mark.parametrize(
    ("solver", "operator", "said"),
    [
        (ip.Restart(calls=20, particles=1), HALF, True),
        (ip.Restart(calls=50, particles=1), HALF, False),
        (ip.Restart(calls=20, particles=1), ip.Identity(), False),  # white noise takes no more
        (ip.Restart(calls=20), HALF, False),  # crowds come down otherwise
    ],
)
def test_few_restarts_of_samples_alone_are_remarked(solver, operator, said):
    noise = ip.Gaussian(sigma=0.1, operator=operator)
    y = noise.sample(PRIOR.mean[None], ip.generator(0))
    result = ip.solve(ip.Problem(PRIOR, noise, y), solver, samples=2, seed=0)
    assert ("20 calls are few" in str(result)) == said
