"""`invprob train`: learn a prior from images of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

train = typer.Typer(no_args_is_help=True)

EVERY = 20
"""So many-th images are held out, unless it is said which."""

MOST = 1000
"""More images than this are not looked at in a validation."""


@train.callback()
def _group() -> None:
    """Learn a prior from your own images."""


@train.command()
def flow(
    images: Annotated[
        list[Path],
        typer.Argument(help="Folders of PNG, JPEG and TIFF files, single files, .npy arrays."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Weights: FILE.safetensors.")],
    held_out: Annotated[
        Path | None, typer.Option(help="Images to validate on; by default every 20th.")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, max=3, help="1 for gray, 3 for colour.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="H,W to cut from larger images, such as 32,32.")
    ] = None,
    depths: Annotated[str, typer.Option(help="Steps at each level, finest first.")] = "8,16",
    width: Annotated[int, typer.Option(min=1, help="Hidden channels of each coupling.")] = 96,
    bits: Annotated[int, typer.Option(min=1, max=16, help="Levels of gray: 2^bits.")] = 5,
    hours: Annotated[float, typer.Option(min=0, help="Budget of time, unless --steps.")] = 0.6,
    steps: Annotated[int, typer.Option(min=0, help="Budget of steps.")] = 0,
    batch: Annotated[int, typer.Option(min=1, help="Images per step.")] = 64,
    rate: Annotated[float, typer.Option(help="Greatest learning rate.")] = 4e-3,
    noisy: Annotated[float, typer.Option(help="Share of the images that get noise.")] = 0.25,
    noise: Annotated[float, typer.Option(help="Its greatest sigma, images in [0, 1].")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Of all randomness.")] = 0,
    every: Annotated[float, typer.Option(min=0, help="Seconds from save to save.")] = 120.0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="By default what torch takes.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Where the run is kept; by default FILE.ckpt.")
    ] = None,
) -> None:
    """Train a Glow, a prior with an exact density, for MAP.

    Interrupted, the same command goes on from the last save. Use the result with
    `--prior flow:file=FILE.safetensors`, or in Python `FlowPrior.load(path)`.
    """
    from functools import partial

    import torch

    from ..networks.glow import Architecture
    from ..training.flow import MaximumLikelihood, Recipe, report
    from ..training.images import load_images
    from ..training.run import begin
    from ..training.run import train as learn

    if threads:
        torch.set_num_threads(threads)
    recipe = Recipe(
        steps=steps, hours=hours, batch=batch, rate=rate, noisy=noisy, noise=noise, seed=seed
    )
    levels = _convert("depths", depths, tuple[int, ...])
    cut = None if size is None else _convert("size", size, tuple[int, int])
    learned = load_images(images, channels, cut)
    if held_out is None:
        learned, apart = learned.split(EVERY)
    else:
        apart = load_images([held_out], learned.shape[0], learned.size)
    for reason in (*learned.skipped, *apart.skipped):
        typer.echo(f"left out {reason}", err=True)
    architecture = Architecture(learned.shape, levels, width, bits)
    task = MaximumLikelihood(recipe, architecture, learned)
    kept = checkpoint or output.with_suffix(".ckpt")
    run = begin(task, output, kept, typer.echo)
    try:
        learn(run, kept, every, partial(report, run, apart.centres(MOST), output, typer.echo))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_go_on(run.step, kept)) from None
    typer.echo(f"wrote {output}")


@train.command()
def score(
    images: Annotated[
        list[Path],
        typer.Argument(help="Folders of noisy images (PNG, JPEG, TIFF), or single files."),
    ],
    likelihood: Annotated[
        str, typer.Option("-l", "--likelihood", help="Their noise: gaussian:sigma=25/255")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Weights: FILE.safetensors.")],
    simulate: Annotated[
        bool, typer.Option("--simulate", help="They are clean: give each its noise, once.")
    ] = False,
    channels: Annotated[
        int | None, typer.Option(min=1, max=3, help="1 for gray, 3 for colour.")
    ] = None,
    widths: Annotated[
        str, typer.Option(help="Channels at 1/2, 1/4 and 1/8 resolution.")
    ] = "48,64,96",
    before: Annotated[str, typer.Option(help="Blocks on the way down.")] = "2,1,1",
    after: Annotated[str, typer.Option(help="Blocks on the way up, finest first.")] = "2,1",
    hours: Annotated[float, typer.Option(min=0, help="Budget of time, unless --steps.")] = 0.5,
    steps: Annotated[int, typer.Option(min=0, help="Budget of steps.")] = 0,
    batch: Annotated[int, typer.Option(help="Patches per step, an even number.")] = 16,
    patch: Annotated[int, typer.Option(help="Their side in pixels.")] = 64,
    least: Annotated[float, typer.Option(help="Least perturbation, in units of the noise.")] = 0.3,
    greatest: Annotated[float, typer.Option(help="Greatest perturbation.")] = 1.0,
    muon_rate: Annotated[float, typer.Option(help="Learning rate of kernels.")] = 2.5e-3,
    adam_rate: Annotated[float, typer.Option(help="Learning rate of all else.")] = 5e-4,
    seed: Annotated[int, typer.Option(min=0, help="Of all randomness.")] = 0,
    every: Annotated[float, typer.Option(min=0, help="Seconds from save to save.")] = 120.0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="By default what torch takes.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda for a graphics card.")] = "cpu",
    start: Annotated[
        Path | None, typer.Option(help="Weights to begin from, learned for another noise.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Where the run is kept; by default FILE.ckpt.")
    ] = None,
) -> None:
    """Learn the score of noisy images, from noisy images alone, for `score-equation`.

    Interrupted, the same command goes on from the last save. Use the result with
    `--prior measured:file=FILE.safetensors`, or in Python `MeasuredPrior.load(path)`.
    """
    from functools import partial

    import torch

    from ..networks.coordinates import measure
    from ..networks.score import Architecture
    from ..training.noisy import NoisyImages, load_noisy
    from ..training.run import begin
    from ..training.run import train as learn
    from ..training.score import HeldOut, Recipe, ScoreMatching, report
    from .specs import make_noise

    if threads:
        torch.set_num_threads(threads)
    where = _device(device)
    recipe = Recipe(
        steps=steps,
        hours=hours,
        batch=batch,
        patch=patch,
        least=least,
        greatest=greatest,
        muon_rate=muon_rate,
        adam_rate=adam_rate,
        seed=seed,
    )
    noise = make_noise(likelihood, None)
    coordinates = measure(noise)
    sizes = {
        "widths": _convert("widths", widths, tuple[int, int, int]),
        "before": _convert("before", before, tuple[int, int, int]),
        "after": _convert("after", after, tuple[int, int]),
    }
    found = load_noisy(images, noise, patch, channels, seed if simulate else None)
    for reason in found.skipped:
        typer.echo(f"left out {reason}", err=True)
    architecture = Architecture(found.channels, coordinates, noise=repr(noise), **sizes)
    learned, apart = found.split(EVERY)
    task, check = (
        ScoreMatching(recipe, architecture, NoisyImages.of(some, coordinates, where), where, start)
        for some in (learned, apart)
    )
    held_out = HeldOut(check, noise, apart)
    kept = checkpoint or output.with_suffix(".ckpt")
    run = begin(task, output, kept, typer.echo)
    try:
        learn(run, kept, every, partial(report, run, held_out, output, typer.echo))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_go_on(run.step, kept)) from None
    typer.echo(f"wrote {output}")


def _device(text: str) -> Any:
    import torch

    from ..errors import InputError

    try:
        device = torch.device(text)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"--device {text}: this torch can't compute there; type cpu ({error})"
        ) from None
    return device


def _convert(name: str, text: str, kind: Any) -> Any:
    from ..errors import InputError
    from .values import convert

    try:
        return convert(text, kind)
    except ValueError:
        raise InputError(f"--{name} {text}: give whole numbers with commas between them") from None


def _how_to_go_on(step: int, checkpoint: Path) -> str:
    if not checkpoint.exists():
        return f"after step {step}; nothing was saved yet, --every says how often it is"
    return f"after step {step}; to go on from the last save, {checkpoint}, type the same command"
