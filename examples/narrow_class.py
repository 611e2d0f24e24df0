"""Images of one kind, digits or faces: learn a denoiser, then draw, denoise and complete with it.

A denoiser for all noise levels is a score network, by Tweedie's formula, and for a narrow class
of images it takes minutes to train. From it alone come new digits, several denoised versions of
one digit, and several completions of a digit with rows missing.

    python narrow_class.py [--images FILE.npy] [--minutes 4] [--weights FILE.safetensors]

By default the images are digits, samples of the embedded flow: no data are needed. `FILE.npy`
holds your own, 8-bit: `(N, H, W)`, for example
`numpy.save("train.npy", numpy.load("mnist.npz")["x_train"])`, or in colour `(N, H, W, 3)`, such as
faces of 64 x 64 pixels. Those begin with the embedded denoiser of photographs, since a few hundred
faces are little to learn from; 8 minutes do.
Started again, it goes on from where it was; with more minutes, it learns more.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from attrs import evolve
from torch import Tensor

import invprob as ip
from invprob.networks.denoiser import Architecture
from invprob.networks.stored_denoiser import COLOUR
from invprob.training.denoising import Denoising, Recipe
from invprob.training.patches import store_photos
from invprob.training.run import begin, train
from invprob.training.validation import report

STEPS = int(os.environ.get("STEPS", 0))  # a few, to see it run at once; 0 leaves it to --minutes
COLUMNS, SAMPLES = 8, 2 if STEPS else 8
SIGMA, ROWS_SIGMA = 0.6, 0.05
FIRST, END = 0.5, 0.85  # of the missing rows, as shares of the height

LANGEVIN = ip.AnnealedLangevin(levels=40)
COMPLETING: dict[str, ip.AnySolver] = {"Restart": ip.Restart(calls=60), "Langevin": LANGEVIN}
DENOISING = {**COMPLETING, "Langevin": evolve(LANGEVIN, step_size=0.1)}
# where all was measured the way is short, and so are steps: a network's errors add up along it


def images_of(file: Path | None, count: int) -> Tensor:
    """8-bit images `(N, C, H, W)`: those in a file, or digits, samples of the embedded flow."""
    if file:
        found = torch.from_numpy(np.load(file))
        return found.movedim(-1, 1) if found.ndim == 4 else found[:, None]
    drawn = ip.FlowPrior.pretrained("digits").sample((count, 1, 28, 28), ip.generator(0))
    return (255 * drawn.clamp(0, 1)).round().to(torch.uint8)


def learned(images: Tensor, held_out: Tensor, minutes: float, weights: Path) -> None:
    """Train a denoiser of whole images, neither scaled nor turned, most at strong noise."""
    size, colour = min(images.shape[-2:]), images.shape[1] == 3
    how = {"batch": 8, "rate": 1e-3} if colour else {"batch": 32}
    about = {"patch": size, "turns": False, "centre": 0.4, "spread": 1.3}
    recipe = Recipe(steps=STEPS, hours=minutes / 60, **how, **about)
    network = Architecture((1,), widths=(48, 96, 128), before=(1, 2, 2), after=(1, 1))
    start = COLOUR.load() if colour else None
    photos = store_photos(list(images), size, scales=(1.0,))
    task = Denoising(recipe, start.architecture if start else network, photos, start)
    kept = weights.with_suffix(".ckpt")
    run = begin(task, weights, kept)
    train(run, kept, 60, lambda losses: report(run, list(held_out), weights, print, losses))


def samples(
    problem: ip.Problem[ip.DenoiserPrior, ip.Gaussian], samplers: dict[str, ip.AnySolver]
) -> dict[str, Tensor]:
    """Posterior samples `(S, B, C, H, W)` of each sampler."""
    found = {name: ip.solve(problem, how, samples=SAMPLES) for name, how in samplers.items()}
    return {name: result.samples for name, result in found.items()}


def compare(task: str, x: Tensor, best: Tensor, drawn: dict[str, Tensor]) -> None:
    """Print how far the estimate and the samples are from the truth.

    A posterior sample has twice the squared error of the posterior mean, no more and no less. (Of
    the mean of S samples, 2 / (1 + 1 / S) times.)
    """
    error = (best - x).square().mean()
    for name, found in drawn.items():
        ratio = float((found - x).square().mean() / error)
        quality = float(ip.psnr(found[0], x).mean())
        print(
            f"{task}: mean {float(ip.psnr(best, x).mean()):.1f} dB, {name} {quality:.1f} dB;"
            f" squared error {ratio:.2f} times as large"
        )


def show(rows: dict[str, Tensor]) -> None:
    """One row of images for each name."""
    figure, axes = plt.subplots(len(rows), 1, figsize=(COLUMNS, 1.02 * len(rows)))
    for axis, (name, images) in zip(axes, rows.items(), strict=True):
        line = torch.cat(list(images.clamp(0, 1)), 2).movedim(0, 2)
        axis.imshow(line.expand(-1, -1, 3))
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout(pad=0.3)
    figure.savefig("narrow_class.png", dpi=90, bbox_inches="tight")
    print("wrote narrow_class.png")


def main() -> None:
    """Learn, then draw, denoise and complete."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--weights", type=Path, help="what was learned before; nothing is now")
    options = parser.parse_args()
    images = images_of(options.images, 256 if STEPS else 8192)
    images, held_out = images[COLUMNS:], images[:COLUMNS]
    weights = options.weights or Path("narrow_class.safetensors")
    if not options.weights:
        learned(images, held_out, options.minutes, weights)
    prior = ip.DenoiserPrior.load(weights)

    x = held_out.float() / 255
    height = x.shape[-2]
    anything = ip.Problem(prior, ip.Unobserved(), torch.zeros_like(x[:1]))
    rows = {"learned from": images[:COLUMNS].float() / 255}
    rows["drawn"] = ip.solve(anything, ip.PriorSampling(), samples=COLUMNS).samples[:, 0]

    noise = ip.Gaussian(sigma=SIGMA)
    y = noise.sample(x, ip.generator(1))
    best = prior.denoise(y, SIGMA)
    drawn = samples(ip.Problem(prior, noise, y), DENOISING)
    compare("denoising", x, best, drawn)
    rows |= {"clean": x, f"noise {SIGMA}": y, "denoised": best}
    rows |= {f"{name} {i}": found[i] for name, found in drawn.items() for i in (0, 1)}

    mask = torch.ones(x.shape[-2:])
    mask[int(FIRST * height) : int(END * height)] = 0
    noise = ip.Gaussian(sigma=ROWS_SIGMA, operator=ip.Mask(mask))
    y = noise.sample(x, ip.generator(2))
    drawn = samples(ip.Problem(prior, noise, y), COMPLETING)
    best = drawn["Restart"].mean(0)
    compare("rows missing", x, best, drawn)
    rows |= {"rows missing": y, "mean": best}
    rows |= {f"{name} {i} ": found[i] for name, found in drawn.items() for i in (0, 1)}
    show(rows)


if __name__ == "__main__":
    main()
