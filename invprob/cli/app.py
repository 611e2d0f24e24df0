"""The commands, their common options, and what becomes of errors.

A new command is a function in a file of its own and a line here. Errors that invprob raises on
purpose end in one message on standard error and exit code 2, or 1 if a run failed midway;
`--debug` or `INVPROB_DEBUG=1` shows the traceback instead, as `INVPROB_STRICT=1` does of a broken
plugin. Warnings are one line each.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import (
    CheckpointError,
    DivergenceError,
    InvprobError,
    PluginError,
    Terminated,
    WeightsError,
)
from .adapt import adapt
from .check import check
from .cite import cite
from .demo import demo
from .home import paths_at_home
from .matrix import matrix
from .noise_level import noise
from .plugins import plugins
from .simulate import simulate
from .solve import solve
from .train import train

FAILURES = (CheckpointError, DivergenceError, WeightsError, OSError)
"""What can go wrong although everything was typed right."""


class Commands(TyperGroup):
    """A group of commands that reports errors and warnings as messages."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with _short_messages(debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of this name; where none is like it, the error names all."""
        names = self.list_commands(ctx)
        if not args[0].startswith("-") and not get_close_matches(args[0], names):
            ctx.fail(f"No such command '{args[0]}'. There is: {', '.join(names)}.")
        return super().resolve_command(ctx, args)


@contextlib.contextmanager
def _short_messages(*, debug: bool) -> Iterator[None]:
    if debug:
        yield
        return
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            yield
        except (BrokenPipeError, PluginError):  # `invprob plugins | head`; INVPROB_STRICT=1
            raise
        except (InvprobError, OSError) as error:
            _say("error", str(error), typer.colors.RED)
            if typed := getattr(error, "typed", ""):
                typer.echo(f"on the command line: {typed}", err=True)
            raise typer.Exit(1 if isinstance(error, FAILURES) else 2) from None
        except KeyboardInterrupt as error:
            _say("stopped", str(error) or "interrupted", typer.colors.YELLOW)
            raise typer.Exit(143 if isinstance(error, Terminated) else 130) from None


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _say("warning", str(message), typer.colors.YELLOW)


def _say(kind: str, message: str, colour: str) -> None:
    typer.secho(f"{kind}: ", fg=colour, bold=True, err=True, nl=False)
    typer.echo(message, err=True)


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"invprob {__version__}")
        raise typer.Exit


def common(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks.", envvar="INVPROB_DEBUG")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Inverse problems in imaging: a prior, a likelihood and a solver; the image back.

    Try it: `invprob demo`. Parts are written as NAME:KEY=VALUE,...; `invprob plugins` lists them.
    A part within a part is put in parentheses: "mixture:noise=(poisson:peak=30),sigma=0.02".
    All values are in the unit of images in [0, 1]: noise of 25 gray levels is sigma=25/255.
    """


app = typer.Typer(
    cls=Commands,
    callback=common,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (demo, solve, noise, simulate, adapt, matrix, plugins, check, cite):
    app.command()(paths_at_home(_command))
app.add_typer(train, name="train")
