"""Plug-and-play ADMM, whose fixed point a Gaussian prior tells in closed form."""

import pytest
import torch
from gaussians import NOISES, SHAPE, exact, gaussian, measured, rms

import invprob as ip
from invprob.solvers.data_noise import noise_of


@pytest.mark.parametrize("name", NOISES)
def test_the_answer_is_the_posterior_mean(name):
    problem = measured(NOISES[name])
    assert rms(ip.solve(problem, ip.ADMM()).x - exact(problem)) < 1e-6


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_it_is_so_at_every_sigma(sigma):
    problem = measured(NOISES["inpainting"])
    assert rms(ip.solve(problem, ip.ADMM(300, sigma)).x - exact(problem)) < 1e-6


@pytest.mark.parametrize("name", ["inpainting", "deblurring", "a larger unit"])
def test_eight_calls_come_nearer_than_with_the_noise_of_the_data(name):
    problem = measured(NOISES[name], rows=20)
    default, plain = (
        rms(ip.solve(problem, ip.ADMM(8, sigma)).x - exact(problem))
        for sigma in (None, problem.likelihood.sigma)
    )
    assert default < 0.5 * plain


def test_the_last_level_is_where_the_noise_at_rest_is_what_the_denoiser_is_told():
    blurred = ip.Gaussian(sigma=0.03, operator=ip.CircularBlur(torch.ones(3, 3) / 9))
    lost = ip.Gaussian(sigma=0.1, operator=ip.Downsample(6))
    photons = ip.Problem(gaussian(), ip.Poisson(30.0), torch.full((1, *SHAPE), 0.5).double())
    for problem, expected in (
        (measured(NOISES["denoising"]), 0.1),
        (measured(blurred), 0.09),
        (measured(NOISES["a larger unit"]), 0.1),
        (measured(lost), 0.9),  # 3.6, which is above the first level, 1.5 times the noise of 0.6
        (photons, noise_of(photons)),
    ):
        *_, last = ip.iterate(problem, ip.ADMM(3))
        assert last.sigma == pytest.approx(expected)


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
