"""`invprob noise`: how noisy a file is, and what to type for `-l`."""

from __future__ import annotations

import math
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from .device import Device, usable


def noise(
    measurement: Annotated[
        Path, typer.Argument(help="The noisy image: PNG, JPEG, TIFF, FITS, NPY, ...")
    ],
    prior: Annotated[str, typer.Option("--prior", help="Which images are likely.")] = "denoiser",
    page: Annotated[
        int | None, typer.Option(min=0, help="Of a TIFF or FITS file with several.")
    ] = None,
    black: Annotated[
        float, typer.Option(help="The file's value that means 0, such as a camera's offset.")
    ] = 0.0,
    white: Annotated[
        float | None,
        typer.Option(help="The file's value that means 1; by default 255, 65535, or 1."),
    ] = None,
    hot: Annotated[
        Path | None,
        typer.Option(help="Write a mask that is black where isolated pixels stand out."),
    ] = None,
    device: Device = "cpu",
) -> None:
    """Find the noise at each brightness of an image, and which law of noise would explain it.

    It is right to a few percent if the noise is white and its level known to nobody else; a gain
    and a read noise from the data sheet are better. In the unit of [0, 1], as `-l` takes it.
    What to type is said where a law explains the levels. Pixels that are not finite do not count.
    Isolated pixels that stand out, as the hot ones of a sensor do, are counted; with `--hot` they
    do not count for the noise, and a mask without them is written.
    """
    from ..channels import PICTURES
    from ..diagnostics.hot_pixels import hot_pixels
    from ..diagnostics.noise_level import estimate_noise
    from ..formats import is_fits, suffix
    from ..pixels import read_pixels
    from ..units import Unit
    from .channels import channels_of
    from .hot import SPECKLE, check_mask, remark, write_mask
    from .specs import make
    from .unknown_noise import proposing_ends, was_rounded_to_black

    if hot is not None:
        check_mask(hot)
    where, unit = usable(device), Unit(black, white)
    made = None if prior == "denoiser" else make("prior", prior)
    y = unit.read(measurement, page, PICTURES if made is None else channels_of(made))
    unit.warn_if_dim()
    standing_out = hot_pixels(y)
    seen = y.to(where)
    if hot is not None:
        typer.echo(write_mask(hot, y, standing_out))
        seen = seen.masked_fill(standing_out.to(where), math.nan)
    with proposing_ends(unit, measurement, page):
        found = estimate_noise(seen, made)
    if was_rounded_to_black(found, y):
        unit = Unit(*unit.lifted(read_pixels(measurement, page, y.shape[1:2])))
    typer.echo(found)
    bad = int((~y.isfinite()).sum())
    if bad:
        typer.echo(
            f"left out, as not finite: {bad} of all numbers; `solve` wants others in their "
            "place, and a mask that is black there: -A mask:file=MASK.png"
        )
    said = "" if hot else remark(standing_out, "the same command with --hot mask.png")
    if said and found.best.name not in SPECKLE:
        typer.echo(said)
    if found.is_usable:
        options = [f"--{name} {value:g}" for name, value in unit.settings().items()]
        options += [] if page is None else [f"--page {page}"]
        options += [] if prior == "denoiser" else [f"--prior {quote(prior)}"]
        options += [] if device == "cpu" else [f"--device {device}"]
        end = ".png" if y.shape[1] in PICTURES else suffix(measurement)
        end = ".fits" if is_fits(measurement) else end
        mask = ["-A mask:file=MASK.png"] if bad else []
        mask = mask if hot is None else [f"-A mask:file={quote(str(hot))}"]
        options += [f"-l {quote(found.typed)}"] + mask
        words = ["invprob solve", quote(str(measurement)), *options]
        typer.echo(f"try: {' '.join(words)} -o clean{end}")
