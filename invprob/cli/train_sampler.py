"""`invprob train sampler`: learn to draw images behind a measurement, with one call for each."""

from __future__ import annotations

from typing import Annotated

import typer

from .device import Device, usable
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

FEW = 32
"""More images than this are not looked at in a validation."""


def sampler(
    images: CleanImages,
    likelihood: Annotated[
        str, typer.Option("-l", "--likelihood", help="The one noise it is for: gaussian:sigma=0.3")
    ],
    output: Output,
    operator: Annotated[
        str | None, typer.Option("-A", "--operator", help="What comes before the noise.")
    ] = None,
    held_out: HeldOut = None,
    channels: Annotated[
        int | None, typer.Option(min=1, help="1 for gray; by default what the images have.")
    ] = None,
    black: Black = 0.0,
    white: White = None,
    widths: Annotated[str, typer.Option(help="Channels at 1/2, 1/4, ... resolution.")] = "32,64",
    blocks: Annotated[int, typer.Option(help="At each, down and up.")] = 1,
    hours: Hours = 0.6,
    steps: Steps = 0,
    batch: Annotated[int, typer.Option(help="Patches per step.")] = 32,
    patch: Patch = 64,
    scales: Scales = "1",
    turns: Turns = True,
    samples: Annotated[int, typer.Option(help="Of each patch in a step, 2 or more.")] = 2,
    mean: Annotated[float, typer.Option(help="Weight of the penalty on their mean.")] = 10.0,
    slope: Annotated[float, typer.Option(help="Weight of that on the critic's slope.")] = 1.0,
    rate: Annotated[float, typer.Option(help="Greatest learning rate.")] = 2e-3,
    critic_rate: Annotated[float, typer.Option(help="And that of the critic.")] = 4e-3,
    seed: Seed = 0,
    every: Every = 240.0,
    threads: Threads = None,
    device: Device = "cpu",
    checkpoint: Checkpoint = None,
) -> None:
    """Train a sampler of the posterior from clean images, for one likelihood: see `pscgan`.

    It is an adversarial network (PSCGAN): a draw costs one call, where other samplers need
    dozens; but it is of use with this noise at this level alone. Ctrl-C saves the run, and the
    same command goes on. Use the result with `--prior generator:file=FILE.safetensors`, or in
    Python `GeneratorPrior.load(path)`.

    Images of one kind that are all of a size are best learned whole: `--patch 28 --no-turns` for
    digits of 28 x 28 pixels. Larger ones want more resolutions: `--widths 32,64,96`.
    """
    from functools import partial

    import torch

    from ..errors import InputError
    from ..training.adversarial import Weights
    from ..training.images import read_apart
    from ..training.patches import store_photos
    from ..training.run import begin
    from ..training.sampler import PosteriorSampling, Recipe, centre, made_for, report
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
        turns=turns,
        weights=Weights(samples, mean, slope),
        rate=rate,
        critic_rate=critic_rate,
        seed=seed,
    )
    noise = make_noise(likelihood, operator)
    shape = numbers("widths", widths, tuple[int, ...])
    sizes = numbers("scales", scales, tuple[float, ...])
    where, unit = usable(device), Unit(black, white)
    learned, apart, skipped = read_apart(images, held_out or [], channels, patch, EVERY, unit)
    for reason in skipped:
        typer.echo(f"left out {reason}", err=True)
    photos = store_photos(learned, patch, sizes, where)
    architecture = made_for(noise, photos.channels, shape, blocks)
    task = PosteriorSampling(recipe, architecture, photos, noise, unit)
    fitting = [centre(photo) for photo in apart if photo.shape[0] == photos.channels]
    if not fitting:
        raise InputError(
            f"no image that is held out has {photos.channels} channels, as those that are learned "
            "from have: name some by --held-out, or say --channels"
        )
    some = fitting[:: max(1, -(-len(fitting) // FEW))]
    run = begin(task, output, kept, typer.echo, where)
    learn(run, output, kept, every, partial(report, run, some, output, typer.echo))
