"""Modes of dark images, of which a photon or none tells little: do they have their weights?

    python benchmarks/dark_modes.py [--calls 100,400] [--samples 400] [--peak 1]

Images of 16 pixels, four modes; in each a pixel is 0.02 or 0.25, give or take 0.05, so that a good
part of the prior lies below black, where no photon count allows an image. The weights of the modes
are integrals of one number each, by quadrature. The total variation distance between them and the
shares of `Restart`'s samples, of eight problems and their geometric mean.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

import invprob as ip

SIDE, MODES, DEVIATION = 4, 4, 0.05
SEEDS, TRUTHS = (5, 6, 7, 8), (0, 2)


def problems(noise: ip.Poisson) -> Iterator[tuple[Tensor, Tensor, ip.Problem[Any, Any]]]:
    """Means of the modes `(4, 1, 4, 4)`, their exact weights, and what is to be solved."""
    pixels = SIDE**2
    covariance = (DEVIATION**2 * torch.eye(pixels).double()).expand(MODES, pixels, pixels)
    for seed in SEEDS:
        dark = torch.rand(MODES, 1, SIDE, SIDE, generator=ip.generator(seed)) < 0.5
        means = torch.where(dark, 0.02, 0.25).double()
        prior = ip.GaussianMixturePrior(torch.ones(MODES).double(), means, covariance)
        for truth in TRUTHS:
            y = noise.sample(means[truth : truth + 1], ip.generator(12))
            yield means, exact(noise, y, means), ip.Problem(prior, noise, y)


def exact(noise: ip.Poisson, y: Tensor, means: Tensor) -> Tensor:
    """The weights of the modes given y, `(4,)`."""
    x = torch.linspace(0, 1, 2001, dtype=torch.float64)
    squares = (x - means.reshape(MODES, -1, 1)) ** 2 / (2 * DEVIATION**2)
    logs = noise.log_density(y.reshape(1, -1, 1), x) - squares
    return logs.nan_to_num(nan=-math.inf).logsumexp(2).sum(1).softmax(0)


def distance(samples: Tensor, means: Tensor, weights: Tensor) -> float:
    """Between the weights and the shares of samples `(S, 1, 4, 4)` that are nearest to a mode."""
    nearest = (samples[:, None] - means).square().flatten(2).sum(2).argmin(1)
    found = torch.bincount(nearest, minlength=MODES) / len(samples)
    return float((weights - found).abs().sum() / 2)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="100,400")
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--peak", type=float, default=1.0)
    options = parser.parse_args()
    print("| calls | total variation distance | geometric mean |")
    print("|---|---|---|")
    for calls in map(int, options.calls.split(",")):
        found = []
        for means, weights, problem in problems(ip.Poisson(options.peak)):
            run = ip.solve(problem, ip.Restart(calls), samples=options.samples, progress=False)
            found.append(distance(run.samples[:, 0], means, weights))
        mean = math.exp(sum(map(math.log, found)) / len(found))
        cells = " ".join(f"{one:.3f}" for one in found)
        print(f"| {calls} | {cells} | {mean:.3f} |", flush=True)


if __name__ == "__main__":
    main()
