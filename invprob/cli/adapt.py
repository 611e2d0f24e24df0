"""`invprob adapt`: tell the denoiser what one noisy image is like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .device import Device, usable


def adapt(
    image: Annotated[
        Path, typer.Argument(help="The noisy image: PNG, JPEG, TIFF, FITS, NPY, ...")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Weights: FILE.safetensors.")],
    sigma: Annotated[
        str | None,
        typer.Option(
            help="Its noise, images in [0, 1], such as 25/255; by default it is found in it."
        ),
    ] = None,
    prior: Annotated[str, typer.Option(help="The denoiser to begin with.")] = "denoiser",
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
    steps: Annotated[int, typer.Option(min=1, help="At most.")] = 200,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = 1e-3,
    seed: Annotated[int, typer.Option(min=0, help="Of all randomness.")] = 0,
    device: Device = "cpu",
) -> None:
    """Adapt a denoiser to one noisy image, where photographs are a poor guide (text).

    Use the result for this image, and for others like it, with
    `--prior denoiser:file=FILE.safetensors`. Nothing is written if there is no clear improvement.
    Raw numbers of an instrument: `--white`, and `--black`, as for `solve`.
    """
    from ..errors import InputError
    from ..files import check_writable
    from ..training.adapting import adapt as learn
    from ..units import Unit
    from .channels import channels_of
    from .specs import make
    from .training import check_weights_file
    from .unknown_noise import even_noise

    level = None if sigma is None else _number(sigma)
    check_weights_file(output)
    if output.exists() or not output.parent.is_dir():
        raise InputError(f"{output} exists, or its folder does not: name another file")
    check_writable(output)
    where, unit = usable(device), Unit(black, white)
    begun = make("prior", prior)
    y = unit.read(image, page, channels_of(begun))
    unit.warn_if_dim()
    if level is None:
        level = even_noise(y.to(where), begun, unit, image, page)
        typer.echo(f"noise of {image}: sigma={level:.3g}, as found in it; if you know: --sigma")
    found = learn(begun, y.to(where), level, steps=steps, rate=rate, seed=seed)
    if not found.improved:
        raise typer.Exit(1)
    found.save(output)
    before, after = found.history[0], found.history[found.step]
    typer.echo(f"estimated PSNR {before:.2f} dB before, {after:.2f} dB after {found.step} steps")
    typer.echo(f"wrote {output}")


def _number(text: str) -> float:
    from ..errors import InputError
    from .values import convert

    try:
        level = convert(text, float)
    except ValueError:
        raise InputError(f"--sigma {text}: give a number, such as 0.1 or 25/255") from None
    if not isinstance(level, float):
        raise TypeError("a number was read as something else")
    return level
