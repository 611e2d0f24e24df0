"""The weight of plug-and-play: how much of the denoiser's noise is the data's."""

import pytest
import torch

import invprob as ip
from invprob.solvers.balance import (
    LIGHT,
    MOST_WHITE,
    SHARE_OF_WHITE,
    coordinates,
    decided,
    is_white,
    level_at_rest,
    share,
    weight_of,
)

SHAPE = (1, 64, 64)
BLUR = ip.Gaussian(sigma=0.02, operator=ip.CircularBlur.named("motion9@30"))
NOISES = {
    "blurred": BLUR,
    "small": ip.Gaussian(sigma=0.05, operator=ip.Downsample(2)),
    "incomplete": ip.Gaussian(sigma=0.1, operator=ip.Mask.random(SHAPE, keep=0.4, seed=0)),
}


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("sigma", [0.02, 0.15])
def test_the_share_is_what_the_prox_lets_through(name, sigma):
    """Two measurements of one image differ by noise alone, and so do their proxes."""
    noise, weight = NOISES[name], 0.2
    grey = torch.full((20, *SHAPE), 0.5, dtype=torch.float64)
    one, other = (noise.sample(grey, ip.generator(seed)) for seed in (0, 1))
    step = torch.tensor(sigma**2 / weight, dtype=torch.float64)
    through = noise.prox(one, grey, step) - noise.prox(other, grey, step)
    expected = share(noise.spectrum(SHAPE).sd, sigma, weight) * sigma
    assert float(through.square().mean().div(2).sqrt()) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("keep", [0.5, 0.8])
def test_white_noise_may_be_all_that_the_denoiser_is_told(keep):
    noise = ip.Gaussian(sigma=0.1, operator=ip.Mask.random(SHAPE, keep=keep, seed=0))
    sd = noise.spectrum(SHAPE).sd
    weight = weight_of(sd, 0.07)
    assert LIGHT < weight < MOST_WHITE
    assert share(sd, 0.07, weight) == pytest.approx(SHARE_OF_WHITE, rel=1e-4)
    assert weight_of(sd, 0.3) == LIGHT  # there is not as much noise in the data


@pytest.mark.parametrize(
    ("operator", "white"),
    [
        (ip.Identity(), True),
        (ip.Mask.random((3, 16, 16), keep=0.2, seed=0), True),
        (ip.Mask((torch.arange(16) % 2).bool().expand(16, 16)), True),
        (ip.Hadamard(16, keep=0.3, scramble=True), True),
        (ip.CircularBlur.named("uniform3"), False),
        (ip.Downsample(2), False),
        (ip.Grayscale(), False),
    ],
    ids=repr,
)
def test_noise_is_white_if_no_frequency_is_louder_than_others(operator, white):
    spectrum = ip.Gaussian(sigma=0.1, operator=operator).spectrum((3, 16, 16))
    assert is_white(spectrum.sd, spectrum.v, 0.1) is white


@pytest.mark.parametrize("columns", [16, 32, 48])
def test_noise_beside_a_large_hole_is_not_white_everywhere(columns):
    mask = torch.arange(64).expand(64, 64) < columns
    spectrum = ip.Gaussian(sigma=0.1, operator=ip.Mask(mask)).spectrum((3, 64, 64))
    assert not is_white(spectrum.sd, spectrum.v, 0.1)


@pytest.mark.parametrize(
    ("operator", "noise"),
    [
        (ip.CircularBlur.named("uniform5"), 0.1),
        (ip.Mask.random(16, 0.5), 0.1),
        (ip.Downsample(2), 0.2),
    ],
)
def test_counts_of_a_linear_measurement_have_the_coordinates_of_even_noise(operator, noise):
    grey = torch.full((1, 1, 16, 16), 0.5)
    problems = (
        ip.Problem(ip.GaussianPrior(mean=grey[0], sd=0.2), likelihood, operator.forward(grey))
        for likelihood in (ip.Observed(ip.Poisson(30), operator), ip.Gaussian(0.1, operator))
    )
    counts, gaussian = (coordinates(problem, noise) for problem in problems)
    assert torch.allclose(counts[0], gaussian[0])


def test_noise_that_sees_the_image_itself_has_none():
    grey = torch.full((1, 1, 16, 16), 0.5)
    prior = ip.GaussianPrior(mean=grey[0], sd=0.2)
    assert coordinates(ip.Problem(prior, ip.Poisson(peak=30), grey), 0.1) is None


def test_what_the_prox_takes_from_the_data_is_the_part_decided():
    noise, step = NOISES["incomplete"], torch.tensor(0.02, dtype=torch.float64)
    v = torch.randn((20, *SHAPE), generator=ip.generator(0), dtype=torch.float64)
    y = torch.zeros_like(v)
    taken = 1 - float((v * noise.prox(y, v, step)).mean() / v.square().mean())
    assert decided(noise.spectrum(SHAPE).sd, 0.02) == pytest.approx(taken, rel=0.02)


@pytest.mark.parametrize("name", NOISES)
def test_at_rest_the_force_on_noise_is_what_the_denoiser_is_told(name):
    noise = NOISES[name]
    grey = torch.full((20, *SHAPE), 0.5, dtype=torch.float64)
    force = noise.grad_x(noise.sample(grey, ip.generator(0)), grey)
    sigma = level_at_rest(noise.spectrum(SHAPE).sd)
    assert sigma**2 * float(force.square().mean().sqrt()) == pytest.approx(sigma, rel=0.02)


def test_what_was_not_measured_has_no_noise():
    nothing = torch.full(SHAPE, torch.inf)
    assert share(nothing, 0.1, 0.2) == 0 and weight_of(nothing, 0.1) == LIGHT
    assert level_at_rest(nothing) == torch.inf
    half = torch.cat((nothing, torch.full(SHAPE, 0.1)))
    assert share(half, 0.1, 0.2) == pytest.approx(share(half[1:], 0.1, 0.2) / 2**0.5)
