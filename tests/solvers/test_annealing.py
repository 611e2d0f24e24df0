"""The levels of descents, and how they look ahead."""

import pytest
import torch

import invprob as ip
from invprob.solvers.annealing import plan
from invprob.solvers.momentum import look_ahead

torch.set_num_threads(1)
Y = torch.full((1, 1, 4, 4), 0.5)


def levels(iterations, sigma=None, noise=0.1, rest=0.05, ends=(0.001, 10.0), **options):
    prior = ip.DenoiserPrior(lambda x, sigma: x, ip.Domain(sigma=ends))
    problem = ip.Problem(prior, ip.Gaussian(noise), Y)
    return plan(problem, iterations, sigma, noise, rest, **options).tolist()


def test_levels_fall_geometrically_over_two_thirds_and_rest():
    found = levels(30)
    assert found[0] == pytest.approx(49 / 255) and found[19:] == [0.05] * 11
    ratios = [low / high for high, low in zip(found[:19], found[1:20], strict=True)]
    assert ratios == pytest.approx([(0.05 * 255 / 49) ** (1 / 19)] * 19)


def test_short_runs_fall_over_eight_steps_unless_that_is_not_wanted():
    assert levels(9)[6] > levels(9)[7] == levels(9)[8] == 0.05
    assert levels(6)[4] > levels(6)[5] == 0.05
    assert levels(9, least=1)[4] > levels(9, least=1)[5] == levels(9, least=1)[8] == 0.05
    assert levels(1, least=1) == [0.05]


def test_the_first_is_half_more_than_strong_noise_and_no_more_than_can_be_denoised():
    assert levels(30, noise=0.2)[0] == pytest.approx(0.3)
    assert levels(30, noise=0.2, ends=(0.001, 0.25))[0] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("options", "last"),
    [
        ({"sigma": 0.03}, 0.03),
        ({"rest": 0.004, "ends": (0.01, 10.0)}, 0.01),
        ({"rest": 0.5}, 49 / 255),
        ({"rest": 0.5, "noise": 0.2}, 0.3),
    ],
    ids=str,
)
def test_the_last_is_what_was_asked_for_or_that_at_rest_within_bounds(options, last):
    assert levels(30, **options)[-1] == pytest.approx(last)


def test_only_a_row_that_turned_back_starts_anew():
    """After a step against the last one: the moves of Beck and Teboulle from t = 1."""
    before, x = torch.zeros(2, 3), torch.tensor([[0.5, 0.0, 0.1], [0.5, 0.0, 0.1]])
    z = x + torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    ahead, t = look_ahead(before, z, x, torch.tensor([2.0, 2.0]))
    following = [(1 + (1 + 4 * t**2) ** 0.5) / 2 for t in (1.0, 2.0)]
    assert t.tolist() == pytest.approx(following)
    torch.testing.assert_close(ahead[0], x[0])
    torch.testing.assert_close(ahead[1], x[1] * (1 + 1 / following[1]))
