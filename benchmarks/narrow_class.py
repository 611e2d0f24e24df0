"""Images of one kind, denoised and completed by sampling: PSNR, MSE ratio, LPIPS.

    python benchmarks/narrow_class.py --images test.npy --weights digits.safetensors

`test.npy` holds images that the network was not trained on, 8-bit, `(N, H, W)` or `(N, H, W, C)`.
For MNIST's digits, and for portraits of 64 x 64 pixels,

    numpy.save("train.npy", numpy.load("mnist.npz")["x_train"])  # and "test.npy", "x_test"
    invprob train denoiser train.npy --held-out test.npy --widths 48,96,128 --before 1,2,2
        --after 1,1 --batch 32 --patch 28 --scales 1 --no-turns --centre 0.4 --spread 1.3
        --hours 0.2 -o digits.safetensors

    faces = numpy.load("faces_128.npz")["images"].reshape(-1, 64, 2, 64, 2, 3).mean((2, 4))
    faces = faces.round().astype("uint8")  # [:-39] to train.npy, [-39:] to test.npy
    invprob train denoiser train.npy --held-out test.npy --start pretrained --patch 64 --no-turns
        --scales 1 --centre 0.4 --spread 1.3 --batch 8 --rate 1e-3 --hours 0.13
        -o faces.safetensors

The layout is that of Table 1 in Kawar, Vaksman, Elad (2021): the noisy image, the denoiser's one
answer (MMSE), a posterior sample, and how many times larger the sample's squared error is: twice
as large, exactly, if both are right. An error of the denoiser or of the sampler shows as another
ratio. Last the same with rows missing, where MMSE is the mean of all S samples, so that the ratio
should be 2 / (1 + 1 / S). Then the LPIPS of both, lower is better, and by how much the sample is
better, as in their Table 4. Numbers in brackets are denoiser calls per sample.

Reference: https://arxiv.org/abs/2101.09552
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from lpips import LPIPS, REFERENCE
from torch import Tensor

import invprob as ip

SIGMAS = (0.1, 0.2, 0.4, 0.7, 1.0)
ROWS_SIGMA, FIRST, END = 0.05, 0.5, 0.85
"""Noise where rows are missing, and which are, as shares of the height."""

DENOISING: dict[str, ip.AnySolver] = {
    "Restart [60]": ip.Restart(calls=60),
    "Langevin [181]": ip.AnnealedLangevin(levels=60, step_size=0.1),
}
"""Langevin steps are short: a learned score's errors add up along a chain, the more the longer its
steps. Of digits with sigma = 0.2 and steps of 0.1, 0.3 and 1 the ratio is 2.0, 2.8 and 5.2."""

COMPLETING = {**DENOISING, "Langevin [181]": ip.AnnealedLangevin(levels=60)}
"""From noise alone to an image the way is far: with short steps the ratio is 2.8."""


def draw(
    problem: ip.Problem[ip.DenoiserPrior, ip.Gaussian],
    samplers: dict[str, ip.AnySolver],
    count: int,
) -> dict[str, Tensor]:
    """Posterior samples `(count, B, C, H, W)` of each sampler."""
    found = {
        name: ip.solve(problem, how, samples=count, progress=False)
        for name, how in samplers.items()
    }
    return {name: result.samples for name, result in found.items()}


def quality(x: Tensor, reference: Tensor) -> float:
    """Mean PSNR in dB."""
    return float(ip.psnr(x, reference).mean())


def error(x: Tensor, reference: Tensor) -> float:
    """Mean squared error of images, or of samples `(S, *images)`."""
    return float((x - reference).square().mean())


def row(name: str, y: Tensor, x: Tensor, best: Tensor, drawn: dict[str, Tensor]) -> str:
    """PSNR of what was measured, of the estimate and of the samples; ratios of squared errors."""
    cells = [name, f"{quality(y, x):.2f}", f"{quality(best, x):.2f}"]
    for found in drawn.values():
        cells += [f"{quality(found[0], x):.2f}", f"{error(found, x) / error(best, x):.2f}"]
    return f"| {' | '.join(cells)} |"


def look(name: str, lpips: LPIPS, x: Tensor, best: Tensor, drawn: dict[str, Tensor]) -> str:
    """LPIPS of the estimate and of the samples, and how much better these are."""
    own = float(lpips(best, x).mean())
    cells = [name, f"{own:.3f}"]
    for found in drawn.values():
        other = float(lpips(found[0], x).mean())
        cells += [f"{other:.3f}", f"{100 * (1 - other / own):.0f} %"]
    return f"| {' | '.join(cells)} |"


def head(first: str, second: tuple[str, ...], third: str) -> str:
    """The head of a table."""
    cells = [first, *second, *(cell for name in DENOISING for cell in (name, third))]
    return f"\n| {' | '.join(cells)} |\n{'|---' * len(cells)}|"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="by default the network of photographs")
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--samples", type=int, default=8, help="where rows are missing")
    parser.add_argument("--lpips", type=Path, default=REFERENCE, help="a folder of its weights")
    options = parser.parse_args()
    images = torch.from_numpy(np.load(options.images)[: options.count]).float() / 255
    x = images[:, None] if images.ndim == 3 else images.movedim(3, 1)
    file, lpips = options.weights, LPIPS.published(options.lpips)
    prior = ip.DenoiserPrior.load(file) if file else ip.DenoiserPrior.pretrained()
    looks = []
    print(head("sigma", ("noisy", "MMSE"), "MSE ratio"))
    for sigma in SIGMAS:
        noise = ip.Gaussian(sigma=sigma)
        y = noise.sample(x, ip.generator(0))
        problem, best = ip.Problem(prior, noise, y), prior.denoise(y, sigma)
        drawn = draw(problem, DENOISING, 1)
        print(row(f"{sigma}", y, x, best, drawn), flush=True)
        looks += [look(f"{sigma}", lpips, x, best, drawn)] if lpips else []

    height, mask = x.shape[-2], torch.ones(x.shape[-2:])
    mask[int(FIRST * height) : int(END * height)] = 0
    noise = ip.Gaussian(sigma=ROWS_SIGMA, operator=ip.Mask(mask))
    y = noise.sample(x, ip.generator(0))
    problem = ip.Problem(prior, noise, y)
    drawn = draw(problem, COMPLETING, options.samples)
    best = torch.cat(list(drawn.values())).mean(0)
    print(row("rows missing", y, x, best, drawn))
    looks += [look("rows missing", lpips, x, best, drawn)] if lpips else []
    if looks:
        print(head("LPIPS", ("MMSE",), "better by"), *looks, sep="\n")
    else:
        print("\nskipped: LPIPS, whose weights are not at hand")


if __name__ == "__main__":
    main()
