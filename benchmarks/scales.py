"""What is the image at half its size worth to the embedded denoiser?

    python benchmarks/scales.py --images FOLDER [--count 24] [--size 256] [--scale 0.5] [--gray]

Centre crops of a folder's photographs, made smaller by a factor, with noise of several levels,
about twice the one before. For each the shares a and b of `invprob/networks/scales.py` that make
the error least, of crops weighed as PSNR does, given the usual shares at the levels below; and the
PSNR in dB of the denoiser without the half, with the usual shares, and with these.
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

LEVELS = (0.0588, 0.118, 0.235, 0.47, 0.94, 1.88)


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


def best_shares(x: Tensor, plain: Tensor, half: Tensor) -> Tensor:
    """The shares of least error, `(1, 2)`, each image counting as PSNR counts it."""
    weight = (x - plain).square().mean((1, 2, 3), keepdim=True).rsqrt()
    ones = [torch.tensor([share]).expand(len(x), 2) for share in ([1.0, 0.0], [0.0, 1.0])]
    parts = [(weight * (with_half(plain, half, one) - plain)).flatten() for one in ones]
    wanted = (weight * (x - plain)).flatten()
    return torch.linalg.lstsq(torch.stack(parts, 1), wanted[:, None]).solution.T


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
    print("| sigma | best a, b | without, dB | as it is | with the best |\n|---|---|---|---|---|")
    for sigma in LEVELS:
        y = x + sigma * torch.randn(x.shape, generator=ip.generator(0))
        plain, half = alone.denoise(y, sigma), prior.denoise(halved(y), sigma / 2)
        share = best_shares(x, plain, half)
        best = with_half(plain, half, share.expand(len(x), 2))
        cells = [quality(found, x) for found in (plain, prior.denoise(y, sigma), best)]
        shown = " | ".join(f"{cell:.2f}" for cell in cells)
        fine, coarse = share[0].tolist()
        print(f"| {sigma:g} | {fine:.2f}, {coarse:.2f} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
