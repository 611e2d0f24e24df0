"""`invprob solve` of one image, which a checkpoint may be kept of."""

from __future__ import annotations

from pathlib import Path

import typer

from .batch import Image
from .cropping import cropped, what_is_cropped
from .masks import what_is_measured
from .run import Run
from .unknown_noise import with_noise


def solve_one(
    run: Run,
    image: Image,
    checkpoint: Path | None,
    resume: Path | None,
    every: int,
    *,
    force: bool,
) -> None:
    """Solve for one image, and say all that is known of the result.

    Args:
        run: with what.
        image: what, and where the result goes.
        checkpoint: where to save the run.
        resume: where to go on from.
        every: so many steps from one save to the next.
        force: whether to write over files.

    Raises:
        KeyboardInterrupt: the run was interrupted; its text says how to go on.
    """
    from ..callbacks import SaveEvery
    from .hot import remark_on
    from .memory import what_it_takes

    outputs = image.place()
    outputs.check_free(image.file, force=force)
    run, noise = with_noise(run, image.file, image.page)
    problem = run.problem(image.file, image.page)
    outputs.check_holds(problem)
    with outputs.checked(image.file, force=force):
        if checkpoint is not None:
            outputs.check_checkpoint(checkpoint, resume, force=force)
        keep = checkpoint or resume
        callbacks = [SaveEvery(every, keep)] if keep else []
        method, advice = run.method(problem)
        mask = what_is_measured(run.noise, problem.y)
        takes = what_it_takes(problem, run.samples)
        hot = remark_on(run, problem, image.file, image.page)
        for line in filter(None, (noise, advice, mask, hot, takes)):
            typer.echo(line)
        try:
            result = run.solve(problem, method, callbacks=callbacks, resume=resume)
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(_how_to_go_on(str(error), keep)) from None
        shown = cropped(result, run.noise)
        outputs.write(shown)
        outputs.warn_if_clipped(shown)
        outputs.warn_of_others()
    typer.echo(result)
    if part := what_is_cropped(result.x, run.noise):
        typer.echo(f"written: {part}")
    for path in outputs:
        typer.echo(f"wrote {path}")


def _how_to_go_on(where: str, keep: Path | None) -> str:
    advice = (
        f"to go on, type the same command with --resume {keep}"
        if keep
        else "nothing was saved; --checkpoint FILE would have"
    )
    return f"{where.partition(';')[0] or 'interrupted'}; {advice}"
