"""`invprob check`: the conformance kit, with no test file."""

from __future__ import annotations

from typing import Annotated

import typer


def check(
    name: Annotated[
        str, typer.Argument(help="A part: gaussian, poisson:peak=5, or one of a plugin.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Of the cases that are tried.")] = 0,
) -> None:
    """Ask a part everything that a part of its kind must fulfil; exit code 1 if it fails."""
    from ..catalogue import example_of
    from ..testing import conforms
    from .specs import chosen

    reports = [
        conforms(example_of(component), kind=component.kind, seed=seed)
        for component in chosen(name)
    ]
    if not all(reports):
        raise typer.Exit(1)
