"""The strategies of the kit draw what they say."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from small_parts import Poisson

import invprob as ip
from invprob.testing import strategies


@given(x=strategies.images((3, 4), low=0.2, batch=2), sigma=strategies.noise_levels(0.1, 0.2))
def test_strategies_draw_images_and_noise_levels(x, sigma):
    assert x.shape == (2, 3, 4)
    assert x.dtype == torch.float64
    assert 0.2 <= float(x.min()) <= float(x.max()) <= 1
    assert sigma.shape == () and 0.1 <= float(sigma) <= 0.2


@given(mask=strategies.masks((4, 4)), kernel=strategies.kernels())
def test_strategies_draw_masks_and_kernels(mask, kernel):
    assert mask.any()
    ip.Mask(mask)
    assert float(kernel.sum()) == pytest.approx(1)


@given(operator=strategies.operators((3, 8, 6)), x=strategies.images((3, 8, 6)))
def test_strategies_draw_operators_for_images_of_a_shape(operator, x):
    y = operator.forward(x)
    assert tuple(y.shape[1:]) == operator.out_shape((3, 8, 6))
    left, right = (y * y).sum(), (x * operator.adjoint(y)).sum()
    assert float(left) == pytest.approx(float(right), rel=1e-9)


@given(y=strategies.measurements(Poisson(), torch.full((1, 1, 4, 4), 0.5)))
def test_strategies_draw_measurements_in_the_support(y):
    assert torch.equal((20 * y).round() / 20, y)
