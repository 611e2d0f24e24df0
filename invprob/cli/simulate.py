"""`invprob simulate`: a clean image in a file, a measurement of it in another."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError


def simulate(
    clean: Annotated[Path, typer.Argument(help="The clean image: PNG, JPEG or TIFF.")],
    likelihood: Annotated[
        str, typer.Option("-l", "--likelihood", help="What happens to it: gaussian:sigma=25/255")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="An image file.")],
    operator: Annotated[
        str | None,
        typer.Option("-A", "--operator", help="What comes before the noise: mask:file=mask.png"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the noise.")] = 0,
    page: Annotated[int | None, typer.Option(min=0, help="Of a TIFF file with several.")] = None,
    bits: Annotated[
        int | None, typer.Option(help="8 or 16 bits, 32 for TIFF; by default 8, TIFF 32.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Make a measurement of a clean image.

    A .tif file keeps every value in 32 bits; .png and .jpg keep [0, 1] only, in whole levels,
    which bends the noise: `invprob solve` then works with another noise than it is told.
    """
    from ..formats import depth
    from ..images import read_image, write_image
    from ..streams import generator
    from .noise import make_noise
    from .outputs import Outputs

    files = Outputs(output, bits=depth(output, bits))
    x = read_image(clean, page=page)
    if float(x.min()) < 0 or float(x.max()) > 1:
        raise InputError(
            f"{clean} has values from {float(x.min()):.4g} to {float(x.max()):.4g}; a clean image "
            "lives in [0, 1]: divide it by its white level"
        )
    noise = make_noise(likelihood, operator)
    files.check(clean, force=force)
    y = noise.sample(x, generator(seed))
    if y.ndim != 4 or y.shape[1] not in (1, 3):
        raise InputError(
            f"{noise!r} makes measurements of shape {tuple(y.shape[1:])}, which no image file "
            "holds; simulate this one in Python"
        )
    write_image(output, y, bits=files.bits)
    lost = float(((y < 0) | (y > 1)).double().mean())
    if lost and files.bits != 32:
        warnings.warn(
            f"{lost:.1%} of the values were outside [0, 1] and are clipped, so the noise in "
            f"{output} is not quite {noise!r}; {output.with_suffix('.tif')} keeps them",
            stacklevel=1,
        )
    typer.echo(f"wrote {output}: {noise!r}, seed {seed}")
