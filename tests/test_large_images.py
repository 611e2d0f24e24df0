"""Indicators of large images, which are known well enough from a part."""

import pytest
import torch

import invprob as ip
from invprob.result import Result
from invprob.trace import _Stay


def test_a_few_of_many_large_samples_tell_the_misfit(monkeypatch):
    noise = ip.Gaussian(sigma=0.1)
    y = torch.zeros(2, 1, 30, 30)
    problem = ip.Problem(ip.GaussianPrior(torch.zeros(1, 30, 30), sd=1.0), noise, y).repeat(3)
    samples = torch.zeros(3, 2, 1, 30, 30)
    samples[0], samples[1], samples[2] = 0.1, 0.2, 5.0
    result = Result(samples, 1, "done", (), problem=problem)
    assert float(result.misfit()[0]) == pytest.approx((1 + 4 + 2500) / 3)
    monkeypatch.setattr("invprob.result.MANY", 2 * 2 * 900 + 1)
    assert result.misfit().tolist() == pytest.approx([2.5, 2.5])  # of the first two
    monkeypatch.setattr("invprob.result.MANY", 1)
    assert result.misfit().tolist() == pytest.approx([1.0, 1.0])


def test_chains_of_large_images_are_compared_in_a_part_of_the_pixels(monkeypatch):
    monkeypatch.setattr("invprob.trace.MANY", 100)
    seen = []
    see = _Stay.see

    def watched(stay, event, estimate):
        see(stay, event, estimate)
        seen.append(stay._axes.numel())

    monkeypatch.setattr(_Stay, "see", watched)
    prior = ip.GaussianPrior(mean=torch.full((1, 16, 16), 0.5), sd=0.2)
    noise = ip.Gaussian(sigma=0.1, operator=ip.Mask(torch.eye(16)))
    problem = ip.Problem(prior, noise, torch.zeros(1, 1, 16, 16))
    result = ip.solve(problem, ip.Restart(particles=1), samples=2)
    assert set(seen) == {4 * 86}  # every third of 256, in four directions
    assert result.mixing > 0
