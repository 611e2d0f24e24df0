"""`invprob demo`: three inverse problems on a photo, offline, in one picture and one table.

One prior, the embedded denoiser, serves all three; only the likelihood changes. Each problem gets
one estimate (plug-and-play) and some posterior samples (restarts), whose mean is another estimate
and whose standard deviation shows what the measurement leaves open.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from attrs import define, frozen

if TYPE_CHECKING:
    from torch import Tensor

    from ..contracts import AnySolver, Denoises, Domain
    from ..plotting import Tile
    from ..result import Result

SAMPLES = 4


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder for the picture.")
    ] = Path("invprob-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Of the noise and of the samples.")] = 0,
) -> None:
    """Denoise, inpaint and deblur a photo, and show it: offline, 180 seconds of processor time."""
    from ..files import check_writable
    from ..images import sample_photo
    from ..plotting import panel
    from ..priors.denoiser import DenoiserPrior

    picture = output / "demo.png"
    check_writable(picture, make_folder=True)
    truth = sample_photo()
    prior = DenoiserPrior.pretrained()
    tasks = _tasks(truth)
    outcomes = []
    for number, task in enumerate(tasks, 1):
        typer.echo(f"{number}/{len(tasks)} {task.name}: {task.detail}", err=True)
        outcomes.append(_work(task, prior, truth, seed))
    figure = panel(
        [outcome.tiles(truth) for outcome in outcomes],
        labels=[f"{task.name}\n{task.detail}" for task in tasks],
    )
    figure.savefig(picture)
    _print_table(outcomes, truth)
    typer.echo(f"The picture: {picture}")


@frozen(eq=False)
class Task:
    """An inverse problem, and what to do with it."""

    name: str
    detail: str
    likelihood: Any
    estimator: AnySolver
    sampler: AnySolver


def _tasks(truth: Tensor) -> list[Task]:
    """Three problems: some 180 images for the denoiser in all.

    Where a mask or a blur leaves something in every neighbourhood, noise of level 1 hides the
    rest: samplers need not start from more.
    """
    from ..likelihoods.gaussian import Gaussian
    from ..operators.blur import CircularBlur
    from ..operators.mask import Mask
    from ..solvers.pnp import PnP
    from ..solvers.restarts.restart import Restart

    mask = Mask.random(tuple(truth.shape[-2:]), keep=0.3, seed=1)
    blur = CircularBlur.named("motion15@30")
    return [
        Task(
            "Denoising",
            "white noise, sigma 0.2",
            Gaussian(sigma=0.2),
            PnP(iterations=1),
            Restart(calls=12),
        ),
        Task(
            "Inpainting",
            "70% of pixels missing, sigma 0.05",
            Gaussian(sigma=0.05, operator=mask),
            PnP(iterations=8),
            Restart(calls=30, sigma_max=1.0),
        ),
        Task(
            "Deblurring",
            "motion of 15 pixels, sigma 0.02",
            Gaussian(sigma=0.02, operator=blur),
            PnP(iterations=8),
            Restart(calls=16, sigma_max=1.0),
        ),
    ]


@define(eq=False)
class Counting:
    """A prior that counts how many images it was asked to denoise."""

    prior: Denoises
    calls: int = 0

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """The prior's answer."""
        self.calls += int(x.shape[0])
        return self.prior.denoise(x, sigma)

    def domain(self) -> Domain:
        """The prior's."""
        from ..problem import domain_of

        return domain_of(self.prior)


@frozen(eq=False)
class Run:
    """A result and what it cost."""

    result: Result
    calls: int
    seconds: float


@frozen(eq=False)
class Outcome:
    """What came of a task."""

    task: Task
    y: Tensor
    estimate: Run
    samples: Run

    def tiles(self, truth: Tensor) -> list[Tile]:
        """A row of the picture."""
        from ..plotting import Tile

        samples = self.samples.result

        def tile(image: Tensor, caption: str) -> Tile:
            return Tile(image, caption, f"{_psnr(image, truth):.1f} dB")

        return [
            tile(self.y, "measurement"),
            tile(self.estimate.result.x, "estimate (PnP)"),
            tile(samples.samples[0], "posterior sample"),
            tile(samples.samples[1], "another sample"),
            tile(samples.mean, f"mean of {len(samples.samples)} samples"),
            Tile(samples.std, "standard deviation", spread=True),
            Tile(truth, "truth"),
        ]


def _work(task: Task, prior: Denoises, truth: Tensor, seed: int) -> Outcome:
    from ..streams import generator

    y = task.likelihood.sample(truth, generator(seed))
    estimate = _run(task, prior, y, task.estimator, None, seed)
    samples = _run(task, prior, y, task.sampler, SAMPLES, seed)
    return Outcome(task, y, estimate, samples)


def _run(
    task: Task, prior: Denoises, y: Tensor, solver: AnySolver, samples: int | None, seed: int
) -> Run:
    from ..drive import solve
    from ..problem import Problem

    counting, begin = Counting(prior), time.perf_counter()
    problem: Problem[Any, Any] = Problem(counting, task.likelihood, y)
    result = solve(problem, solver, samples=samples, seed=seed)
    return Run(result, counting.calls, time.perf_counter() - begin)


def _psnr(x: Tensor, truth: Tensor) -> float:
    from ..diagnostics.metrics import psnr

    return float(psnr(x.clamp(0, 1), truth))


def _ssim(x: Tensor, truth: Tensor) -> float:
    from ..diagnostics.metrics import ssim

    return float(ssim(x.clamp(0, 1), truth))


def _print_table(outcomes: list[Outcome], truth: Tensor) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("problem", "image", caption="calls: how many images the denoiser was given")
    for name in ("PSNR (dB)", "SSIM", "calls", "seconds"):
        table.add_column(name, justify="right")
    for outcome in outcomes:
        rows: list[tuple[str, Tensor, Run | None]] = [
            ("measurement", outcome.y, None),
            ("PnP estimate", outcome.estimate.result.x, outcome.estimate),
            (f"mean of {SAMPLES} samples", outcome.samples.result.mean, outcome.samples),
        ]
        for i, (what, x, run) in enumerate(rows):
            cost = (str(run.calls), f"{run.seconds:.1f}") if run else ("", "")
            figures = (f"{_psnr(x, truth):.2f}", f"{_ssim(x, truth):.3f}")
            table.add_row(outcome.task.name if i == 0 else "", what, *figures, *cost)
        table.add_section()
    Console().print(table)
