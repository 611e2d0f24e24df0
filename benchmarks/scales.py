"""What is the image at half its size worth to the embedded denoiser?

    python benchmarks/scales.py --images FOLDER [--count 24] [--size 256] [--scale 0.5] [--gray]

Centre crops of a folder's photographs, made smaller by a factor, with noise of several levels,
about twice the one before. For each the shares of `invprob/networks/scales.py` that make the
error least, of crops weighed as PSNR does, given the usual shares at the levels below: a and b
where there is texture, and where the answer is even. And the PSNR in dB of the denoiser without
the half, and with the usual shares; and the noise that both leave in an image of one gray, over
sigma.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from crops import centre
from torch import Tensor
from torch.nn.functional import interpolate

import invprob as ip
from invprob.networks.scales import differences, doubled, evenness, halved

LEVELS = (0.0588, 0.118, 0.235, 0.47, 0.94, 1.88)


def photographs(folder: Path, count: int, size: int, scale: float) -> Tensor | None:
    """Crops `(N, 3, size, size)`; None if there are none."""
    files = sorted(f for f in folder.rglob("*") if f.suffix in (".png", ".jpg"))
    found = []
    for file in files:
        photo = ip.read_image(file)
        if photo.shape[1] == 3 and min(photo.shape[-2:]) * scale >= size:
            small = interpolate(photo, scale_factor=scale, mode="bilinear", antialias=True)
            found.append(centre(small, size))
    return torch.cat(found[:: max(1, len(found) // count)][:count]) if found else None


def best_shares(x: Tensor, plain: Tensor, half: Tensor, sigma: Tensor) -> list[float]:
    """Those of least error, each image counting as PSNR counts it: a, b, a, b."""
    weight = (x - plain).square().mean((1, 2, 3), keepdim=True).rsqrt()
    even = evenness(plain, sigma)
    bands = [doubled(band, plain) for band in differences(plain, half)]
    parts = [band * place for place in (1 - even, even) for band in bands]
    columns = torch.stack([(weight * part).flatten() for part in parts], 1)
    wanted = (weight * (x - plain)).flatten()
    found = torch.linalg.lstsq(columns.double(), wanted[:, None].double(), driver="gelsd")
    return found.solution[:, 0].tolist()


def quality(found: Tensor, x: Tensor) -> float:
    """Mean PSNR in dB of clipped images."""
    return float(ip.psnr(found.clamp(0, 1), x).mean())


def asked_for(doc: str) -> Tensor:
    """The crops that the command line asks for; the end, with a reason, if there are none."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--scale", type=float, default=0.5)
    parser.add_argument("--gray", action="store_true")
    options = parser.parse_args()
    x = photographs(options.images, options.count, options.size, options.scale)
    if x is None:
        parser.exit(0, f"skipped: no photographs of that size in {options.images}\n")
    return x.mean(1, keepdim=True) if options.gray else x


def main() -> None:
    """Print the table."""
    x = asked_for(__doc__)
    prior, alone = (
        ip.DenoiserPrior.pretrained(multiscale=m, luminance=False) for m in (True, False)
    )
    flat = torch.full((1, x.shape[1], 256, 256), 0.5)
    print("| sigma | texture: a, b | even: a, b | without, dB | with | left without | with |")
    print("|---|---|---|---|---|---|---|")
    for sigma in LEVELS:
        y, n = (z + sigma * torch.randn(z.shape, generator=ip.generator(0)) for z in (x, flat))
        plain, half = alone.denoise(y, sigma), prior.denoise(halved(y), sigma / 2)
        shares = best_shares(x, plain, half, torch.full((len(x),), sigma))
        cells = [f"{shares[i]:.2f}, {shares[i + 1]:.2f}" for i in (0, 2)]
        cells += [f"{quality(found, x):.2f}" for found in (plain, prior.denoise(y, sigma))]
        cells += [f"{float(p.denoise(n, sigma).std() / sigma):.3f}" for p in (alone, prior)]
        print(f"| {sigma:g} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
