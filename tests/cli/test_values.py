"""Text to values."""

import inspect
import math
from pathlib import Path
from typing import Any, Literal, Optional

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invprob.cli.values import convert, in_words, kinds


@given(st.integers())
def test_integers_round_trip(value):
    assert convert(str(value), int) == value
    assert type(convert(str(value), inspect.Parameter.empty)) is int


@given(st.floats(allow_nan=False))
def test_numbers_round_trip(value):
    assert convert(repr(value), float) == value
    assert convert(repr(value), float | None) == value


@given(st.integers(-999, 999), st.integers(1, 999))
def test_fractions(above, below):
    assert convert(f"{above}/{below}", float) == above / below


@given(st.lists(st.integers(), min_size=1))
def test_tuples_round_trip(values):
    assert convert(",".join(map(str, values)), tuple[int, ...]) == tuple(values)


@given(st.text())
def test_any_text_is_a_word_and_converts_or_fails_cleanly(text):
    assert convert(text, str) == text
    for annotation in (int, float, bool, None, Literal["a"], tuple[int, int], int | float):
        try:
            value = convert(text, annotation)
        except ValueError:
            continue
        assert not (isinstance(value, float) and math.isnan(value))


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("yes", bool, True),
        ("False", bool, False),
        ("none", float | None, None),
        ("None", Optional[str], None),  # noqa: UP045 - plugins may write it so
        ("nothing", str | None, "nothing"),
        ("3", int | float, 3),
        ("3.5", int | float, 3.5),
        ("3", str | int, 3),
        ("b", Literal["a", "b"], "b"),
        ("2", Literal[1, 2], 2),
        ("a/b.png", Path, Path("a/b.png")),
        ("a/b.png", str | Path, Path("a/b.png")),
        ("~/b.png", Path | None, Path.home() / "b.png"),
        ("1,2.5", tuple[int, float], (1, 2.5)),
        ("0.5", float | torch.Tensor, 0.5),
        ("word", inspect.Parameter.empty, "word"),
        ("25/255", inspect.Parameter.empty, 25 / 255),
    ],
)
def test_conversions(text, annotation, value):
    found = convert(text, annotation)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "annotation"),
    [
        ("3.5", int),
        ("1/0", float),
        ("nan", float),
        ("1/2/3", float),
        ("maybe", bool),
        ("c", Literal["a", "b"]),
        ("1,2,3", tuple[int, int]),
        ("1,x", tuple[int, ...]),
        ("x", float | None),
        ("1", torch.Tensor),
        ("1", Any),
        ("1", object),
    ],
)
def test_impossible_conversions(text, annotation):
    with pytest.raises(ValueError):
        convert(text, annotation)


def test_what_can_be_typed():
    assert kinds(torch.Tensor) == ()
    assert kinds(torch.Tensor | float | None) == (float, type(None))
    assert kinds(tuple[torch.Tensor, ...]) == ()
    assert in_words(bool | None) == "yes or no or none"
    assert in_words(tuple[int, ...]) == "values with commas between them"
    assert in_words(tuple[int, int]) == "2 values with commas between them"
    assert in_words(torch.Tensor) == ""
