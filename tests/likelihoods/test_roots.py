"""Roots for all pixels at once, and the table behind Gamma noise with Gaussian noise."""

import math

import pytest
import torch

from invprob.likelihoods.gamma_gaussian import around_mode
from invprob.likelihoods.roots import least_beside, newton, root_between


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (lambda x: x.exp() - 2, -5.0, 50.0),
        (lambda x: x**9 - 1e-9, 0.0, 1e3),
        (lambda x: torch.log(x), 1e-300, 1e8),
        (lambda x: 1 / (1 - x) - 1 / x, 0.0, 1.0),  # infinite at both ends
        (lambda x: (x - 0.7).sign() * (x - 0.7).abs().sqrt(), -1.0, 4.0),
        (lambda x: x - 1e-7, -1.0, 1.0),
    ],
)
def test_root_between(function, low, high):
    low, high = (torch.tensor([value], dtype=torch.float64) for value in (low, high))
    calls = []

    def counted(x):
        calls.append(x)
        return function(x)

    root = root_between(counted, low, high)
    eps = 1e-14 * (root.abs() + 1e-7)
    assert function(root - eps) <= 0 <= function(root + eps)
    assert len(calls) < 80


def test_without_a_root_the_nearer_end_is_returned():
    low, high = torch.zeros(3), torch.ones(3)
    shift = torch.tensor([2.0, -1.0, 0.25])
    assert root_between(lambda x: x - shift, low, high).tolist() == [1.0, 0.0, 0.25]


def test_newton_tells_where_there_is_no_root():
    level = torch.tensor([0.5, 2.0], dtype=torch.float64)
    # x (2 - x) - level, concave, climbing from 0: the second never gets there
    x, found = newton(
        lambda x: (x * (2 - x) - level, 2 - 2 * x), torch.zeros(2).double(), torch.ones(2)
    )
    assert found.tolist() == [True, False]
    assert float(x[0]) == pytest.approx(1 - math.sqrt(0.5), rel=1e-14)


def test_least_beside_finds_one_or_two_minima():
    """(x - 1)³ - p (x - 1) + q as a derivative: concave below 1, convex above it."""
    p = torch.tensor([1.0, 1.0, -1.0, 0.0], dtype=torch.float64)
    q = torch.tensor([0.0, 5.0, 0.3, 0.0], dtype=torch.float64)
    sign = torch.tensor([1.0, 1.0, 1.0, 1.0], dtype=torch.float64)

    def derivative(x):
        z = x - 1
        return sign * (z**3 - p * z + q), sign * (3 * z**2 - p)

    low, high = torch.full_like(p, -4.0), torch.full_like(p, 6.0)
    left, right = least_beside(derivative, low, torch.ones_like(p), high)
    torch.testing.assert_close(left[:1], torch.tensor([0.0], dtype=torch.float64))
    torch.testing.assert_close(right[:1], torch.tensor([2.0], dtype=torch.float64))
    assert torch.equal(left[1:3], right[1:3])
    assert derivative(left)[0][1:3].abs().max() < 1e-12
    assert (left[3] - 1).abs() < 1e-4  # a triple root is found to a third of the digits


@pytest.mark.parametrize("alpha", [1.5, 26.0, 500.0])
def test_the_table_is_the_integral(alpha):
    kappa = torch.logspace(-8, 8, 37, dtype=torch.float64)
    for k in kappa.tolist():
        width = (alpha + k) ** -0.5
        left = 14 * width + (40 / alpha if k < 200 else 0)  # the tail exp(alpha t), or none
        nodes = torch.linspace(-left, 9 * width, 100001, dtype=torch.float64)
        exponent = -alpha * (nodes.expm1() - nodes) - 0.5 * k * nodes.expm1().square()
        mass = torch.trapezoid(exponent.exp(), nodes)
        mean = torch.trapezoid(exponent.exp() * nodes.expm1(), nodes) / mass
        log_mass, found = around_mode(torch.tensor([k], dtype=torch.float64), alpha)
        assert float(log_mass) == pytest.approx(float(mass.log()), abs=1e-8)
        assert float(found) == pytest.approx(float(mean), abs=1e-8 * width)
