"""Parts are equal by value, but for those that hold tensors or functions; see docs/design.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

import invprob as ip

BY_VALUE: list[Callable[[], object]] = [
    lambda: ip.CorrelationFilter("zero"),
    lambda: ip.Compose(ip.Downsample(2), ip.Grayscale()),
    lambda: ip.Stack([ip.Downsample(2), ip.Grayscale()], image_shape=(3, 8, 8)),
    lambda: ip.Poisson(peak=30),
    lambda: ip.ColouredGaussian(0.1, ip.CorrelationFilter()),
    lambda: ip.Correlated(ip.Gamma(4), ip.CorrelationFilter()),
    lambda: ip.Mixture(ip.Poisson(30), 0.02),
    lambda: ip.Observed(ip.Poisson(30), ip.Downsample(2)),
    lambda: ip.autograd(ip.Rayleigh(0.3)),
    lambda: ip.iterative_prox(ip.Rayleigh(0.3), steps=3),
    lambda: ip.Restart(calls=50),
]
BY_IDENTITY: list[Callable[[], object]] = [
    lambda: ip.Gaussian(0.1),
    lambda: ip.Mask(torch.ones(2, 2)),
    lambda: ip.CircularBlur.named("uniform5"),
    lambda: ip.GaussianPrior(torch.zeros(1, 2, 2), 0.1),
    lambda: ip.DenoiserPrior(lambda x, sigma: x),
    lambda: ip.Observed(ip.Poisson(30), ip.Mask(torch.ones(2, 2))),
]


@pytest.mark.parametrize("number", range(len(BY_VALUE)))
def test_parts_of_numbers_and_parts_are_equal_by_value(number):
    one, other = BY_VALUE[number](), BY_VALUE[number]()
    assert one == other and hash(one) == hash(other)
    assert one != BY_VALUE[number - 1]()


@pytest.mark.parametrize("number", range(len(BY_IDENTITY)))
def test_parts_that_hold_tensors_or_functions_are_equal_to_themselves_alone(number):
    one, other = BY_IDENTITY[number](), BY_IDENTITY[number]()
    assert one == one and one != other
    assert len({one, other}) == 2


def test_what_was_computed_with_a_part_does_not_count():
    one, other = ip.CorrelationFilter(), ip.CorrelationFilter()
    one.svd((1, 4, 4))
    one.inverse(torch.rand(1, 1, 4, 4))
    assert one == other and hash(one) == hash(other)
