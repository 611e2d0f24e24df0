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
    from ..catalogue import Component
    from ..errors import InputError
    from .specs import chosen

    if why is not None:
        (solver,) = chosen(why[0], "solver")
        typer.echo(computed.explain(solver, chosen(why[1])))
        return
    if parts:
        found: dict[str, Component] = {}
        for text in parts:
            some = [part for part in chosen(text) if part.kind != "solver"]
            if not some:
                raise InputError(f"{text!r} is a solver; --why SOLVER PART explains one of it")
            found |= {text if len(some) == 1 else f"{p.kind} {text}": p for p in some}
        only = computed.table("part", found)
        answer = computed.Matrix((only,), ())
    else:
        answer = computed.matrix()
    typer.echo(answer.markdown() if markdown else str(answer))
