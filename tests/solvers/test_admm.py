"""Plug-and-play ADMM, whose fixed point a Gaussian prior tells in closed form."""

import pytest
import torch
from gaussians import NOISES, exact, measured, rms

import invprob as ip

torch.set_num_threads(1)


@pytest.mark.parametrize("name", NOISES)
def test_the_answer_is_the_posterior_mean(name):
    problem = measured(NOISES[name])
    assert rms(ip.solve(problem, ip.ADMM()).x - exact(problem)) < 1e-3


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_it_is_so_at_every_sigma(sigma):
    problem = measured(NOISES["inpainting"])
    assert rms(ip.solve(problem, ip.ADMM(300, sigma)).x - exact(problem)) < 1e-6


def test_the_multiplier_is_the_force_of_the_data():
    problem = measured(NOISES["deblurring"])
    *_, last = ip.iterate(problem, ip.ADMM(iterations=200))
    force = problem.likelihood.grad_x(problem.y, last.state.v)
    torch.testing.assert_close(last.state.dual, force, atol=1e-6, rtol=1e-6)


def test_impossible_settings():
    with pytest.raises(ip.InputError, match="iterations=0"):
        ip.ADMM(iterations=0)
    with pytest.raises(ip.InputError, match="sigma=-1"):
        ip.ADMM(sigma=-1)
