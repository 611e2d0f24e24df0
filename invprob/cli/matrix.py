"""`invprob matrix`: what goes with what."""

from __future__ import annotations

from typing import Annotated

import typer


def matrix(
    why: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Explain one entry.", metavar="SOLVER PART", show_default=False),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write Markdown.")] = False,
) -> None:
    """Show which solver accepts which prior, likelihood and operator."""
    from .. import compatibility

    if why is not None:
        typer.echo(compatibility.why(*why))
        return
    table = compatibility.matrix()
    typer.echo(table.markdown() if markdown else str(table))
