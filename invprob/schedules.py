"""Ladders of noise levels, from the highest to the lowest.

A geometric ladder spends the same number of levels on every factor of noise. A power ladder is
linear in sigma^(1/exponent): the larger the exponent, the more levels it has near its low end;
exponent 7 is the ladder of Karras et al., and exponent infinity the geometric one. Exponent 2 is
the best of them where an image is brought from moderate noise to none: geometric ladders spend
half of their levels where the image does not change any more.

Reference: T. Karras, M. Aittala, T. Aila, S. Laine (2022). Elucidating the Design Space of
Diffusion-Based Generative Models. NeurIPS. https://arxiv.org/abs/2206.00364
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from .counts import check_count
from .errors import InputError


def geometric(highest: float, lowest: float, count: int) -> tuple[float, ...]:
    """Levels whose neighbours have one ratio, both ends included.

    Args:
        highest: the first level, in units of the image.
        lowest: the last level, > 0.
        count: how many, at least 1; a single level is `highest`.

    Raises:
        InputError: the levels would not decrease, or there are none.

    >>> geometric(8.0, 1.0, 4)
    (8.0, 4.0, 2.0, 1.0)
    """
    _check(highest, lowest, count)
    inner = (highest * (lowest / highest) ** (i / (count - 1)) for i in range(1, count - 1))
    return _between(highest, inner, lowest, count)


def power(highest: float, lowest: float, count: int, exponent: float = 2) -> tuple[float, ...]:
    """Levels that are linear in sigma^(1/exponent), both ends included.

    Args:
        highest: the first level, in units of the image.
        lowest: the last level, > 0.
        count: how many, at least 1; a single level is `highest`.
        exponent: 1 spaces them evenly, a large one almost geometrically.

    Raises:
        InputError: the levels would not decrease, there are none, or exponent is not positive.

    >>> power(9.0, 1.0, 3)
    (9.0, 4.0, 1.0)
    """
    _check(highest, lowest, count)
    if not exponent > 0:
        raise InputError(f"exponent={exponent}; it must be > 0")
    if math.isinf(exponent):
        return geometric(highest, lowest, count)
    first, last = highest ** (1 / exponent), lowest ** (1 / exponent)
    inner = ((first + (last - first) * i / (count - 1)) ** exponent for i in range(1, count - 1))
    return _between(highest, inner, lowest, count)


def _between(
    highest: float, inner: Iterable[float], lowest: float, count: int
) -> tuple[float, ...]:
    return (highest,) if count == 1 else (highest, *inner, lowest)


def _check(highest: float, lowest: float, count: int) -> None:
    check_count("count", count, why="a ladder has at least one level")
    if not (0 < lowest and math.isfinite(highest)):
        raise InputError(
            f"a ladder from {highest} to {lowest}; both ends must be positive and finite"
        )
    if count > 1 and not lowest < highest:
        raise InputError(
            f"a ladder from {highest} to {lowest} would not decrease; the highest level comes "
            "first"
        )
