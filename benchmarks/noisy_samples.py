"""Samples of photographs under noise that is not Gaussian: how good, and how honest.

    python benchmarks/noisy_samples.py [--count 4] [--size 64] [--samples 6] [--calls 100] [--gray]
                                       [--noises "Gamma;Poisson"]

Centre crops of Kodak24, the embedded network, `VSTSampling` and `Restart`, and `SplitGibbs` for
noise on a linear measurement. For each noise the mean
PSNR in dB of the mean of the samples and of one sample; *error / spread*, the root mean square of
the mean's error over that of the samples' deviation (1 if the spread is honest, more if samples
are too narrow), and how many pixels lie between the least and the greatest of their samples, over
the share that do so if samples are exact; and denoiser calls per sample.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from crops import KODAK, centres
from noises import noises
from torch import Tensor

import invprob as ip
from invprob.compatibility import missing
from invprob.contracts import AnySolver, Likelihood

USUAL = "Gamma 4;Gamma 10;Poisson 10;Poisson 200;Rayleigh .3;Signal-dependent .3;Poisson 30, half"


def row(samples: Tensor, x: Tensor) -> str:
    """The cells of `(S, B, C, H, W)` samples of the images x."""
    count, mean = len(samples), samples.mean(0)
    one = torch.stack([ip.psnr(sample, x).mean() for sample in samples]).mean()
    inside = (samples.amin(0) <= x) & (x <= samples.amax(0))
    covered = float(inside.double().mean()) * (count + 1) / (count - 1)
    first = f"{float(ip.psnr(mean, x).mean()):.2f} | {float(one):.2f}"
    return f"{first} | {ip.error_over_spread(samples, x):.2f} | {covered:.2f}"


def drawn(solver: AnySolver, noise: Likelihood, y: Tensor, count: int) -> tuple[Tensor, int]:
    """Samples, and the steps, which are the calls for each."""
    problem = ip.Problem(ip.DenoiserPrior.pretrained(), noise, y)
    result = ip.solve(problem, solver, samples=count, progress=False)
    return result.samples, solver.steps(problem)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=KODAK)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--gray", action="store_true")
    parser.add_argument("--noises", default=USUAL, help="beginnings of names, with ; between")
    options = parser.parse_args()
    x = centres(options.images, options.count, options.size)
    if x is None:
        parser.exit(0, f"skipped: no photographs in {options.images}\n")
    x = x.mean(1, keepdim=True) if options.gray else x
    print("| | sampler | calls | mean, dB | one, dB | error / spread | covered |")
    print("|---|---|---|---|---|---|---|")
    wanted = tuple(options.noises.split(";"))
    for name, noise in noises(options.size).items():
        if not name.startswith(wanted):
            continue
        y = noise.sample(x, ip.generator(0))
        for solver in (
            ip.VSTSampling(options.calls),
            ip.Restart(options.calls),
            *([ip.SplitGibbs(options.calls)] if isinstance(noise, ip.Observed) else []),
        ):
            if missing(solver, likelihood=noise):
                continue
            samples, calls = drawn(solver, noise, y, options.samples)
            cells = f"{type(solver).__name__} | {calls}"
            print(f"| {name} | {cells} | {row(samples, x)} |", flush=True)


if __name__ == "__main__":
    main()
