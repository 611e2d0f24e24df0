"""Systems and minima by iteration, against direct ones."""

import pytest
import torch

import invprob as ip
from invprob.likelihoods.conjugate_gradients import conjugate_gradients
from invprob.likelihoods.descent import minimise, solve, tolerance


def systems(dtype, condition, rows=4, n=30):
    """Symmetric positive definite matrices with a known condition, and right sides."""
    g = ip.generator(0)
    bases = torch.linalg.qr(torch.randn(rows, n, n, generator=g, dtype=torch.float64)).Q
    values = torch.logspace(0, torch.tensor(float(condition)).log10(), n, dtype=torch.float64)
    right = torch.randn(rows, n, generator=g, dtype=torch.float64)
    return (bases * values @ bases.mT).to(dtype), right.to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("condition", [1, 100, 1e4])
def test_the_residual_ends_below_the_tolerance(dtype, condition):
    matrix, right = systems(dtype, condition)
    x = solve(lambda d: (matrix @ d[..., None])[..., 0], right)
    residual = right - (matrix @ x[..., None])[..., 0]
    rounding = 2 * condition * torch.finfo(dtype).eps  # of the product itself
    assert (residual.norm(dim=1) / right.norm(dim=1)).max() < tolerance(dtype) + rounding


def test_a_zero_row_stays_zero_and_a_row_that_is_not_positive_keeps_its_right_side():
    scale = torch.tensor([[2.0], [2.0], [-1.0]])
    right = torch.tensor([[0.0, 0.0], [2.0, 4.0], [3.0, 5.0]])
    x = solve(lambda d: scale * d, right)
    torch.testing.assert_close(x, torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 5.0]]))


def test_newton_finds_the_end_of_a_valley():
    """Rosenbrock's, three rows: from afar, from where the curvature is negative, from the end."""

    def objective(x):
        return (1 - x[:, 0]) ** 2 + 100 * (x[:, 1] - x[:, 0] ** 2) ** 2

    def gradient(x):
        a, b = x.unbind(1)
        return torch.stack([2 * (a - 1) - 400 * a * (b - a**2), 200 * (b - a**2)], 1)

    def curvature(x):
        a, b = x.unbind(1)

        def product(d):
            first = (2 + 1200 * a**2 - 400 * b) * d[:, 0] - 400 * a * d[:, 1]
            return torch.stack([first, 200 * d[:, 1] - 400 * a * d[:, 0]], 1)

        return product

    start = torch.tensor([[-1.2, 1.0], [0.0, 2.0], [1.0, 1.0]], dtype=torch.float64)
    found = minimise(objective, gradient, curvature, start)
    assert (found - 1).abs().max() < 1e-8 and torch.equal(found[2], start[2])
    assert torch.equal(start[:, 0], torch.tensor([-1.2, 0.0, 1.0], dtype=torch.float64))


def test_newton_stays_where_the_objective_is_defined():
    """-log x + x, from far too large: a full step would leave the support."""
    x = minimise(
        lambda x: torch.where(x > 0, x - x.log(), torch.inf).sum(1),
        lambda x: 1 - 1 / x,
        lambda x: lambda d: d / x.square(),
        torch.tensor([[50.0, 0.01], [3.0, 2.0]], dtype=torch.float64),
    )
    assert (x - 1).abs().max() < 1e-9


@pytest.mark.parametrize("descend", ["conjugate gradients", "newton"])
def test_where_the_gradient_is_wrong_the_objective_does_not_rise(descend):
    """A row whose gradient points downhill instead of up stays; the other finds its minimum."""
    sign = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    start = torch.tensor([[1.0, 2.0], [3.0, -1.0]], dtype=torch.float64)

    def objective(x):
        return x.square().sum(1) / 2

    def gradient(x):
        return sign * x

    if descend == "newton":
        found = minimise(objective, gradient, lambda x: lambda d: d, start)
    else:
        found = conjugate_gradients(objective, gradient, start, 5)
    assert torch.equal(found[0], start[0]) and found[1].abs().max() < 1e-9


def test_rows_are_searched_by_themselves():
    """One needs steps far shorter than the other, and neither changes for it."""
    scale = torch.tensor([[1.0], [1e-3], [30.0]], dtype=torch.float64)

    def walk(rows):
        s = scale[rows]
        return conjugate_gradients(
            lambda x: (1 + (x / s) ** 2).log().sum(1),
            lambda x: 2 * x / (s**2 + x**2),
            torch.tensor([[2.0, 5.0]], dtype=torch.float64) * torch.ones_like(s),
            6,
        )

    alone = torch.cat([walk([row]) for row in range(3)])
    torch.testing.assert_close(walk([0, 1, 2]), alone, rtol=1e-12, atol=0)
