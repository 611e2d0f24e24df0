"""`invprob cite`: where a part, or what a command does, comes from."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Annotated

import typer

LESSONS = {
    "adapt": ("adapting", "self_supervised"),
    "train denoiser": ("denoising",),
    "train flow": ("flow",),
    "train sampler": ("adversarial",),
    "train score": ("score",),
}
"""What commands that learn are based on: modules of `training`, which name their sources."""


def cite(
    name: Annotated[
        list[str],
        typer.Argument(help="A part, such as restart, or: adapt, train score."),
    ],
) -> None:
    """Show the publication behind a part, or behind a command that learns."""
    from ..catalogue import catalogue

    asked = " ".join(name).lower()
    commands = [command for command in LESSONS if asked in (command, command.split()[0])]
    for command in commands:
        sources = " ".join(map(_references, LESSONS[command]))
        typer.echo(f"command {command}: {sources or 'no publication is named'}")
    parts = [part for part in catalogue().components if part.name == asked]
    for component in parts if commands else catalogue().find(asked):
        source = component.reference or "no publication is named"
        typer.echo(f"{component.kind} {component.name}: {source}")


def _references(module: str) -> str:
    """The last paragraph of a module's docstring, which lists its sources; nothing without one."""
    text = import_module(f"invprob.training.{module}").__doc__ or ""
    found = re.search(r"^References?: (.*)", text, re.DOTALL | re.MULTILINE)
    return " ".join(found[1].split()) if found else ""
