import math

import pytest

from invprob import schedules
from invprob.errors import InputError


def test_geometric_levels_have_one_ratio():
    levels = schedules.geometric(2.0, 0.01, 7)
    ratios = [b / a for a, b in zip(levels, levels[1:], strict=False)]
    assert levels[0] == 2.0 and levels[-1] == 0.01 and len(levels) == 7
    assert ratios == pytest.approx([(0.01 / 2) ** (1 / 6)] * 6)


@pytest.mark.parametrize("exponent", [0.5, 1, 2, 3, 7])
def test_power_levels_are_linear_in_the_root(exponent):
    levels = schedules.power(2.0, 0.01, 7, exponent)
    roots = [level ** (1 / exponent) for level in levels]
    steps = [b - a for a, b in zip(roots, roots[1:], strict=False)]
    assert levels[0] == 2.0 and levels[-1] == 0.01
    assert steps == pytest.approx([(roots[-1] - roots[0]) / 6] * 6)


def test_a_large_exponent_is_geometric():
    assert schedules.power(3.0, 0.1, 9, 1e6) == pytest.approx(
        schedules.geometric(3.0, 0.1, 9), rel=1e-4
    )


def test_one_level_is_the_highest_and_two_are_the_ends():
    for ladder in (schedules.geometric, schedules.power):
        assert ladder(0.5, 0.1, 1) == (0.5,)
        assert ladder(0.5, 0.1, 2) == (0.5, 0.1)


@pytest.mark.parametrize("ladder", [schedules.geometric, schedules.power])
@pytest.mark.parametrize(
    ("ends", "count", "said"),
    [
        ((0.1, 0.5), 4, "would not decrease"),
        ((0.1, 0.1), 2, "would not decrease"),
        ((0.5, 0.0), 4, "positive and finite"),
        ((math.inf, 0.1), 4, "positive and finite"),
        ((math.nan, 0.1), 4, "positive and finite"),
        ((0.5, 0.1), 0, "at least one"),
    ],
)
def test_impossible_ladders_are_refused(ladder, ends, count, said):
    with pytest.raises(InputError, match=said):
        ladder(*ends, count)


def test_the_exponent_must_be_positive():
    with pytest.raises(InputError, match="exponent=0"):
        schedules.power(1.0, 0.1, 3, 0)


def test_an_infinite_exponent_is_geometric():
    assert schedules.power(8.0, 1.0, 4, math.inf) == schedules.geometric(8.0, 1.0, 4)
