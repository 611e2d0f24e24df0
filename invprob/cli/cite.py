"""`invprob cite`: where a part comes from."""

from __future__ import annotations

from typing import Annotated

import typer


def cite(name: Annotated[str, typer.Argument(help="A part, such as restart.")]) -> None:
    """Show the publication behind a part."""
    from ..catalogue import catalogue

    for component in catalogue().find(name):
        source = component.reference or "no publication is named"
        typer.echo(f"{component.kind} {component.name}: {source}")
