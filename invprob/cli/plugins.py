"""`invprob plugins`: the parts that are installed, and what to type for them."""

from __future__ import annotations

import typer

WIDE = 40
"""Columns for what to type, where it fits."""


def plugins() -> None:
    """List every part with its options and defaults, and the plugin that brought it."""
    from ..catalogue import KINDS, catalogue
    from .specs import usage

    parts = catalogue()
    origin = {
        (part.kind, part.name): f"[{who.distribution} {who.version}]"
        for who in parts.contributions
        for part in who.components
        if who.plugin != "built-in"
    }
    for kind in KINDS:
        typer.secho(f"{kind}s", bold=True)
        for part in parts.of_kind(kind):
            about = f"{part.summary} {origin.get((part.kind, part.name), '')}".strip()
            typed = usage(part)
            gap = "\n" + " " * (WIDE + 2) if len(typed) > WIDE else ""
            typer.echo(f"  {typed:<{WIDE}}{gap}  {about}".rstrip())
    for who in parts.broken:
        typer.secho(str(who), fg=typer.colors.RED)
