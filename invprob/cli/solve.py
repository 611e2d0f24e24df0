"""`invprob solve`: a measurement in a file, the image in another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .outputs import named


def solve(
    measurement: Annotated[
        Path, typer.Argument(help="The noisy image: PNG, JPEG, TIFF, NPY, ...")
    ],
    likelihood: Annotated[
        str, typer.Option("-l", "--likelihood", help="How it arose: gaussian:sigma=25/255")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", parser=named, metavar="PATH", help="An image file, or a folder."
        ),
    ],
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
        int | None,
        typer.Option(min=0, help="Of a TIFF file with several: one is solved at a time."),
    ] = None,
    black: Annotated[
        float, typer.Option(help="The file's value that means 0, such as a camera's offset.")
    ] = 0.0,
    white: Annotated[
        float | None,
        typer.Option(help="The file's value that means 1; by default 255, 65535, or 1."),
    ] = None,
    bits: Annotated[
        int | None, typer.Option(help="8 or 16, TIFF also 32; by default 8, TIFF and NPY 32.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Save the run to this file now and then, and on Ctrl-C.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Steps from one save to the next.")] = 10,
    resume: Annotated[
        Path | None, typer.Option(help="Go on from this file; all else as it was.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over existing files.")] = False,
) -> None:
    """Estimate the image behind a measurement, or draw samples of what it may have been.

    With `-o clean.png --samples 3`, clean.png is the mean of the samples; clean-std.tif (32 bits,
    in the unit of the image), clean-sample-0.png ... and clean-panel.png lie beside it. With
    `-o run/` the same files lie in that folder: mean.png, std.tif, sample-0.png ...

    Raw numbers of an instrument: say with `--white`, and `--black`, which values of the file mean
    1 and 0. TIFF and NPY results are in the file's unit again (`--bits 16` rounds them); PNG and
    JPEG are pictures of them. The noise is in the unit of [0, 1]: `poisson:peak` is the mean
    photon count at white, and a read noise of 5 is sigma=5/(white - black).

    Photon counts, of which 200 is bright:
    `invprob solve cells.tif --white 200 -l poisson:peak=200 -o clean.tif`

    A telescope's camera with offset 300, white at 8300, 1.5 electrons per unit, read noise 5
    units: `invprob solve sky.tif --black 300 --white 8300 -l
    poisson-gaussian:peak=12000,sigma=5/8000 -o clean.tif`
    """
    from ..callbacks import SaveEvery
    from ..drive import solve as run
    from ..problem import Problem
    from ..recommendation import recommend
    from ..units import Unit
    from .noise import make_noise
    from .outputs import Outputs
    from .specs import make

    files = Outputs.of(output, count=samples or 1, bits=bits, black=black, white=white)
    unit = Unit(black, white)
    y = unit.read(measurement, page)
    unit.warn_if_dim()
    noise = make_noise(likelihood, operator)
    problem: Problem[Any, Any] = Problem(make("prior", prior), noise, y)
    files.check(measurement, force=force)
    if checkpoint is not None:
        files.check_checkpoint(checkpoint, resume, force=force)
    keep = checkpoint or resume
    callbacks = [SaveEvery(every, keep)] if keep else []
    if solver is not None:
        method = make("solver", solver)
    else:
        advice = recommend(problem, samples=samples is not None)
        method = advice.solver
        typer.echo(advice)
    try:
        result = run(
            problem,
            method,
            samples=samples,
            seed=seed,
            resume=resume,
            callbacks=callbacks,
        )
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(_how_to_go_on(str(error), keep)) from None
    files.write(result)
    files.warn_if_clipped(result)
    files.warn_of_others()
    typer.echo(result)
    for path in files:
        typer.echo(f"wrote {path}")


def _how_to_go_on(where: str, keep: Path | None) -> str:
    advice = (
        f"to go on, type the same command with --resume {keep}"
        if keep
        else "nothing was saved; --checkpoint FILE would have"
    )
    return f"{where.partition(';')[0] or 'interrupted'}; {advice}"
