"""Steps along the gradient while the denoised image stays: they near the proximal map."""

import pytest
import torch
from gaussians import NOISES, measured, rms

import invprob as ip
from invprob.solvers import curvature
from invprob.solvers.annealing import DescentState
from invprob.solvers.descent import descend


class Counting(ip.Gaussian):
    """Gaussian noise that counts how often its gradient is asked for."""

    asked = 0

    def grad_x(self, y, x, /):
        type(self).asked += 1
        return super().grad_x(y, x)


def near(problem, sigma, *, positive=False):
    """What the descent makes of its target, and the proximal map around it."""
    step, target = torch.tensor(sigma, dtype=problem.y.dtype), problem.zeros() + 0.45
    plan = torch.full((8,), sigma)
    state = DescentState.begin(problem, plan, target, curved=True, positive=positive)
    x, _ = descend(problem, state, target, target, step**2, step)
    return x, problem.likelihood.prox(problem.y, target, step**2), target


@pytest.mark.parametrize("name", NOISES)
def test_eight_steps_come_close_to_the_proximal_map(name):
    problem = measured(NOISES[name])
    x, exact, target = near(problem, 0.1)
    assert rms(x - exact) < 0.05 * rms(exact - target)


def test_towards_black_one_step_takes_half_of_the_brightness_at_most():
    noise = ip.Gamma(alpha=4.0)
    y = torch.full((1, 1, 4, 4), 1e-3, dtype=torch.float64)
    prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5, dtype=torch.float64), sd=0.2)
    x, exact, target = near(ip.Problem(prior, noise, y), 1.0, positive=True)
    assert float(exact.max()) < 0.5 * float(target.min())
    assert bool((x >= target / 2).all())
    assert bool((x < target).all())


GRADIENTS = {
    "short": (ip.RED(5), 8),
    "long": (ip.RED(35), 3),
    "FISTA": (ip.ProximalGradient(5), 1),
}


@pytest.mark.parametrize(("solver", "each"), GRADIENTS.values(), ids=GRADIENTS)
def test_the_curvature_of_gaussian_noise_is_asked_for_once(solver, each):
    """At the first image: there, along three probes, and by the power method."""
    problem = measured(Counting(sigma=0.1, operator=NOISES["deblurring"].operator))
    Counting.asked = 0
    ip.solve(problem, solver)
    all_steps = solver.iterations * each
    assert Counting.asked == 1 + 1 + curvature.PROBES + curvature.ITERATIONS + all_steps
