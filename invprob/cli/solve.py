"""`invprob solve`: a measurement in a file, the image in another; or many of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError
from .device import Device, usable
from .home import given
from .outputs import Target, named


def page_of(text: str) -> int | str:
    """The number of a page, or "all"; `InputError` for anything else."""
    if text == "all" or (text.isascii() and text.isdigit()):
        return text if text == "all" else int(text)
    raise InputError(f"{text!r} is no page; the first is 0, and all of them are all")


def solve(
    measurements: Annotated[
        list[Path],
        typer.Argument(
            parser=given,
            metavar="MEASUREMENT",
            help="The noisy image: PNG, JPEG, TIFF, FITS, NPY, ...; or several, or a folder.",
        ),
    ],
    output: Annotated[
        Target,
        typer.Option(
            "-o", "--output", parser=named, metavar="PATH", help="An image file, or a folder."
        ),
    ],
    likelihood: Annotated[
        str | None,
        typer.Option(
            "-l",
            "--likelihood",
            help="How it arose: gaussian:sigma=25/255; by default the noise is found in it.",
        ),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option("-A", "--operator", help="What came before the noise: mask:file=mask.png"),
    ] = None,
    solver: Annotated[
        str | None, typer.Option("-s", "--solver", help="By default the recommended one.")
    ] = None,
    prior: Annotated[str, typer.Option("--prior", help="Which images are likely.")] = "denoiser",
    samples: Annotated[
        int | None, typer.Option(min=1, help="How many posterior samples; 8 is a good start.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all randomness.")] = 0,
    page: Annotated[
        Any,
        typer.Option(
            parser=page_of, metavar="N|all", help="Of a TIFF or FITS file with several; or all."
        ),
    ] = None,
    black: Annotated[
        float, typer.Option(help="The file's value that means 0, such as a camera's offset.")
    ] = 0.0,
    white: Annotated[
        float | None,
        typer.Option(help="The file's value that means 1; by default 255, 65535, or 1."),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(help="8, 16, TIFF and FITS also 32; by default 8, or 32 where it can be."),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Save the run to this file now and then, and on Ctrl-C.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Steps from one save to the next.")] = 10,
    resume: Annotated[
        Path | None, typer.Option(help="Go on from this file; all else as it was.")
    ] = None,
    device: Device = "cpu",
    force: Annotated[bool, typer.Option("--force", help="Write over existing files.")] = False,
) -> None:
    """Estimate the image behind a measurement, or draw samples of what it may have been.

    `invprob solve noisy.png -o clean.png` finds the noise in the image and says which; what is
    known of it, by `-l`, is better, and `invprob noise` says more of it.

    With `-o clean.png --samples 3`, clean.png is the mean of the samples; clean-std.tif (32 bits,
    in the unit of the image), clean-sample-0.png ... and clean-panel.png lie beside it. With
    `-o run/` the same files lie in that folder: mean.png, std.tif, sample-0.png ...; of TIFF, FITS
    and NPY files of more than 8 bits mean.tif, and so on.

    Several files, a folder, or `--page all`: each image by itself, with the same parts and the
    same seed, so that its result is as if it were alone. `-o clean/` has a result of the same name
    for each (`--samples`: a folder); `-o clean.tif --page all` one file of as many pages. What
    fails is named and passed over, and the exit status is 1 at the end.

    Raw numbers of an instrument: say with `--white`, and `--black`, which values of the file mean
    1 and 0. TIFF, FITS and NPY results are in the file's unit again (`--bits 16` rounds them); PNG
    and JPEG are pictures of them. The noise is in the unit of [0, 1]: `poisson:peak` is the mean
    photon count at white, and a read noise of 5 is sigma=5/(white - black).

    Photon counts, of which 200 is bright:
    `invprob solve cells.tif --white 200 -l poisson:peak=200 -o clean.tif`

    A telescope's camera with offset 300, white at 8300, 1.5 electrons per unit, read noise 5
    units: `invprob solve sky.tif --black 300 --white 8300 -l
    poisson-gaussian:peak=12000,sigma=5/8000 -o clean.tif`
    """
    from .batch import Image, images_of, is_batch, is_stack, stack_of
    from .channels import channels_of
    from .encoding import Encoding
    from .many import solve_each, solve_stack
    from .noise import make_noise
    from .one import solve_one
    from .outputs import Outputs
    from .run import Run
    from .specs import make

    likely, count = make("prior", prior), samples or 1
    encoding = Encoding(bits, black, white, like=measurements[0], channels=channels_of(likely))
    batch = is_batch(measurements, page)
    if batch and (checkpoint or resume):
        raise InputError(
            "a checkpoint is of one image, and there are several: leave --checkpoint and --resume "
            "out (results that exist are not made again), or solve for each by itself"
        )
    stack = batch and is_stack(measurements, page, output)
    images: list[Image] = []
    if stack:
        images = stack_of(measurements[0], output, samples, encoding)
    elif batch:
        images = images_of(measurements, page, output, count, encoding)
    if stack or not batch:
        outputs = Outputs.of(output, count=count, encoding=encoding)
    run = Run(
        likely,
        None if likelihood is None else make_noise(likelihood, operator),
        None if solver is None else make("solver", solver),
        samples=samples,
        seed=seed,
        black=black,
        white=white,
        device=usable(device),
        operator=operator,
    )
    if not batch:
        image = Image(measurements[0], page, outputs)
        solve_one(run, image, checkpoint, resume, every, force=force)
    elif stack:
        solve_stack(run, images, outputs, force=force)
    else:
        solve_each(run, images, force=force)
