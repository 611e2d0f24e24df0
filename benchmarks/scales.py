"""What is the image at half its size worth to the embedded denoiser?

    python benchmarks/scales.py --images FOLDER [--count 24] [--size 256] [--scale 0.5] [--gray]

Centre crops of a folder's photographs, made smaller by a factor, with noise of several levels,
each twice the one before. For each the share s of `invprob/networks/scales.py` that makes the
error least, of crops weighed as PSNR does, given the usual shares at the levels below; and the
PSNR in dB of the denoiser without the half, with the usual shares, and with that one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from crops import centre
from torch import Tensor
from torch.nn.functional import interpolate

import invprob as ip
from invprob.networks.scales import halved, with_half

LEVELS = (0.0588, 0.098, 0.2, 0.4, 0.8, 1.6, 3.2)


def photographs(folder: Path, count: int, size: int, scale: float) -> Tensor:
    """Crops `(N, 3, size, size)`."""
    files = sorted(f for f in folder.rglob("*") if f.suffix in (".png", ".jpg"))
    found = []
    for file in files:
        photo = ip.read_image(file)
        if photo.shape[1] == 3 and min(photo.shape[-2:]) * scale >= size:
            small = interpolate(photo, scale_factor=scale, mode="bilinear", antialias=True)
            found.append(centre(small, size))
    return torch.cat(found[:: max(1, len(found) // count)][:count])


def best_share(x: Tensor, plain: Tensor, half: Tensor) -> float:
    """The share of least error, each image counting as PSNR counts it."""
    apart = with_half(plain, half, torch.ones(len(x))) - plain
    weight = 1 / (x - plain).square().mean((1, 2, 3), keepdim=True)
    return float((weight * apart * (x - plain)).sum() / (weight * apart.square()).sum())


def quality(found: Tensor, x: Tensor) -> float:
    """Mean PSNR in dB of clipped images."""
    return float(ip.psnr(found.clamp(0, 1), x).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--scale", type=float, default=0.5)
    parser.add_argument("--gray", action="store_true")
    options = parser.parse_args()
    x = photographs(options.images, options.count, options.size, options.scale)
    x = x.mean(1, keepdim=True) if options.gray else x
    prior, alone = (ip.DenoiserPrior.pretrained(multiscale=m) for m in (True, False))
    print("| sigma | best share | without, dB | as it is | with the best |\n|---|---|---|---|---|")
    for sigma in LEVELS:
        y = x + sigma * torch.randn(x.shape, generator=ip.generator(0))
        plain, half = alone.denoise(y, sigma), prior.denoise(halved(y), sigma / 2)
        share = best_share(x, plain, half)
        best = with_half(plain, half, torch.full((len(x),), share))
        cells = [quality(found, x) for found in (plain, prior.denoise(y, sigma), best)]
        shown = " | ".join(f"{cell:.2f}" for cell in cells)
        print(f"| {sigma:g} | {share:.2f} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
