"""Plug-and-play: half-quadratic splitting, whose two halves a Gaussian prior tells exactly."""

import math
import re

import pytest
import torch
from gaussians import NOISES, SHAPE, exact, gaussian, measured, rms
from torch.nn.functional import interpolate

import invprob as ip
from invprob.schedules import geometric
from invprob.solvers.balance import HEAVY, LIGHT, MOST_WHITE, weight_of
from invprob.solvers.data_noise import noise_of


def test_without_looking_ahead_a_step_is_the_prox_and_then_the_denoiser():
    problem = measured(NOISES["inpainting"])
    solver = ip.PnP(iterations=4, weight=0.5, accelerated=False)
    *_, before, last = ip.iterate(problem, solver)
    sigma = torch.tensor(last.sigma, dtype=torch.float64)
    agreeing = problem.likelihood.prox(problem.y, before.state.x, sigma**2 / 0.5)
    torch.testing.assert_close(last.state.x, problem.prior.denoise(agreeing, sigma))


@pytest.mark.parametrize("name", ["inpainting", "deblurring", "denoising"])
def test_looking_ahead_ends_at_the_same_fixed_point(name):
    """At one noise level (noise_level is so large that none falls) and with weight 1: RED's."""
    noise = NOISES[name]
    problem = measured(noise)
    target = exact(problem, extra=0.1)
    prior = ip.DenoiserPrior(gaussian().denoise, ip.Domain(sigma=(0.1, 0.1)))
    limited = ip.Problem(prior, noise, problem.y)
    ends = []
    for accelerated in (False, True):
        solver = ip.PnP(iterations=800, weight=1.0, accelerated=accelerated)
        *_, last = ip.iterate(limited, solver)
        step = torch.tensor(0.01, dtype=torch.float64)
        agreeing = problem.likelihood.prox(problem.y, last.estimate(), step)
        ends.append(rms(agreeing - target))
    assert max(ends) < 1e-6


def test_looking_ahead_pays_where_pixels_are_missing():
    noise = ip.Gaussian(sigma=0.02, operator=ip.Mask.random((1, 6, 6), keep=0.3, seed=0))
    problem = measured(noise, rows=20)
    plain, fast = (
        rms(ip.solve(problem, ip.PnP(8, accelerated=ahead)).x - exact(problem))
        for ahead in (False, True)
    )
    assert fast < 0.9 * plain


def test_a_step_has_the_weight_of_its_level():
    problem = measured(NOISES["inpainting"])
    *_, before, last = ip.iterate(problem, ip.PnP(iterations=8, accelerated=False))
    sigma = torch.tensor(last.sigma, dtype=torch.float64)
    weight = weight_of(problem.likelihood.spectrum(SHAPE).sd, last.sigma)
    assert LIGHT < weight < MOST_WHITE
    agreeing = problem.likelihood.prox(problem.y, before.state.x, sigma**2 / weight)
    torch.testing.assert_close(last.state.x, problem.prior.denoise(agreeing, sigma))


def test_without_singular_values_and_where_it_is_given_the_weight_is_one_for_all():
    photons = ip.Problem(gaussian(), ip.Poisson(30.0), torch.full((1, *SHAPE), 0.5).double())
    given = ip.PnP(weight=0.5)
    for problem, solver, weight in (
        (photons, ip.PnP(), HEAVY),
        (photons, given, 0.5),
        (measured(NOISES["deblurring"]), given, 0.5),
    ):
        *_, last = ip.iterate(problem, solver)
        assert last.state.weights.tolist() == [weight] * 8


def start(y: torch.Tensor) -> torch.Tensor:
    """The measurement as it is, or enlarged."""
    small = y.shape[-1] < PHOTO.shape[-1]
    return interpolate(y, PHOTO.shape[-2:], mode="bicubic") if small else y


def published(problem: ip.Problem, sigma: float) -> torch.Tensor:
    """DPIR: Zhang et al. 2021, in eight calls."""
    noise, y, z = problem.likelihood, problem.y, start(problem.y)
    for level in torch.tensor(geometric(49 / 255, sigma, 8)):
        z = problem.prior.denoise(noise.prox(y, z, level**2 / 0.23), level)
    return z


def photographed(noise: ip.Gaussian, photo: torch.Tensor | None = None) -> ip.Problem:
    """`PHOTO`, or another, as it is measured, and the embedded network."""
    y = noise.sample(PHOTO if photo is None else photo, ip.generator(0))
    return ip.Problem(ip.DenoiserPrior.pretrained(), noise, y)


PHOTO = ip.sample_photo()[..., 80:176, 80:176]
UNIFORM, MOTION = (ip.CircularBlur.named(name) for name in ("uniform5", "motion9@30"))
MASK, FEW = (ip.Mask.random((96, 96), keep=keep, seed=0) for keep in (0.5, 0.2))
TASKS = {
    "blurred": (ip.Gaussian(0.02, UNIFORM), -0.15),
    "blurred and noisy": (ip.Gaussian(0.1, UNIFORM), 0.05),
    "moved": (ip.Gaussian(0.03, MOTION), -0.05),
    "small": (ip.Gaussian(0.01, ip.Downsample(4)), -0.05),
    "incomplete": (ip.Gaussian(0.01, MASK), 5.0),
}
"""Photographs as they are measured, and what `PnP` gains over DPIR at least, in dB."""


