"""What the commands that train have in common: options, and how a run is held to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .home import given

if TYPE_CHECKING:
    from ..training.run import Run

Output = Annotated[Path, typer.Option("-o", "--output", help="Weights: FILE.safetensors.")]
CleanImages = Annotated[
    list[Path],
    typer.Argument(
        parser=given,
        metavar="images",
        help="Folders of PNG, JPEG, TIFF, FITS files, single files, .npy arrays (N, H, W[, C]).",
    ),
]
HeldOut = Annotated[
    list[Path] | None,
    typer.Option(
        parser=given,
        metavar="PATH",
        help="Images to validate on, several times; by default every 20th.",
    ),
]
Black = Annotated[
    float, typer.Option(help="The files' value that means 0, such as a camera's offset.")
]
White = Annotated[
    float | None,
    typer.Option(help="The files' value that means 1; by default 255, 65535, or 1."),
]
Hours = Annotated[float, typer.Option(min=0, help="Budget of time, unless --steps.")]
Steps = Annotated[int, typer.Option(min=0, help="Budget of steps.")]
Patch = Annotated[int, typer.Option(help="Their side length in pixels.")]
Scales = Annotated[str, typer.Option(help="At which images are used.")]
Turns = Annotated[bool, typer.Option(help="Turn and flip patches.")]
Seed = Annotated[int, typer.Option(min=0, help="Of all randomness.")]
Every = Annotated[float, typer.Option(min=0, help="Seconds from save to save.")]
Threads = Annotated[int | None, typer.Option(min=1, help="By default what torch takes.")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="Where the run is kept; by default FILE.ckpt. Losses go to a CSV beside it."
    ),
]

EVERY = 20
"""So many-th images are held out, unless it is said which."""


def numbers(name: str, text: str, kind: Any) -> Any:
    """The numbers in an option's text."""
    from ..errors import InputError
    from .values import convert

    try:
        return convert(text, kind)
    except ValueError:
        raise InputError(f"--{name} {text}: give numbers with commas between them") from None


def run_file(output: Path, checkpoint: Path | None) -> Path:
    """Where a run is kept: beside the weights, in a file that no other weights share.

    Raises:
        InputError: the weights are to go to a file that is not FILE.safetensors, or a file can't
            be written, or is taken.
    """
    from ..training.run import check_files

    check_weights_file(output)
    kept = checkpoint or output.with_suffix(".ckpt")
    check_files(output, kept)
    return kept


def check_weights_file(output: Path) -> None:
    """Raise `InputError` for weights that are to go to a file that is not FILE.safetensors."""
    from ..errors import InputError

    if not output.name.strip("."):
        raise InputError(f"-o {output} is a folder: name a file for the weights, FILE.safetensors")
    if output.suffix != ".safetensors":
        is_version = output.suffix[1:].removeprefix("v").isdigit()
        other = output.with_name((output.name if is_version else output.stem) + ".safetensors")
        raise InputError(f"-o {output}: weights are kept in a safetensors file; type -o {other}")


def learn(
    run: Run, output: Path, kept: Path, every: float, report: Callable[[Sequence[float]], None]
) -> None:
    """Train until the budget is used up, and say where the weights are.

    Args:
        run: where to begin.
        output: the weights, which `report` writes.
        kept: the run's checkpoint.
        every: seconds from one report to the next.
        report: gets the losses since the one before.

    Raises:
        KeyboardInterrupt: the run was interrupted; its text says how to go on.
        Terminated: the same, of SIGTERM.
        DivergenceError: it diverged; what is typed goes on from the last good weights.
    """
    from ..errors import DivergenceError
    from ..training.run import train

    try:
        train(run, kept, every, report)
    except KeyboardInterrupt as error:
        raise type(error)(_how_to_go_on(run, kept)) from None
    except DivergenceError as error:
        error.typed = "the same with a smaller --rate"
        if output.exists():
            begun = f" --start {output}" if hasattr(run.task, "start") else ""
            error.typed += f",{begun} -o ANOTHER.safetensors"
        raise
    typer.echo(f"wrote {output}")


def _how_to_go_on(run: Run, checkpoint: Path) -> str:
    """What to do after an interruption."""
    if run.saved is None:
        return f"after step {run.step}; nothing was saved yet: begin anew"
    where = "after" if run.saved == run.step else f"after step {run.step}; {checkpoint} is of"
    return f"{where} step {run.saved}; to go on from {checkpoint}, type the same command"
