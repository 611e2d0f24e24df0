"""`invprob check`: the conformance kit, with no test file."""

from __future__ import annotations

from typing import Annotated

import typer


def check(
    name: Annotated[
        str, typer.Argument(help="A part: gaussian, poisson:peak=5, or one of a plugin.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Of the cases that are tried.")] = 0,
    shape: Annotated[
        str | None, typer.Option(help="Of an image that it takes, if none is found: 1,8,8.")
    ] = None,
) -> None:
    """Ask a part everything that a part of its kind must fulfil; exit code 1 if it fails."""
    from ..catalogue import example_of
    from ..testing import conforms
    from .specs import chosen

    sides = None if shape is None else _sides(shape)
    reports = [
        conforms(example_of(component), kind=component.kind, seed=seed, shape=sides)
        for component in chosen(name)
    ]
    if not all(reports):
        raise typer.Exit(1)


def _sides(text: str) -> tuple[int, ...]:
    """A shape as it is typed."""
    from ..errors import InputError

    sides = tuple(int(side) if side.strip().isdecimal() else 0 for side in text.split(","))
    if min(sides) < 1:
        raise InputError(f"--shape {text}: give channels, height and width, --shape 1,8,8")
    return sides
