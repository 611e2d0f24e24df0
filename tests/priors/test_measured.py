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


def test_each_count_is_raised_alone():
    """Against one call for each pixel, for a score in which neighbours tell much of a pixel."""
    peak = 20.0

    def score(y):  # as of a denoiser: the mean of 3 x 3 pixels draws
        return 40 * (torch.nn.functional.avg_pool2d(y, 3, 1, 1) - y)

    y = torch.randint(1, 30, (1, 1, 7, 8), generator=ip.generator(0)).double() / peak
    alone = torch.eye(56, dtype=y.dtype).view(56, 1, 7, 8)
    known = score(y + 0.5 / peak * alone).flatten(1).diagonal().view(y.shape)
    known = known + peak * ((peak * y + 1).log() - torch.digamma(peak * y + 1))
    found = ip.MeasuredPrior.of_counts(score, peak=peak).measurement_score(y)
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(found[inside], known[inside])
    at_once = score(y + 0.5 / peak) - score(y)
    assert at_once[inside].abs().max() < 1e-9  # that is why


def test_the_score_of_counts_is_asked_for_no_negative_ones():
    seen = []

    def score(y):
        seen.append(float(y.min()))
        return -y

    ip.MeasuredPrior.of_counts(score, peak=5.0).measurement_score(torch.zeros(2, 3, 4))
    assert seen == [0.0, 0.0]


def test_impossible_scores():
    with pytest.raises(ip.InputError, match="can't be called"):
        ip.MeasuredPrior(3)
    with pytest.raises(ip.InputError, match="can't be called"):
        ip.MeasuredPrior(torch.nn.Identity)
    with pytest.raises(ip.InputError, match="peak=0"):
        ip.MeasuredPrior.of_counts(lambda y: y, peak=0.0)
    with pytest.raises(ip.InputError, match="shape"):
        ip.MeasuredPrior(lambda y: y.sum(1)).measurement_score(torch.rand(2, 3))
    with pytest.raises(ip.InputError, match=r"with y alone.*MeasuredPrior\(lambda y: f\(y, level"):
        ip.MeasuredPrior(lambda y, level: -y).measurement_score(torch.rand(2, 3))
    with pytest.raises(ip.InputError, match="shape ndarray"):
        ip.MeasuredPrior(lambda y: y.numpy()).measurement_score(torch.rand(2, 3))
    with pytest.raises(TypeError, match="has no len"):  # the function's own mistake
        ip.MeasuredPrior(lambda y: y + len(None)).measurement_score(torch.rand(2, 3))
