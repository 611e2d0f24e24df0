"""Numbers are numbers, and counts of steps, calls, levels and samples are whole, where given.

A count of 30.5 or NaN passes every comparison with 1 and fails much later, as an error of Python's
`range`. So does a count from a file that was read as text; and a level that is a text has no
greater and no smaller one.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

from .errors import InputError


def check_count(name: str, value: object, least: int = 1, why: str = "") -> None:
    """Raise `InputError` unless a value is a whole number, and at least `least`.

    Args:
        name: of the parameter, as it is typed.
        value: what was given.
        least: the smallest that makes sense.
        why: it is; by default that at least so many are needed.

    >>> check_count("iterations", 8)
    >>> check_count("iterations", 3.5)
    Traceback (most recent call last):
    ...
    invprob.errors.InputError: iterations=3.5 is no whole number; give one, such as 3
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(
            f"{name}={value!r} is no whole number; give one, such as {_near(value, least)}"
        )
    if value < least:
        raise InputError(f"{name}={value}; {why or f'at least {_in_words(least)} needed'}")


def real(value: object, name: str, meaning: str = "one", /) -> float:
    """A real number; `InputError`, which says what to give, for anything else.

    Args:
        value: what was given.
        name: of the parameter, as it is typed.
        meaning: what to give.

    >>> real(0.3, "weight")
    0.3
    >>> real("0.3", "weight")
    Traceback (most recent call last):
    ...
    invprob.errors.InputError: weight='0.3' is no number; give one
    """
    try:
        if isinstance(value, bool | str):
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"{name}={value!r} is no number; give {meaning}") from None


def whole_numbers(value: object, /) -> tuple[int, ...]:
    """Several whole numbers from 1 on, as a user gave them; empty for anything else.

    >>> whole_numbers([3, 8.0]), whole_numbers((3, 8.9)), whole_numbers("38"), whole_numbers(3)
    ((3, 8), (), (), ())
    """
    try:
        given: tuple[Any, ...] = tuple(value)  # type: ignore[arg-type]
        found = tuple(int(n) for n in given)
    except (TypeError, ValueError, OverflowError):
        return ()
    return found if found == given and min(found, default=0) > 0 else ()


def _near(value: object, least: int) -> int:
    """The whole number that was probably meant."""
    try:
        return max(int(value), least)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return max(least, 1)


def _in_words(count: int) -> str:
    return {1: "one is", 2: "two are"}.get(count, f"{count} are")
