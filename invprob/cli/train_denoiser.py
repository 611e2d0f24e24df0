"""`invprob train denoiser`: learn a denoiser from clean images of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .device import Device, usable
from .home import at_home
from .training import (
    EVERY,
    Black,
    Checkpoint,
    CleanImages,
    Every,
    HeldOut,
    Hours,
    Output,
    Patch,
    Scales,
    Seed,
    Steps,
    Threads,
    Turns,
    White,
    learn,
    numbers,
    run_file,
)

if TYPE_CHECKING:
    from ..networks.denoiser import Architecture, Denoiser

FEW = 8
"""More images than this are not looked at in a validation."""


def denoiser(
    images: CleanImages,
    output: Output,
    held_out: HeldOut = None,
    channels: Annotated[
        int | None,
        typer.Option(min=1, help="1 for gray; by default what the images have, and gray, too."),
    ] = None,
    black: Black = 0.0,
    white: White = None,
    start: Annotated[
        str | None,
        typer.Option(help="Weights to begin with: a file of this command's, or 'pretrained'."),
    ] = None,
    widths: Annotated[
        str | None, typer.Option(help="Channels at 1/2, 1/4, 1/8; by default 96,128,128.")
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="Blocks at 1/2, 1/4, 1/8, down; by default 2,2,2.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="Blocks at 1/2, 1/4, up; by default 2,1.")
    ] = None,
    hours: Hours = 1.2,
    steps: Steps = 0,
    batch: Annotated[int, typer.Option(min=1, help="Patches per step.")] = 16,
    patch: Patch = 64,
    scales: Scales = "1,0.8,0.65,0.5",
    turns: Turns = True,
    tries: Annotated[
        int, typer.Option(min=1, help="Patches drawn for each, of which the roughest is kept.")
    ] = 1,
    rate: Annotated[float, typer.Option(help="Greatest learning rate of kernels.")] = 2.5e-3,
    adam_rate: Annotated[float, typer.Option(help="And of all else.")] = 5e-4,
    centre: Annotated[float, typer.Option(help="Most noise levels are about it.")] = 0.12,
    spread: Annotated[float, typer.Option(help="How far, in units of log sigma.")] = 1.1,
    chroma: Annotated[
        float, typer.Option(help="How many times as much errors of colour alone count.")
    ] = 1.0,
    shapes: Annotated[
        bool, typer.Option(help="Paint edges and stripes over one patch in four: photographs.")
    ] = False,
    seed: Seed = 0,
    every: Every = 240.0,
    threads: Threads = None,
    device: Device = "cpu",
    checkpoint: Checkpoint = None,
) -> None:
    """Train a denoiser, a prior for every solver that samples or plugs in, from clean images.

    Ctrl-C saves the run, and the same command goes on. With `--start pretrained` an
    embedded denoiser goes on learning, from your images: the one for colour, or the one for
    gray if they are gray or with `--channels 1`. Use the result with
    `--prior denoiser:file=FILE.safetensors`, or in Python `DenoiserPrior.load(path)`.
    Raw numbers of an instrument: `--white`, and `--black`, as for `solve`.
    """
    from functools import partial

    import attrs
    import torch

    from ..networks.denoiser import Architecture
    from ..networks.stored_denoiser import load_denoiser
    from ..training.denoising import Denoising, Recipe
    from ..training.images import read_apart
    from ..training.patches import store_photos
    from ..training.run import begin
    from ..training.validation import COLUMNS, report
    from ..units import Unit

    kept = run_file(output, checkpoint)
    if threads:
        torch.set_num_threads(threads)
    recipe = Recipe(
        steps=steps,
        hours=hours,
        batch=batch,
        patch=patch,
        rate=rate,
        adam_rate=adam_rate,
        turns=turns,
        tries=tries,
        centre=centre,
        spread=spread,
        chroma=chroma,
        shapes=shapes,
        seed=seed,
    )
    shape = {
        name: numbers(name, text, tuple[int, ...])
        for name, text in (("widths", widths), ("before", before), ("after", after))
        if text is not None
    }
    sizes = numbers("scales", scales, tuple[float, ...])
    begun = load_denoiser(at_home(start)) if start not in (None, "pretrained") else None
    where, unit = usable(device), Unit(black, white)
    learned, apart, skipped = read_apart(images, held_out or [], channels, patch, EVERY, unit)
    for reason in skipped:
        typer.echo(f"left out {reason}", err=True)
    photos = store_photos(learned, patch, sizes, where)
    known = (1, 3) if photos.channels == 3 and channels is None else (photos.channels,)
    if start == "pretrained":
        begun = _pretrained(photos.channels)
    architecture = attrs.evolve(_learned(begun, known) if begun else Architecture(known), **shape)
    task = Denoising(recipe, architecture, photos, begun, unit)
    run = begin(task, output, kept, typer.echo, where)
    typer.echo(COLUMNS)
    some = apart[:: -(-len(apart) // FEW)]
    learn(run, output, kept, every, partial(report, run, some, output, typer.echo))


def _learned(begun: Denoiser, known: tuple[int, ...]) -> Architecture:
    """A network to begin with, for those of its channel counts that the photos have."""
    import attrs

    own = begun.architecture
    kept = tuple(count for count in own.channels if count in known)
    if kept in ((), own.channels):  # with none, the task says why not
        return own
    before, after = (" and ".join(map(str, counts)) for counts in (own.channels, kept))
    typer.echo(f"weights for {before} channels; {after} goes on learning")
    return attrs.evolve(own, channels=kept)


def _pretrained(channels: int) -> Denoiser:
    """The embedded network for images of so many channels; the task refuses others."""
    from ..networks.stored_denoiser import COLOUR, GRAY

    weights = GRAY if channels == 1 else COLOUR
    if channels == 3:
        typer.echo("the embedded network for colour goes on learning; for gray: --channels 1")
    return weights.load()
