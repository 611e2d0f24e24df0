"""`invprob train`: learn a prior from images of your own."""

from __future__ import annotations

from typing import Annotated

import typer

from .device import Device, usable
from .home import paths_at_home
from .train_denoiser import denoiser
from .train_sampler import sampler
from .train_score import score
from .training import (
    EVERY,
    Black,
    Checkpoint,
    CleanImages,
    Every,
    HeldOut,
    Hours,
    Output,
    Seed,
    Steps,
    Threads,
    White,
    learn,
    numbers,
    run_file,
)

train = typer.Typer(no_args_is_help=True)
for _command in (denoiser, score, sampler):
    train.command()(paths_at_home(_command))

MOST = 1000
"""More images than this are not looked at in a validation."""


@train.callback()
def _group() -> None:
    """Learn a prior from your own images."""


@train.command()
@paths_at_home
def flow(
    images: CleanImages,
    output: Output,
    held_out: HeldOut = None,
    channels: Annotated[
        int | None, typer.Option(min=1, help="1 for gray, 3 for colour; by default what all have.")
    ] = None,
    black: Black = 0.0,
    white: White = None,
    size: Annotated[
        str | None, typer.Option(help="H,W to cut from larger images, such as 32,32.")
    ] = None,
    depths: Annotated[str, typer.Option(help="Steps at each level, finest first.")] = "8,16",
    width: Annotated[int, typer.Option(min=1, help="Hidden channels of each coupling.")] = 96,
    bits: Annotated[
        int, typer.Option(min=1, max=16, help="Levels of gray: 2^bits; of 8-bit files at most 8.")
    ] = 5,
    hours: Hours = 0.6,
    steps: Steps = 0,
    batch: Annotated[int, typer.Option(min=1, help="Images per step.")] = 64,
    rate: Annotated[float, typer.Option(help="Greatest learning rate.")] = 4e-3,
    noisy: Annotated[float, typer.Option(help="Share of the images that get noise.")] = 0.25,
    noise: Annotated[float, typer.Option(help="Its greatest sigma, images in [0, 1].")] = 0.5,
    seed: Seed = 0,
    every: Every = 120.0,
    threads: Threads = None,
    device: Device = "cpu",
    checkpoint: Checkpoint = None,
) -> None:
    """Train a Glow, a prior with an exact density, for MAP.

    Ctrl-C saves the run, and the same command goes on. Use the result with
    `--prior flow:file=FILE.safetensors`, or in Python `FlowPrior.load(path)`.
    Raw numbers of an instrument: `--white`, and `--black`, as for `solve`.
    """
    from functools import partial

    import torch

    from ..networks.glow import Architecture
    from ..training.flow import MaximumLikelihood, Recipe, report
    from ..training.images import load_images
    from ..training.run import begin
    from ..units import Unit

    kept = run_file(output, checkpoint)
    if threads:
        torch.set_num_threads(threads)
    recipe = Recipe(
        steps=steps, hours=hours, batch=batch, rate=rate, noisy=noisy, noise=noise, seed=seed
    )
    levels = numbers("depths", depths, tuple[int, ...])
    where = usable(device)
    cut = None if size is None else numbers("size", size, tuple[int, int])
    unit = Unit(black, white)
    learned = load_images(images, channels, cut, unit, held_out or [])
    if held_out:
        apart = load_images(held_out, learned.shape[0], learned.size, unit)
    else:
        learned, apart = learned.split(EVERY)
    for reason in (*learned.skipped, *apart.skipped):
        typer.echo(f"left out {reason}", err=True)
    architecture = Architecture(learned.shape, levels, width, bits)
    task = MaximumLikelihood(recipe, architecture, learned, unit)
    run = begin(task, output, kept, typer.echo, where)
    learn(run, output, kept, every, partial(report, run, apart.centres(MOST), output, typer.echo))
