"""Estimates of blurred, small and incomplete photographs: PSNR of every solver, at equal calls.

    python benchmarks/restoration.py [--count 4] [--size 256] [--solvers PnP] [--views 8] [--gains]

Deblurring a 5x5 uniform blur with noise of 0.02 and 0.1, four-fold super-resolution and inpainting
half of the pixels with noise of 0.01: the PSNR of what was measured (for super-resolution, with
pixels repeated; for inpainting, with black holes), and of the restorations, with default settings
but for the number of denoiser calls in brackets. With the embedded network, and with FFDNet where
its weights are at hand. By default on centre crops of Kodak24; `--count 24` takes all of them.

*DPIR [8]* is plug-and-play as published, with the same denoiser on the same crops: levels from
49/255 to sigma_0, weight 0.23, from the adjoint of what was measured (for super-resolution, from
bicubic interpolation). What `PnP [8]` is above or below it is what a look ahead, a start that
fills holes and other weights are worth.

`--gains` prints the gain over what was measured instead, beside that of another library's DPIR
with FFDNet and 8 calls (for inpainting, the PSNR that it ends with, and that of 24 calls of its
ADMM). Its crops are others, and perhaps what it takes for the degraded image: the column says in
what range gains lie, and not which library is ahead. *DPIR [8]* says that.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from crops import KODAK, centres
from ffdnet import FFDNet
from torch import Tensor
from torch.nn.functional import interpolate

import invprob as ip
from invprob.schedules import geometric

SOLVERS: dict[str, ip.AnySolver] = {
    "PnP [8]": ip.PnP(iterations=8),
    "PnP [24]": ip.PnP(iterations=24),
    "ADMM [8]": ip.ADMM(iterations=8),
    "ADMM [24]": ip.ADMM(iterations=24),
    "RED [8]": ip.RED(iterations=8),
    "RED fixed point [8]": ip.REDFixedPoint(iterations=8),
    "RED ADMM [8]": ip.REDADMM(iterations=8),
    "FISTA [24]": ip.ProximalGradient(iterations=24),
    "RED [24]": ip.RED(iterations=24),
    "RED fixed point [24]": ip.REDFixedPoint(iterations=24),
    "RED ADMM [24]": ip.REDADMM(iterations=24),
}

ELSEWHERE = {
    "deblur .02": "+5.7",
    "deblur .1": "+6.9",
    "SR x4": "+1.9",
    "inpaint 50 %": "12.5 dB; ADMM [24] 28.5 dB",
}
"""Of another library, on other crops."""


def tasks(size: int) -> dict[str, ip.Gaussian]:
    """The measurements."""
    blur = ip.CircularBlur.named("uniform5")
    mask = ip.Mask.random((size, size), keep=0.5, seed=0)
    return {
        "deblur .02": ip.Gaussian(sigma=0.02, operator=blur),
        "deblur .1": ip.Gaussian(sigma=0.1, operator=blur),
        "SR x4": ip.Gaussian(sigma=0.01, operator=ip.Downsample(4)),
        "inpaint 50 %": ip.Gaussian(sigma=0.01, operator=mask),
    }


def shown(y: Tensor, size: int) -> Tensor:
    """The measurement in the image's size."""
    times = size // y.shape[-1]
    return y.repeat_interleave(times, -1).repeat_interleave(times, -2)


def quality(x: Tensor, photos: Tensor) -> float:
    """Mean PSNR in dB of clipped images."""
    return float(ip.psnr(x.clamp(0, 1), photos).mean())


def published(prior: ip.Denoises, noise: ip.Gaussian, y: Tensor, size: int) -> Tensor:
    """DPIR: Zhang, Li, Zuo, Zhang, Van Gool, Timofte (2021), eight calls."""
    small = y.shape[-1] < size
    z = interpolate(y, size=(size, size), mode="bicubic") if small else noise.operator.adjoint(y)
    for level in geometric(49 / 255, float(noise.sigma), 8):
        sigma = torch.tensor(level)
        z = prior.denoise(noise.prox(y, z, sigma.square() / 0.23), sigma)
    return z


def main() -> None:
    """Print a table for each denoiser."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=KODAK)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--solvers", default="", help="only those whose names begin so")
    parser.add_argument("--views", type=int, default=1, help="that a call of ours averages")
    parser.add_argument("--gains", action="store_true", help="dB over what was measured")
    options = parser.parse_args()
    x = centres(options.images, options.count, options.size)
    if x is None:
        parser.exit(0, f"skipped: no photographs in {options.images}\n")
    priors = [ip.DenoiserPrior.pretrained(views=options.views), FFDNet.published(3)]
    chosen = {name: solver for name, solver in SOLVERS.items() if name.startswith(options.solvers)}
    for prior in filter(None, priors):
        print(f"\n{prior!r}, {len(x)} images of {options.size}x{options.size}\n")
        names = ["DPIR [8]", *chosen]
        if options.gains:
            names.append("elsewhere, other crops")
        print("| | measured | " + " | ".join(names) + " |")
        print("|---|---|" + "---|" * len(names))
        for task, noise in tasks(options.size).items():
            y = noise.sample(x, ip.generator(0))
            measured = quality(shown(y, options.size), x)
            with torch.no_grad():
                found = [published(prior, noise, y, options.size)]
            problem = ip.Problem(prior, noise, y)
            found += [ip.solve(problem, solver, progress=False).x for solver in chosen.values()]
            reached = [quality(image, x) for image in found]
            cells = [f"{measured:.2f}"]
            cells += [f"{r - measured:+.2f}" if options.gains else f"{r:.2f}" for r in reached]
            if options.gains:
                cells.append(ELSEWHERE[task])
            print(f"| {task} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
