"""`invprob train score`: learn from noisy images alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .device import Device, usable
from .home import given
from .training import (
    EVERY,
    Black,
    Checkpoint,
    Every,
    Hours,
    Output,
    Patch,
    Seed,
    Steps,
    Threads,
    Turns,
    White,
    learn,
    numbers,
    run_file,
)


def score(
    images: Annotated[
        list[Path],
        typer.Argument(
            parser=given,
            metavar="images",
            help="Folders of noisy images (PNG, JPEG, TIFF, FITS), or single files.",
        ),
    ],
    likelihood: Annotated[
        str, typer.Option("-l", "--likelihood", help="Their noise: gaussian:sigma=25/255")
    ],
    output: Output,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="They are clean: give each its noise, once.")
    ] = False,
    channels: Annotated[
        int | None, typer.Option(min=1, help="By default what all images have.")
    ] = None,
    black: Black = 0.0,
    white: White = None,
    widths: Annotated[
        str | None, typer.Option(help="Channels at 1/2, 1/4, 1/8; by default 48,64,96.")
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="Blocks at 1/2, 1/4, 1/8, down; by default 2,1,1.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="Blocks at 1/2, 1/4, up; by default 2,1.")
    ] = None,
    hours: Hours = 0.5,
    steps: Steps = 0,
    batch: Annotated[int, typer.Option(help="Patches per step, an even number.")] = 16,
    patch: Patch = 64,
    turns: Turns = True,
    least: Annotated[float, typer.Option(help="Least perturbation, in units of the noise.")] = 0.3,
    greatest: Annotated[float, typer.Option(help="Greatest perturbation.")] = 1.0,
    rate: Annotated[float, typer.Option(help="Greatest learning rate of kernels.")] = 2.5e-3,
    adam_rate: Annotated[float, typer.Option(help="And of all else.")] = 5e-4,
    seed: Seed = 0,
    every: Every = 120.0,
    threads: Threads = None,
    device: Device = "cpu",
    start: Annotated[
        Path | None,
        typer.Option(help="Weights to begin with, of another noise; the network is as theirs."),
    ] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Learn the score of noisy images, from noisy images alone, for `score-equation`.

    Ctrl-C saves the run, and the same command goes on. Use the result with
    `--prior measured:file=FILE.safetensors`, or in Python `MeasuredPrior.load(path)`; for the
    posterior mean of Poisson counts say what peak they have, `measured:file=FILE,peak=30`.
    Raw numbers of an instrument: `--white`, and `--black`, as for `solve`; raw counts of which 200
    is bright are `--white 200 -l poisson:peak=200`.
    """
    from functools import partial

    import attrs
    import torch

    from ..networks.coordinates import measure
    from ..networks.score import Architecture
    from ..networks.stored_score import read_score_architecture
    from ..training.noisy import load_noisy, store_noisy
    from ..training.run import begin
    from ..training.score import HeldOut, Recipe, ScoreMatching, report
    from ..units import Unit
    from .noise import make_noise

    kept = run_file(output, checkpoint)
    if threads:
        torch.set_num_threads(threads)
    recipe = Recipe(
        steps=steps,
        hours=hours,
        batch=batch,
        patch=patch,
        least=least,
        greatest=greatest,
        rate=rate,
        adam_rate=adam_rate,
        turns=turns,
        seed=seed,
    )
    noise = make_noise(likelihood, None)
    coordinates = measure(noise)
    parts = {
        name: numbers(name, text, tuple[int, ...])
        for name, text in (("widths", widths), ("before", before), ("after", after))
        if text is not None
    }
    begun = read_score_architecture(start) if start else None
    where = usable(device)
    unit = Unit(black, white)
    found = load_noisy(images, noise, patch, channels, seed if simulate else None, unit)
    for reason in found.skipped:
        typer.echo(f"left out {reason}", err=True)
    parts |= {"channels": found.channels, "coordinates": coordinates, "noise": repr(noise)}
    architecture = attrs.evolve(begun, **parts) if begun else Architecture(**parts)
    learned, apart = found.split(EVERY)
    task, check = (
        ScoreMatching(recipe, architecture, store_noisy(some, coordinates, where), start, unit)
        for some in (learned, apart)
    )
    run = begin(task, output, kept, typer.echo, where)
    held_out = HeldOut(check, noise, apart)
    learn(run, output, kept, every, partial(report, run, held_out, output, typer.echo))