@pytest.mark.parametrize("name", TASKS)
def test_a_photo_gains_over_dpir_as_published(name):
    noise, gain = TASKS[name]
    problem = photographed(noise)
    found = published(problem, noise.sigma), ip.solve(problem, ip.PnP()).x
    dpir, default = (float(ip.psnr(x.clamp(0, 1), PHOTO)) for x in found)
    assert default > dpir + gain


@pytest.mark.parametrize(("sigma", "gain"), [(0.02, 0.0), (0.1, 0.5)])
def test_gray_photos_behind_blurs_gain_over_dpir(sigma, gain):
    """Noise that a blur has amplified looks like texture where no colour tells them apart."""
    photo = PHOTO.mean(1, keepdim=True)
    problem = photographed(ip.Gaussian(sigma, UNIFORM), photo)
    found = published(problem, sigma), ip.solve(problem, ip.PnP()).x
    dpir, default = (float(ip.psnr(x.clamp(0, 1), photo)) for x in found)
    assert default > dpir + gain


@pytest.mark.parametrize(
    ("noise", "other", "gain"),
    [
        (ip.Gaussian(0.2, FEW), {"weight": 0.23}, 0.1),
        (ip.Gaussian(0.01, MASK), {"accelerated": False}, 0.3),
        (ip.Gaussian(0.05, ip.CircularBlur.named("gaussian3")), {"accelerated": False}, 0.1),
    ],
)
def test_weights_of_levels_and_looking_ahead_pay(noise, other, gain):
    problem = photographed(noise)
    found = (ip.solve(problem, solver).x for solver in (ip.PnP(**other), ip.PnP()))
    differently, default = (float(ip.psnr(x.clamp(0, 1), PHOTO)) for x in found)
    assert default > differently + gain


@pytest.mark.parametrize(("name", "sigma"), [("blurred", 0.089), ("moved", 0.03), ("small", 0.01)])
def test_the_recipe_for_dpir_is_dpir(name, sigma):
    """With as much noise as the docstring says, and not with more."""
    prior = ip.GaussianPrior(torch.full(PHOTO.shape[1:], 0.5), 0.2)
    (recipe,) = re.findall(r"`(PnP\(.*\))`", ip.PnP.__doc__)
    for level in (sigma, 0.1):
        noise = ip.Gaussian(level, TASKS[name][0].operator)
        problem = ip.Problem(prior, noise, noise.sample(PHOTO, ip.generator(0)))
        solver = eval(recipe, {"PnP": ip.PnP, "sigma_0": level})
        x = ip.solve(problem, solver, x0=start(problem.y)).x
        same = torch.allclose(x, published(problem, level), rtol=0, atol=1e-5)
        assert same == (level <= 0.089)


def test_the_levels_fall_from_coarse_to_below_the_noise_of_the_data():
    problem = measured(NOISES["denoising"])
    levels = [record.sigma for record in ip.solve(problem, ip.PnP()).history]
    assert levels[0] == pytest.approx(49 / 255) and levels[-1] == pytest.approx(0.07)
    ratios = [b / a for a, b in zip(levels, levels[1:], strict=False)]
    assert ratios == pytest.approx([ratios[0]] * 7)


def test_impossible_settings():
    with pytest.raises(ip.InputError, match="iterations=0"):
        ip.PnP(iterations=0)
    for value in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ip.InputError, match="noise_level="):
            ip.PnP(noise_level=value)
        with pytest.raises(ip.InputError, match="weight="):
            ip.PnP(weight=value)


def test_a_noise_level_that_the_prior_can_not_denoise_is_refused():
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.01, 10.0)))
    problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.full((1, 1, 4, 4), 0.5))
    with pytest.raises(ip.InputError, match=r"noise_level=30, but .* denoises 0.01 to 10"):
        ip.solve(problem, ip.PnP(noise_level=30))


@pytest.mark.parametrize("peak", [0.3, 5.0])
@pytest.mark.parametrize("keep", [1.0, 0.5])
def test_the_noise_of_counts_counts_those_that_are_equal_by_chance(peak, keep):
    mask = ip.Mask.random((64, 64), keep=keep, seed=0)
    noise = ip.Poisson(peak) if keep == 1 else ip.Observed(ip.Poisson(peak), mask)
    prior = ip.GaussianPrior(mean=torch.full((1, 64, 64), 0.5), sd=0.2)
    found = noise_of(ip.Problem(prior, noise, torch.zeros(1, 1, 64, 64)))
    assert found == pytest.approx((0.5 / peak) ** 0.5, rel=0.06)
