"""Scores of noisy images."""

import pytest
import torch

import invprob as ip


def test_the_score_keeps_dtype_and_leaves_y_alone():
    y = torch.rand(2, 3, generator=ip.generator(0))
    before = y.clone()
    score = ip.MeasuredPrior(lambda y: (-2 * y).double()).measurement_score(y)
    assert score.dtype == torch.float32 and torch.equal(score, -2 * y)
    assert torch.equal(y, before)


def test_a_score_of_counts_is_finite_at_count_zero():
    prior = ip.MeasuredPrior.of_counts(lambda y: 0 * y, peak=1.0)
    y = torch.tensor([[0.0, 3.0]], dtype=torch.float64)
    # s = 0 everywhere says p(k + 1) = p(k), hence E[x | k] = k + 1
    x = ip.solve(ip.Problem(prior, ip.Poisson(peak=1.0), y), ip.ScoreEquation()).x
    torch.testing.assert_close(x, y + 1)


def test_impossible_scores():
    with pytest.raises(ip.InputError, match="can't be called"):
        ip.MeasuredPrior(3)
    with pytest.raises(ip.InputError, match="can't be called"):
        ip.MeasuredPrior(torch.nn.Identity)
    with pytest.raises(ip.InputError, match="peak=0"):
        ip.MeasuredPrior.of_counts(lambda y: y, peak=0.0)
    with pytest.raises(ip.InputError, match="shape"):
        ip.MeasuredPrior(lambda y: y.sum(1)).measurement_score(torch.rand(2, 3))
