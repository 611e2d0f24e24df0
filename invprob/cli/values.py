"""Values as text: what an annotation asks for, and the conversion to it.

`int`, `float` (also fractions such as 25/255), `bool` (yes or no), `str`, `Path` (also `~/file`),
literals, tuples with commas, and unions of these, `None` included. What has no annotation is what
its default is, and without one a number if it reads like one, and a word otherwise. A likelihood,
an operator or a prior is a `Part`, written in parentheses and made by `invprob.cli.specs`.
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Union

from attrs import frozen

from ..contracts import Likelihood, LinearOperator, Prior
from .home import at_home

Annotation = Any
"""A type, a union, a literal, or `inspect.Parameter.empty` for none."""

_WORDS: dict[Annotation, str] = {
    int: "a whole number",
    float: "a number",
    bool: "yes or no",
    str: "a word",
    Path: "a file",
    types.NoneType: "none",
}
_TRUTH = {
    **dict.fromkeys(("yes", "true", "on", "1"), True),
    **dict.fromkeys(("no", "false", "off", "0"), False),
}


@frozen
class Part:
    """What an annotation asks for that is itself a part: its kind, and whether there are several.

    Attributes:
        kind: "likelihood", "operator" or "prior".
        many: a tuple of them.
    """

    kind: str
    many: bool = False


def part_of(annotation: Annotation, /) -> Part | None:
    """The kind of part that an annotation asks for, if it asks for one.

    >>> part_of(LinearOperator | None), part_of(tuple[LinearOperator, ...]), part_of(float)
    (Part(kind='operator', many=False), Part(kind='operator', many=True), None)
    """
    if annotation == Prior:
        return Part("prior")
    if _is_tuple(annotation) or _origin(annotation) is Iterable:
        members = [one for one in typing.get_args(annotation) if one is not Ellipsis]
        found = {part_of(one) for one in members}
        part = found.pop() if len(found) == 1 else None
        return part and Part(part.kind, many=True)
    if _origin(annotation) in (Union, types.UnionType):
        return next(filter(None, map(part_of, typing.get_args(annotation))), None)
    kinds = {LinearOperator: "operator", Likelihood: "likelihood"}
    return Part(kinds[annotation]) if annotation in kinds else None


def convert(text: str, annotation: Annotation, /) -> object:
    """The value that a text stands for.

    Raises:
        ValueError: it stands for none of that kind.

    >>> convert("25/255", float | None), convert("none", float | None), convert("1,8,8", tuple)
    (0.09803921568627451, None, ('1', '8', '8'))
    """
    tried = kinds(annotation)
    if not text and Path in tried:  # as of a variable without a value; it is not the folder here
        raise ValueError("no file has an empty name")
    for kind in tried:
        try:
            return _convert(text, kind)
        except ValueError:
            continue
    raise ValueError(text)


def kinds(annotation: Annotation, /) -> tuple[Annotation, ...]:
    """The kinds of value that a text can be turned into, in the order in which they are tried.

    >>> import torch
    >>> kinds(str | float | torch.Tensor)
    (<class 'float'>, <class 'str'>)
    """
    if annotation is inspect.Parameter.empty:
        return (int, float, str)
    if _origin(annotation) in (Union, types.UnionType):
        found = [kind for member in typing.get_args(annotation) for kind in kinds(member)]
        return tuple(sorted(found, key=lambda kind: {Path: 1, str: 2}.get(kind, 0)))
    return (annotation,) if _sayable(annotation) else ()


def annotation_of(default: object, /) -> Annotation:
    """What is asked for where there is no annotation but a default.

    >>> annotation_of(False), annotation_of(0.5), annotation_of((1, 2))
    (<class 'bool'>, <class 'float'>, tuple[inspect._empty, ...])
    >>> annotation_of(3)  # a number with a fraction may be meant as well
    int | float
    """
    if isinstance(default, bool | float | str):
        return type(default)
    if isinstance(default, int):
        return int | float
    if isinstance(default, Path):
        return Path
    if isinstance(default, tuple):
        return types.GenericAlias(tuple, (inspect.Parameter.empty, ...))
    return inspect.Parameter.empty


def in_words(annotation: Annotation, /) -> str:
    """What to type, in words; empty if nothing can be typed.

    >>> in_words(float | None), in_words(Literal["fast", "slow"])
    ('a number or none', 'fast or slow')
    """
    found = kinds(annotation)
    wider = {int: float, str: Path}
    return " or ".join(
        dict.fromkeys(_in_words(kind) for kind in found if wider.get(kind) not in found)
    )


def _origin(kind: Annotation) -> Any:
    """`tuple` of `tuple[int, ...]`, and so on; `None` for what has no parts."""
    return typing.get_origin(kind)


def _sayable(kind: Annotation) -> bool:
    if _is_tuple(kind):
        members = [one for one in typing.get_args(kind) if one is not Ellipsis]
        return all(len(kinds(one)) > 0 for one in members)
    return kind in _WORDS or _origin(kind) is Literal


def _is_tuple(kind: Annotation) -> bool:
    return kind is tuple or _origin(kind) is tuple


def _in_words(kind: Annotation) -> str:
    if _origin(kind) is Literal:
        return " or ".join(map(str, typing.get_args(kind)))
    if _is_tuple(kind):
        members = typing.get_args(kind)
        count = f"{len(members)} " if members and Ellipsis not in members else ""
        return f"{count}values with commas between them"
    return _WORDS[kind]


def _convert(text: str, kind: Annotation) -> object:
    if _is_tuple(kind):
        return _tuple(text, typing.get_args(kind) or (str, ...))
    if _origin(kind) is Literal:
        return _chosen(text, {str(choice): choice for choice in typing.get_args(kind)})
    if kind is bool:
        return _chosen(text.lower(), _TRUTH)
    if kind is types.NoneType:
        return _chosen(text.lower(), {"none": None})
    if kind is Path:
        return at_home(text)
    return _number(text) if kind is float else kind(text)


def _chosen(text: str, choices: dict[str, Any]) -> object:
    if text not in choices:
        raise ValueError(text)
    return choices[text]


def _number(text: str) -> float:
    """A number or a fraction; never NaN."""
    above, slash, below = text.partition("/")
    denominator = float(below) if slash else 1.0
    if denominator == 0:
        raise ValueError(text)
    number = float(above) / denominator
    if math.isnan(number):
        raise ValueError(text)
    return number


def _tuple(text: str, members: tuple[Annotation, ...]) -> tuple[object, ...]:
    pieces = text.split(",")
    if len(members) == 2 and members[1] is Ellipsis:
        members = (members[0],) * len(pieces)
    return tuple(convert(piece.strip(), one) for piece, one in zip(pieces, members, strict=True))
