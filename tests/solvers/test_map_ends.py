"""When `MAP` stops before its iterations are over, and what it says of that."""

import pytest
import torch

import invprob as ip

PRIOR = ip.GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)
Y = torch.rand(1, 1, 8, 8, generator=ip.generator(0))
PROBLEM = ip.Problem(PRIOR, ip.Gaussian(0.1), Y)
BEST = (Y / 0.01 + 0.5 / 0.04) / (1 / 0.01 + 1 / 0.04)


@pytest.mark.parametrize("patience", [1, 2, 10])
def test_a_rate_that_is_too_large_is_halved_until_it_is_not(patience):
    """However little patience there is: the step after a return meets the best image again."""
    found = ip.solve(PROBLEM, ip.MAP(patience=patience, learning_rate=0.5, iterations=2000))
    assert float((found.x - BEST).abs().max()) < 0.01


def test_nothing_is_said_of_a_second_half_that_never_came():
    early = ip.solve(PROBLEM, ip.MAP(patience=2, learning_rate=0.5, iterations=5000))
    assert 2 * early.steps < 5000 and "second half" not in early.remark
    whole = ip.solve(PROBLEM, ip.MAP(iterations=300))
    assert "second half" in whole.remark
