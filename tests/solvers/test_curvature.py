"""How sharply a likelihood curves: at least as the Hessian, and no more than is needed."""

import pytest
import torch

import invprob as ip
from invprob.solvers.curvature import SAFETY, measure, refine

F64 = torch.float64
SHAPE = (1, 5, 6)
SIGNED = torch.randn(24, 30, generator=ip.generator(4), dtype=F64)
PRIOR = ip.GaussianPrior(mean=torch.full(SHAPE, 0.5, dtype=F64), sd=0.2)


def test_with_signs_the_power_method_makes_it_just_large_enough():
    """The largest eigenvalue of the Hessian between two h^-½ is 1, but for what is safe."""
    noise = ip.Gaussian(sigma=0.2, operator=ip.Dense(SIGNED, SHAPE))
    asked = ip.Problem(PRIOR, noise, torch.zeros(1, 24, dtype=F64), SHAPE)
    x = asked.zeros() + 0.5
    direction, h = measure(asked, x)
    for _ in range(60):
        direction, h = refine(asked, x, noise.grad_x(asked.y, x), direction)
    scaled = SIGNED.T @ SIGNED / 0.2**2 * h.flatten().rsqrt() * h.flatten().rsqrt()[:, None]
    assert float(torch.linalg.eigvalsh(scaled)[-1]) == pytest.approx(1 / SAFETY, abs=1e-3)


def test_a_dark_pixel_is_no_wall_for_the_others():
    """It is sharp there, as far as half of its brightness tells, and elsewhere as without it."""
    noise, bright = ip.Poisson(peak=30), torch.full((1, *SHAPE), 0.5, dtype=F64)
    dark = bright.clone()
    dark[0, 0, 2, 3] = 1e-4
    asked = ip.Problem(PRIOR, noise, bright)
    (_, flat), (_, h) = (measure(asked, x, positive=True) for x in (bright, dark))
    others = dark == 0.5
    torch.testing.assert_close(flat, torch.full_like(flat, SAFETY * 30 / 0.5), rtol=0.01, atol=0)
    torch.testing.assert_close(h[others], flat[others], rtol=0.01, atol=0)
    assert float(h[~others]) == pytest.approx(SAFETY * 30 * 0.5 / (1e-4 * 1e-3), rel=0.1)


def test_each_row_is_asked_for_itself():
    noise, x = ip.Poisson(peak=20), torch.full((2, *SHAPE), 0.5, dtype=F64)
    x[1] = 0.25
    _, h = measure(ip.Problem(PRIOR, noise, x), x, positive=True)
    for row, level in enumerate((0.5, 0.25)):
        assert float(h[row].mean()) == pytest.approx(SAFETY * 20 / level, rel=0.01)
