"""`invprob plugins`: the parts that are installed, and what to type for them."""

from __future__ import annotations

import typer


def plugins() -> None:
    """List every part with its options and defaults, and the plugin that brought it."""
    from ..catalogue import KINDS, catalogue
    from .specs import usage

    parts = catalogue()
    origin = {
        (part.kind, part.name): f"{who.distribution} {who.version}"
        for who in parts.contributions
        for part in who.components
    }
    for kind in KINDS:
        typer.secho(f"{kind}s", bold=True)
        for part in parts.of_kind(kind):
            typer.echo(f"  {usage(part)}")
            about = "; ".join(filter(None, (part.summary, origin[kind, part.name])))
            typer.secho(f"      {about}", dim=True)
    for who in parts.broken:
        typer.secho(str(who), fg=typer.colors.RED)
