"""How exact are the samplers? On Gaussian mixtures, where the posterior is known in closed form.

    python benchmarks/exactness.py [--quick] [--grids 1x2,4x4,8x8] [--calls 10,20,50,100,300,1000]
    python benchmarks/exactness.py --only Restart --grids 4x4,8x8 --calls 100 --seeds 7,8,9,10

Three priors of different character (`invprob.diagnostics.laboratory`), images of 2, 16 and 64
pixels, five measurements each for every seed. First table: the sliced Wasserstein distance to
exact samples over the one between two sets of exact samples, geometric mean over the measurements
/ the worst of them. 1.0 can't be told from exact; the noise of a number is about 0.1, and in two
dimensions, where the distance sees little else than the weights of the modes, 0.3. Calls are
images through the denoiser per sample, counted. PiGDM and DPS are of others, and compared where
`plugins/invprob-dps` is installed. Second table: `Restart` for each measurement, the mean over the
seeds. Third, means over all of it: the share of samples in a wrong mode, the spread over the right
one, and the squared error over that of the posterior mean. They depend on how many samples there
are, so that exact ones are in the last line. Then simulation-based calibration, of every sampler
whose samples are independent on 16 pixels (90 % intervals cover / dispersion of the ranks, means
over the five measurements), and of `Restart()` for each measurement of the largest images;
`--calibration 0` leaves both out.
"""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import torch
from attrs import frozen
from torch import Tensor

import invprob as ip
from invprob.diagnostics.exact_posterior import error_ratio, mode_distance, spread_ratio
from invprob.diagnostics.laboratory import PRIORS, measurements
from invprob.diagnostics.wasserstein import exactness

Grid = tuple[int, int]

RANKED = 19
"""Samples among which the truth is ranked."""


