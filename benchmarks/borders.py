"""Blurred photographs, cut out of larger ones: PSNR behind three operators, in 8 calls of `PnP`.

    python benchmarks/borders.py [--count 4] [--size 256] [--sigma 0.01]

The measurement is the valid part of a convolution of the larger photograph. It is solved with the
operator that says so (`Blur`, cropped), with borders that wrap around (`CircularBlur`) and, where
the kernel is a product, with borders that reflect (`SeparableBlur`). *control* is what does wrap
around, solved as such: a bound. By default on four of Kodak24, evenly chosen.
"""

from __future__ import annotations

import argparse
import time
import warnings

import torch
from crops import KODAK, centres
from torch import Tensor

import invprob as ip
from invprob.operators import kernels

NAMES = ["motion15@30", "gaussian1.6", "uniform9"]


def solved(operator: ip.LinearOperator, y: Tensor, sigma: float) -> tuple[Tensor, float]:
    """The estimate, and the seconds that it took."""
    problem = ip.Problem(ip.DenoiserPrior.pretrained(), ip.Gaussian(sigma, operator), y)
    begun = time.perf_counter()
    x = ip.solve(problem, ip.PnP(), progress=False).x
    return x, time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--sigma", type=float, default=0.01)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| kernel | measured | Blur | CircularBlur | SeparableBlur | control |")
    print("|---|---|---|---|---|---|")
    for name in NAMES:
        kernel = kernels.named(name)
        blur, circular = ip.Blur(kernel), ip.CircularBlur(kernel)
        sides = [asked.size + n - 1 for n in kernel.shape]
        scenes = centres(KODAK, asked.count, max(sides))
        if scenes is None:
            raise SystemExit(f"no photographs in {KODAK}")
        scenes = scenes[..., : sides[0], : sides[1]]
        photos = blur.crop(scenes)
        white = asked.sigma * torch.randn(photos.shape, generator=ip.generator(0))
        y = blur.forward(scenes) + white

        def quality(x: Tensor, photos: Tensor = photos) -> str:
            return f"{float(ip.psnr(x.clamp(0, 1), photos).mean()):.1f}"

        x, seconds = solved(blur, y, asked.sigma)
        wrapped, fewer = solved(circular, y, asked.sigma)
        reflected = "–"
        if name.startswith(("gaussian", "uniform")):
            reflected = quality(solved(ip.SeparableBlur.named(name), y, asked.sigma)[0])
        control = quality(solved(circular, circular.forward(photos) + white, asked.sigma)[0])
        cells = [quality(y), quality(blur.crop(x)), quality(wrapped), reflected, control]
        print(f"| {name} | {' | '.join(cells)} |  ({seconds:.0f} s and {fewer:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
