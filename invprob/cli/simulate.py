"""`invprob simulate`: a clean image in a file, a measurement of it in another."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import FileWarning, InputError

if TYPE_CHECKING:
    from torch import Tensor

    from .outputs import Outputs


ROUNDING = 1e-5
"""By so much a clean image may leave [0, 1]: a black and a white level are typed in few digits."""


def simulate(
    clean: Annotated[
        Path, typer.Argument(help="The clean image: PNG, JPEG, TIFF, FITS, NPY, ...")
    ],
    likelihood: Annotated[
        str, typer.Option("-l", "--likelihood", help="What happens to it: gaussian:sigma=25/255")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="An image file.")],
    operator: Annotated[
        str | None,
        typer.Option("-A", "--operator", help="What comes before the noise: mask:file=mask.png"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the noise.")] = 0,
    page: Annotated[
        int | None, typer.Option(min=0, help="Of a TIFF or FITS file with several.")
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(help="8, 16, TIFF and FITS also 32; by default 8, or 32 where it can be."),
    ] = None,
    black: Annotated[float, typer.Option(help="The files' value that means 0.")] = 0.0,
    white: Annotated[
        float | None,
        typer.Option(help="The files' value that means 1; by default 255, 65535, or 1."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Make a measurement of a clean image.

    A .tif, .fits or .npy file keeps every value in 32 bits; .png and .jpg keep [0, 1] only, in
    whole levels, which bends the noise: `invprob solve` then works with another than it is told.
    With `--white`, and `--black`, .tif, .fits and .npy files are in an instrument's unit.
    """
    from ..formats import depth
    from ..images import check_ends, in_unit
    from ..pixels import read_pixels
    from ..problem import no_likelihood
    from ..streams import generator
    from .coefficients import is_no_image, write_coefficients
    from .cropping import what_is_cropped
    from .encoding import Encoding
    from .noise import make_noise
    from .outputs import Outputs

    files = Outputs(output, encoding=Encoding(depth(output, bits), black, white, like=clean))
    check_ends(black, white)
    x = in_unit(read_pixels(clean, page, None), clean, black, white)
    if float(x.min()) < -ROUNDING or float(x.max()) > 1 + ROUNDING:
        least, most = (float(end) * ((white or 1) - black) + black for end in x.aminmax())
        ends = [f"--black {least:g}"] * (least < black) + [f"--white {most:g}"]
        raise InputError(
            f"{clean} has values from {float(x.min()):.4g} to {float(x.max()):.4g}; a clean image "
            "lives in [0, 1]: divide it by its white level",
            typed=" ".join(ends),
        )
    noise = make_noise(likelihood, operator)
    if reason := no_likelihood(noise):
        raise InputError(reason)
    with files.checked(clean, force=force):
        y = noise.sample(x, generator(seed))
        if is_no_image(y, x):
            write_coefficients(output, y, black, white)
        else:
            files.encoding.check_holds(output, y.shape[1])
            files.encoding.write(output, y)
    if not is_no_image(y, x):
        _say_what_is_lost(noise, y, files)
    typer.echo(f"wrote {output}: {noise!r}, seed {seed}")
    if part := what_is_cropped(x, noise):
        typer.echo(f"{output} has {part}: of these all light is known")


def _say_what_is_lost(noise: Any, y: Tensor, files: Outputs) -> None:
    """Warn if the file does not hold the measurement, and the more if `solve` can't use it."""
    from ..contracts import ChecksMeasurement

    output, encoding = files.estimate, files.encoding
    try:
        if isinstance(noise, ChecksMeasurement):
            noise.check_measurement(encoding.read(output, y.shape[1]))
    except InputError as error:
        warnings.warn(
            f"{output} is good to look at, but `invprob solve` will refuse it, because "
            f"{encoding.bits} bits do not hold this noise: {str(error).partition(';')[0]}; "
            f"{encoding.keeper(output)} keeps every value",
            FileWarning,
            stacklevel=1,
        )
        return
    if lost := encoding.clipped(output, y):
        warnings.warn(
            f"{lost}, so the noise in {output} is not quite {noise!r}; {encoding.keeper(output)} "
            "keeps them",
            FileWarning,
            stacklevel=1,
        )