class Counted:
    """A prior that counts the images it denoises."""

    def __init__(self, prior: ip.GaussianMixturePrior) -> None:
        self.prior, self.images = prior, 0

    def denoise(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The prior's."""
        self.images += len(x)
        return self.prior.denoise(x, sigma)

    def moments(self) -> tuple[Tensor, float]:
        """The prior's."""
        return self.prior.moments()


def short_steps(calls: int) -> ip.AnnealedLangevin:
    """A step of 0.1 with noise of its own: 200 levels of 5, or fewer levels of 3."""
    repeats = 5 if calls >= 500 else 3
    levels = max((calls - 1) // repeats, 3)
    return ip.AnnealedLangevin(levels=levels, repeats=repeats, step_size=0.1, reuse_noise=False)


SAMPLERS: dict[str, Callable[[int], ip.AnySolver]] = {
    "Restart": lambda calls: ip.Restart(calls=calls),
    "Restart, population 8": lambda calls: ip.Restart(calls=calls, population=8),
    "Restart, population 16": lambda calls: ip.Restart(calls=calls, population=16),
    "Restart, no particles": lambda calls: ip.Restart(calls=calls, particles=1, guided=False),
    "SplitGibbs": lambda calls: ip.SplitGibbs(calls=calls),
    "AnnealedLangevin": lambda calls: ip.AnnealedLangevin(levels=max((calls - 1) // 3, 3)),
    "AnnealedLangevin, step 0.1": short_steps,
    "DDRM": lambda calls: ip.DDRM(calls=calls),
}
with contextlib.suppress(ImportError):
    from invprob_dps import DPS, PiGDM

    SAMPLERS |= {
        "PiGDM": lambda calls: PiGDM(calls, sigma_max=math.inf),
        "DPS, zeta 0.3": lambda calls: DPS(calls, 0.3, sigma_max=math.inf),
        "DPS, zeta 1": lambda calls: DPS(calls, 1.0, sigma_max=math.inf),
    }

BY_MEASUREMENT = [
    *(("denoise", calls) for calls in (8, 12, 20)),
    *((task, calls) for calls in (40, 100) for task in ("inpaint", "blur", "sr", "cs")),
]
"""The lines of the second table: a measurement, and calls."""


@frozen(eq=False)
class Case:
    """One prior, one likelihood, some measurements and their exact posteriors."""

    prior: ip.GaussianMixturePrior
    noise: ip.Gaussian
    x: Tensor
    y: Tensor
    posteriors: list[ip.GaussianMixturePrior]
    seed: int
    task: str


@frozen
class Score:
    """Of one sampler on one case."""

    distance: float
    modes: float
    spread: float
    error: float
    calls: float


def cases(character: str, grid: Grid, count: int, seed: int) -> Iterator[Case]:
    """The five tasks; the measurements are simulated."""
    prior = PRIORS[character](grid, seed=seed)
    for task, noise in measurements(grid, character=character, seed=seed).items():
        draw = ip.generator(seed, 2)
        x = prior.sample((count, 1, *grid), draw)
        y = noise.sample(x, draw)
        yield Case(
            prior, noise, x, y, [prior.posterior(noise, row[None]) for row in y], seed, task
        )


def run(case: Case, solver: ip.AnySolver, samples: int) -> Score:
    """Solve it and compare."""
    prior = Counted(case.prior)
    problem = ip.Problem(prior, case.noise, case.y.float())
    found = ip.solve(problem, solver, samples=samples, seed=case.seed, progress=False).samples
    return score(case, found.double(), prior.images / samples / len(case.y))


def exact(case: Case, samples: int) -> Score:
    """Exact samples, compared with exact samples."""
    draw, shape = ip.generator(case.seed, 4), (samples, *case.x.shape[1:])
    return score(case, torch.stack([q.sample(shape, draw) for q in case.posteriors], 1), 0)


def score(case: Case, found: Tensor, calls: float) -> Score:
    """Samples `(N, B, *image)` against the exact posteriors."""
    rows, means = list(found.transpose(0, 1)), [q.mean for q in case.posteriors]
    pairs = list(zip(rows, case.posteriors, strict=True))
    return Score(
        exactness(rows, case.posteriors, ip.generator(case.seed, 3)),
        sum(mode_distance(row, q) for row, q in pairs) / len(pairs),
        sum(spread_ratio(row, q.covariance()) for row, q in pairs) / len(pairs),
        error_ratio(found, case.x, torch.stack(means)),
        calls,
    )


def mean(values: list[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))


def calibrate(
    character: str, grid: Grid, solver: ip.AnySolver, options: argparse.Namespace
) -> dict[str, ip.Calibration]:
    """Rank statistics of a solver for each of the five tasks, first seed."""
    seed = options.seeds[0]
    return {
        task: ip.calibrate(
            PRIORS[character](grid, seed=seed),
            noise,
            solver,
            samples=RANKED,
            images=options.calibration,
            seed=seed,
        )
        for task, noise in measurements(grid, character=character, seed=seed).items()
    }


def covered(check: ip.Calibration) -> float:
    """The share of the truth in 90 % intervals, in percent."""
    nominal, inside = check.coverage()
    return 100 * float(inside[int((nominal - 0.9).abs().argmin())])


def calibrations(options: argparse.Namespace) -> Iterator[str]:
    """The lines of the last two tables."""
    yield "| sampler | calls | " + " | ".join(PRIORS) + " |"
    yield "|---|---|" + "---|" * len(PRIORS)
    for name, make in SAMPLERS.items():
        independent = "population" not in name and name.startswith(options.only)
        for calls in options.calls if independent else ():
            cells = []
            for character in PRIORS:
                checks = calibrate(character, (4, 4), make(calls), options).values()
                share, width = (
                    sum(values) / len(checks)
                    for values in (map(covered, checks), (one.dispersion for one in checks))
                )
                cells.append(f"{share:.0f} % / {width:.2f}")
            yield f"| {name} | {calls} | " + " | ".join(cells) + " |"
    yield ""
    yield "| prior | measurement | dispersion of the ranks (1) | 90 % intervals cover | p |"
    yield "|---|---|---|---|---|"
    for character in PRIORS:
        for task, check in calibrate(character, options.grids[-1], ip.Restart(), options).items():
            yield (
                f"| {character} | {task} | {check.dispersion:.2f} | {covered(check):.0f} % "
                f"| {check.p_value:.2g} |"
            )


def tables(options: argparse.Namespace) -> Iterator[str]:
    """The lines of the first three tables."""
    places = [(character, grid) for character in PRIORS for grid in options.grids]
    count = options.measurements
    found = {p: [one for s in options.seeds for one in cases(*p, count, s)] for p in places}
    heads = " | ".join(f"{character}, {a * b}" for character, (a, b) in places)
    yield f"| sampler | calls | {heads} |"
    yield "|---|---|" + "---|" * len(places)
    details: dict[str, list[Score]] = {}
    for name, make in SAMPLERS.items():
        for calls in options.calls if name.startswith(options.only) else ():
            cells, used = [], 0.0
            for place in places:
                scores = [run(case, make(calls), options.samples) for case in found[place]]
                ratios = [one.distance for one in scores]
                cells.append(f"{mean(ratios):.2f} / {max(ratios):.1f}")
                used = max(used, *(one.calls for one in scores))
                details.setdefault(f"{name} | {calls}", []).extend(scores)
            yield f"| {name} | {used:.0f} | " + " | ".join(cells) + " |"
    yield from ("", "| `Restart` | calls | " + heads + " |", "|---|---|" + "---|" * len(places))
    for task, calls in BY_MEASUREMENT:
        cells = []
        for place in places:
            same = [case for case in found[place] if case.task == task]
            scores = [run(case, ip.Restart(calls=calls), options.samples) for case in same]
            cells.append(f"{mean([one.distance for one in scores]):.2f}")
        yield f"| {task} | {calls} | " + " | ".join(cells) + " |"
    details["exact samples | "] = [
        exact(case, options.samples) for place in places for case in found[place]
    ]
    yield ""
    yield "| sampler | calls | samples in a wrong mode | spread (1) | squared error (2) |"
    yield "|---|---|---|---|---|"
    for name, scores in details.items():
        modes, spread, error = (
            sum(getattr(one, field) for one in scores) / len(scores)
            for field in ("modes", "spread", "error")
        )
        yield f"| {name} | {100 * modes:.0f} % | {spread:.2f} | {error:.2f} |"


def main() -> None:
    """Print the tables, and keep them where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=48, help="a multiple of 16")
    parser.add_argument("--measurements", type=int, default=4)
    parser.add_argument("--calibration", type=int, default=200, help="measurements for the ranks")
    parser.add_argument("--calls", default="10,20,50,100,300,1000")
    parser.add_argument("--grids", default="1x2,4x4,8x8")
    parser.add_argument("--seeds", default="7", help="of priors and measurements, any number")
    parser.add_argument("--only", default="", help="samplers whose names begin like this")
    parser.add_argument("--quick", action="store_true", help="50 and 100 calls, 4x4, few samples")
    parser.add_argument("--output", type=Path, help="a file for what is printed")
    options = parser.parse_args()
    if not any(name.startswith(options.only) for name in SAMPLERS):
        parser.exit(0, f"skipped: no {options.only}; DPS and PiGDM: plugins/invprob-dps\n")
    if options.quick:
        options.calls, options.grids, options.samples, options.calibration = (
            "50,100",
            "4x4",
            32,
            60,
        )
    options.seeds = [int(part) for part in options.seeds.split(",")]
    options.calls = [int(part) for part in options.calls.split(",")]
    options.grids = [tuple(map(int, part.split("x"))) for part in options.grids.split(",")]
    lines = []
    ranks = calibrations(options) if options.calibration else ()
    for line in chain(tables(options), ("",), ranks):
        print(line, flush=True)
        lines.append(line)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
