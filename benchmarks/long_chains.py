"""Samples of photographs by chains of many steps, beside samplers that begin anew.

    python benchmarks/long_chains.py [--count 4] [--size 48] [--calls 100] [--tasks "denoising"]

Centre crops of Kodak24, the embedded network: `Restart`, `DDRM` and `AnnealedLangevin` with about
so many calls, the last with 3 steps for each level, with 1, and in its default of 301 calls. For
each task the mean PSNR in dB of one sample, and the misfit.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from crops import KODAK, centres

import invprob as ip
from invprob.contracts import AnySolver


def tasks(size: int) -> dict[str, ip.Gaussian]:
    """Measurements with Gaussian noise."""
    kept = ip.Mask.random((size, size), keep=0.3)
    return {
        "denoising, noise .1": ip.Gaussian(sigma=0.1),
        "three pixels of ten, noise .05": ip.Gaussian(sigma=0.05, operator=kept),
        "5x5 uniform blur, noise .02": ip.Gaussian(
            sigma=0.02, operator=ip.CircularBlur.named("uniform5")
        ),
        "four-fold super-resolution, noise .05": ip.Gaussian(
            sigma=0.05, operator=ip.Downsample(4)
        ),
    }


def samplers(calls: int) -> dict[str, AnySolver]:
    """Those to compare, by the heads of their columns."""
    return {
        "`Restart`": ip.Restart(calls=calls),
        "`DDRM`": ip.DDRM(calls=calls),
        "`AnnealedLangevin`": ip.AnnealedLangevin(levels=calls // 3),
        "`repeats=1`": ip.AnnealedLangevin(levels=calls, repeats=1),
        "by default": ip.AnnealedLangevin(),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=KODAK)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--tasks", default="", help="the beginning of their names")
    options = parser.parse_args()
    x = centres(options.images, options.count, options.size)
    if x is None:
        parser.exit(0, f"skipped: no photographs in {options.images}\n")
    solvers, prior = samplers(options.calls), ip.DenoiserPrior.pretrained()
    print(f"| | {' | '.join(solvers)} |\n|{'---|' * (1 + len(solvers))}")
    for name, noise in tasks(options.size).items():
        if not name.startswith(options.tasks):
            continue
        problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(0)))
        cells = []
        for solver in solvers.values():
            result = ip.solve(problem, solver, progress=False)
            psnr, misfit = float(ip.psnr(result.x, x).mean()), result.misfit()
            assert misfit is not None
            cells.append(f"{psnr:.2f} / {float(misfit.mean()):.2f} [{solver.steps(problem)}]")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
