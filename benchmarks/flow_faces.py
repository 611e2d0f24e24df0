"""A flow of faces as a prior: the table of Helminger et al. (2020), in its layout.

    python benchmarks/flow_faces.py --train --weights FILE [--minutes 25] [--data FACES]
    python benchmarks/flow_faces.py --evaluate --weights FILE [--faces 4] [--data FACES]

Gaussian noise of four levels is removed by MAP with four weights beta of the measurement; PSNR and
SSIM are means over faces that were held out. FACES is an archive with `images` `(N, H, W, 3)`,
8-bit (or the folder in the environment variable INVPROB_DATA holds it as `narrow/faces_128.npz`);
they are shrunk to 64 x 64, and every 14th is held out.

What differs from the paper (Blind image restoration with flow based priors,
https://arxiv.org/abs/2009.04583): its flow is a far larger Glow, trained for days on 30,000 faces
of CelebA-HQ, and this one learns a few hundred portraits for minutes; its flow saw clean faces
only, ours a quarter of them with noise (see `invprob.training.flow`); the optimiser is
`invprob.solvers.map`'s. Only its PSNR at sigma = 0.025 is known here, and printed.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d

from invprob.diagnostics.metrics import psnr, ssim
from invprob.drive import solve
from invprob.likelihoods.gaussian import Gaussian
from invprob.networks.glow import Architecture
from invprob.priors.flow import FlowPrior
from invprob.problem import Problem
from invprob.solvers.map import MAP
from invprob.training.flow import MaximumLikelihood, Recipe, report
from invprob.training.images import Images
from invprob.training.run import begin, train

SIDE = 64
EVERY = 14
SIGMAS = (0.025, 0.05, 0.1, 0.2)
BETAS = (1.0, 2.0, 4.0, 8.0)
PAPER = {0.025: (37.4, 39.4, 38.2, 36.8)}
ARCHITECTURE = Architecture((3, SIDE, SIDE), depths=(4, 8, 8), width=64, bits=8)


def faces(path: Path) -> Images:
    """The faces, 8-bit, 64 x 64."""
    images = torch.from_numpy(np.load(path)["images"]).movedim(3, 1).float()
    small = avg_pool2d(images, images.shape[-1] // SIDE).round().to(torch.uint8)
    return Images(tuple(small), (SIDE, SIDE))


def learn(learned: Images, held_out: Tensor, weights: Path, minutes: float) -> None:
    """Train, or go on with it."""
    recipe = Recipe(hours=minutes / 60, batch=16, rate=3e-3, noise=0.3)
    checkpoint = weights.with_suffix(".ckpt")
    run = begin(MaximumLikelihood(recipe, ARCHITECTURE, learned), weights, checkpoint)
    train(run, checkpoint, 120.0, partial(report, run, held_out, weights, print))


def evaluate(prior: FlowPrior, x: Tensor, iterations: int) -> None:
    """Print the table."""
    print(f"{len(x)} faces; PSNR in dB / SSIM")
    print("| sigma | noisy | " + " | ".join(f"beta {beta:g}" for beta in BETAS) + " | paper |")
    print("|---" * (len(BETAS) + 3) + "|")
    for sigma in SIGMAS:
        y = x + sigma * torch.randn(x.shape, generator=Generator().manual_seed(0))
        row = [y]
        for beta in BETAS:
            solver = MAP(beta=beta, iterations=iterations)
            row.append(solve(Problem(prior, Gaussian(sigma=sigma), y), solver).x)
        cells = [out.clamp(0, 1) for out in row]
        figures = [f"{psnr(z, x).mean():.1f} / {ssim(z, x).mean():.3f}" for z in cells]
        paper = " ".join(f"{value}" for value in PAPER.get(sigma, ())) or "–"
        print(f"| {sigma} | {' | '.join(figures)} | {paper} |", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    folder = Path(os.environ.get("INVPROB_DATA", "."))
    parser.add_argument("--data", type=Path, default=folder / "narrow" / "faces_128.npz")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--faces", type=int, default=4)
    parser.add_argument("--iterations", type=int, default=MAP().iterations)
    given = parser.parse_args()
    if not given.data.exists():
        raise SystemExit(f"skipped: there are no faces in {given.data}; give --data")
    learned, apart = faces(given.data).split(EVERY)
    if given.train:
        learn(learned, apart.centres(len(apart)), given.weights, given.minutes)
    if given.evaluate:
        evaluate(FlowPrior.load(given.weights), apart.centres(given.faces), given.iterations)


if __name__ == "__main__":
    main()
