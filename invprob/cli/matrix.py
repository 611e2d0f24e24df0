"""`invprob matrix`: what goes with what."""

from __future__ import annotations

from typing import Annotated

import typer


def matrix(
    parts: Annotated[
        list[str] | None,
        typer.Argument(help="Only these: gamma, or 'mixture:noise=(gamma:alpha=9),sigma=0.1'."),
    ] = None,
    why: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Explain one entry.", metavar="SOLVER PART", show_default=False),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write Markdown.")] = False,
) -> None:
    """Show which solver accepts which prior, likelihood and operator."""
    from .. import compatibility_matrix as computed
    from .specs import chosen

    if why is not None:
        (solver,) = chosen(why[0], "solver")
        typer.echo(computed.explain(solver, chosen(why[1])))
        return
    if parts:
        found = {text: part for text in parts for part in chosen(text)}
        only = computed.table("part", found)
        answer = computed.Matrix((only,), ())
    else:
        answer = computed.matrix()
    typer.echo(answer.markdown() if markdown else str(answer))
