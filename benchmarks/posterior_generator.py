"""A posterior sampler that takes one call: is it one, and what does its temperature trade?

    python benchmarks/posterior_generator.py --images test.npy --weights sampler.safetensors
        [--denoiser digits.safetensors] [--picture FILE]

`test.npy` holds images that nothing was trained on, 8-bit, `(N, H, W)` or `(N, H, W, C)`; see
`narrow_class.py` for how to make one. The sampler and the denoiser beside it:

    invprob train sampler train.npy --held-out test.npy -l gaussian:sigma=0.6 --patch 28
        --no-turns --hours 0.5 -o sampler.safetensors
    invprob train denoiser train.npy --held-out test.npy --widths 48,96,128 --before 1,2,2
        --after 1,1 --batch 32 --patch 28 --scales 1 --no-turns --centre 0.4 --spread 1.3
        --hours 0.2 -o digits.safetensors

For each way to draw: calls per sample and milliseconds; PSNR of one sample and of the mean of all,
S of them; the squared error of a sample over that of MMSE, which is the denoiser's one answer or,
without a denoiser, the mean of the samples at temperature 1: 2, for an exact sampler of an exact
posterior (2 / (1 + 1 / S) in the latter case); the samples' variance over the squared error of
their mean, 1 + 1 / S less, and 1 for exact samples; LPIPS, lower is better, where its weights are
at hand; and what the residual y - x of one sample looks like, all images side by side: its
deviation over sigma (1), its largest correlation with a neighbour, and what noise stays below.
Last, whether samples know where they err: their variance and the squared error of their mean, for
the eighths of the pixels that vary most.

Reference: https://arxiv.org/abs/2103.04192
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lpips import LPIPS, REFERENCE
from torch import Tensor

import invprob as ip

TEMPERATURES = (1.0, 0.5, 0.0)
HEAD = (
    "| | calls | ms | one sample | mean of all | MSE ratio | spread over error | LPIPS"
    " | residual's deviation | neighbours |\n" + "|---" * 10 + "|"
)


def error(x: Tensor, reference: Tensor) -> float:
    """Mean squared error."""
    return float((x - reference).square().mean())


def draw(problem: ip.Problem[Any, Any], how: Any, count: int) -> tuple[Tensor, float]:
    """Samples `(count, B, C, H, W)`, and milliseconds for each."""
    begin = time.perf_counter()
    found = ip.solve(problem, how, samples=count, progress=False).samples
    return found, 1000 * (time.perf_counter() - begin) / (count * problem.measurements)


def quality(x: Tensor, reference: Tensor) -> str:
    """Mean PSNR in dB."""
    return f"{float(ip.psnr(x, reference).mean()):.2f}"


class Table:
    """Lines about images that are known."""

    def __init__(self, x: Tensor, y: Tensor, sigma: float, lpips: LPIPS | None) -> None:
        self.x, self.y, self.sigma, self.lpips = x, y, sigma, lpips

    def look(self, x: Tensor) -> str:
        """LPIPS."""
        return f"{float(self.lpips(x, self.x).mean()):.3f}" if self.lpips else "–"

    def residual(self, x: Tensor) -> tuple[str, str]:
        """Its deviation over sigma, and its correlation with neighbours."""
        wide = torch.cat(list(self.y - x), -1)[None]
        (report,) = ip.residual_report(wide, self.sigma)
        return f"{report.deviation:.3f}", f"{report.correlation:.4f} (< {report.chance:.4f})"

    def one(self, name: str, calls: int, x: Tensor, best: float) -> str:
        """A line about a single answer."""
        ratio = f"{error(x, self.x) / best:.2f}"
        cells = [name, str(calls), "", quality(x, self.x), "", ratio, "", self.look(x)]
        return f"| {' | '.join([*cells, *self.residual(x)])} |"

    def many(self, name: str, calls: int, took: float, drawn: Tensor, best: float) -> str:
        """A line about samples."""
        mean, count = drawn.mean(0), len(drawn)
        spread = float(drawn.var(0).mean()) * (1 + 1 / count) / error(mean, self.x)
        cells = [name, str(calls), f"{took:.1f}", quality(drawn[0], self.x), quality(mean, self.x)]
        cells += [f"{error(drawn, self.x) / best:.2f}", f"{spread:.2f}", self.look(drawn[0])]
        return f"| {' | '.join([*cells, *self.residual(drawn[0])])} |"


def by_variance(drawn: Tensor, x: Tensor, parts: int = 8, most: int = 3) -> str:
    """The eighths of the pixels that vary most: the error they expect, and that they have."""
    variance = drawn.var(0).flatten() * (1 + 1 / len(drawn))
    squared = (drawn.mean(0) - x).square().flatten()
    cells = [
        f"{float(variance[part].mean()):.4f} / {float(squared[part].mean()):.4f}"
        for part in variance.argsort(descending=True).tensor_split(parts)[:most]
    ]
    return ", ".join(cells)


def show(rows: dict[str, Tensor], file: Path) -> None:
    """One row of images for each name."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(rows), 1, figsize=(8, 0.86 * len(rows)))
    for axis, (name, images) in zip(axes, rows.items(), strict=True):
        line = torch.cat(list(images[:10].clamp(0, 1)), 2).movedim(0, -1)
        axis.imshow(line.expand(-1, -1, 3))
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout(pad=0.2)
    figure.savefig(file, dpi=90, bbox_inches="tight")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--denoiser", type=Path)
    parser.add_argument("--sigma", type=float, default=0.6)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--calls", type=int, default=60, help="of Restart, for a sample")
    parser.add_argument("--lpips", type=Path, default=REFERENCE, help="a folder of its weights")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    images = torch.from_numpy(np.load(options.images)[: options.count]).float() / 255
    x = images[:, None] if images.ndim == 3 else images.movedim(3, 1)
    noise = ip.Gaussian(sigma=options.sigma)
    y = noise.sample(x, ip.generator(0))
    problem = ip.Problem(ip.GeneratorPrior.load(options.weights), noise, y)
    drawn = {t: draw(problem, ip.PSCGAN(temperature=t), options.samples) for t in TEMPERATURES}
    table = Table(x, y, options.sigma, LPIPS.published(options.lpips))
    rows = {"clean": x, "measured": y}
    best = error(drawn[1.0][0].mean(0), x)
    lines = []
    if options.denoiser:
        prior = ip.DenoiserPrior.load(options.denoiser)
        denoised = prior.denoise(y, torch.tensor(options.sigma))
        best = error(denoised, x)
        rows["MMSE"] = denoised
        lines.append(table.one("MMSE", 1, denoised, best))
        restart = ip.Restart(calls=options.calls)
        found, took = draw(ip.Problem(prior, noise, y), restart, min(16, options.samples))
        lines.append(table.many(f"Restart, S = {len(found)}", options.calls, took, found, best))
        rows |= {"Restart 0": found[0], "Restart 1": found[1]}
    for t, (found, took) in drawn.items():
        lines.append(table.many(f"PSCGAN, t = {t:g}", 1, took, found, best))
        rows |= {f"t = {t:g}, {i}": found[i] for i in range(3 if t == 1 else 1)}
    rows["mean of all"] = drawn[1.0][0].mean(0)
    print(f"sigma {options.sigma}, {len(x)} images, S = {options.samples}; noisy", quality(y, x))
    print(HEAD, *lines, sep="\n")
    print("Variance / squared error of the mean, in eighths of the pixels, t = 1:", end=" ")
    print(by_variance(drawn[1.0][0], x))
    if options.picture:
        show(rows, options.picture)


if __name__ == "__main__":
    main()
