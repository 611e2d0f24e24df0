"""Weights of particles by their formulas, and levels of the way to zero."""

import math

import pytest
import torch

import invprob as ip
from invprob.solvers import diffusion
from invprob.solvers.restarts import to_zero
from invprob.solvers.restarts.particles import Data, Groups, capped, rms

SD = torch.tensor([0.1, 0.4, torch.inf], dtype=torch.float64)
W = torch.tensor([[0.2, 0.7, 0.0], [0.5, 0.1, 0.0]], dtype=torch.float64)
D = torch.tensor([[0.3, 0.4, 0.9], [0.0, 0.2, 0.1]], dtype=torch.float64)


@pytest.mark.parametrize("level", [0.15, 0.5, 3.0])
def test_the_look_ahead_is_what_the_data_still_say_of_what_still_varies(level):
    v = 0.02
    unused = SD**-2 - SD.clamp(min=level) ** -2
    left = level**2 * v / (level**2 + v)
    wanted = -0.5 * ((W - D) ** 2 * unused / (1 + left * unused)).sum(1)
    torch.testing.assert_close(Data(W, SD, v).ahead(D, level), wanted)


def test_data_a_little_better_than_the_level_are_not_worth_a_call():
    data = Data(W, SD, 0.02)
    assert not data.informs(0.1 * math.sqrt(1.04)) and data.informs(0.1 * math.sqrt(1.06))


def test_a_shift_is_no_longer_than_the_width_and_a_shorter_one_stays():
    shift = torch.tensor([[3.0, 4.0], [0.3, 0.4]], dtype=torch.float64)
    found = capped(shift, 1.0)
    assert rms(found)[0] == pytest.approx(1.0) and torch.equal(found[1], shift[1])
    assert not capped(torch.zeros(1, 2), 1.0).isnan().any()


def test_half_of_the_particles_is_too_few_and_most_of_them_is_enough():
    groups, uniform = Groups(4, 1, 4), torch.full((4,), 0.5)
    half, most = torch.tensor([0.0, 0.0, -20, -20]), torch.tensor([0.0, 0.0, -0.1, -1])
    chosen, left = groups.draw(half[:, None], uniform, 1)
    assert chosen.flatten().tolist() == [0, 0, 1, 1] and not left.any()
    chosen, left = groups.draw(most[:, None], uniform, 1)
    assert chosen.flatten().tolist() == [0, 1, 2, 3]
    torch.testing.assert_close(left[:, 0], most)
    assert not groups.draw(most[:, None], uniform, 1, always=True)[1].any()


def test_a_group_draws_by_the_number_of_its_first_row():
    weight = torch.linspace(-1, 1, 8).reshape(4, 2)
    uniform = torch.tensor([0.1, 0.9, 0.9, 0.9])
    one, other = (Groups(4, 1, 4).draw(weight, u, 1)[0] for u in (uniform, uniform[:1].expand(4)))
    assert torch.equal(one, other)


def test_single_precision_weights_are_added_up_in_double():
    weight = torch.zeros(1, 200_000)
    chosen, _ = Groups(1, 1, 1).draw(weight, torch.tensor([0.5]), 200_000, always=True)
    assert torch.equal(chosen[0], torch.arange(200_000))


SHAPE = (1, 4, 4)


def way(prior, sigma, usual=12, most=30):
    y = torch.full((1, *SHAPE), 0.5)
    problem = ip.Problem(prior, ip.Gaussian(sigma), y)
    noise = diffusion.noise_range(problem)
    return problem, to_zero.levels(problem, noise, usual, most)


def gaussian(sd):
    return ip.GaussianPrior(mean=torch.full(SHAPE, 0.5), sd=sd)


def test_the_way_ends_two_hundred_times_below_what_pixels_vary_by_or_the_noise():
    for sd, sigma in ((0.2, 0.1), (0.05, 0.1)):
        _, levels = way(gaussian(sd), sigma)
        assert levels[0] == pytest.approx(sigma)
        assert levels[-1] == pytest.approx(min(sd, sigma) / 200)
    assert len(way(gaussian(0.2), 0.1)[1]) == 12 < len(way(gaussian(0.01), 0.1)[1])


def test_above_the_radius_there_is_one_step():
    problem, levels = way(gaussian(0.01), 2.0)
    assert levels[:2] == pytest.approx((2.0, diffusion.radius(problem)))
    assert len(way(gaussian(0.01), 2.0, usual=2, most=2)[1]) == 2


def test_a_prior_that_denoises_no_lower_ends_the_way_there():
    blunt = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=(0.02, 10.0)))
    assert way(blunt, 0.1)[1][-1] == pytest.approx(0.02)
    assert way(blunt, 0.02)[1] == pytest.approx((0.02,))
