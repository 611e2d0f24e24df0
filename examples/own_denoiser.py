"""Any denoiser is a prior: here wavelet shrinkage, in a dozen lines.

Noise spreads evenly over wavelet coefficients, photos gather in a few: small ones are dropped.
Nothing else is needed to fill in missing pixels. (The embedded network does better.)
"""

import torch
from torch import Tensor

import invprob as ip

LEVELS = 4


def starlets(x: Tensor) -> list[Tensor]:
    """Images that add up to x: details from fine to coarse, and what remains (a trous)."""
    parts = []
    for level in range(LEVELS):
        smooth = x
        for axis in (2, 3):
            left, right = (torch.roll(smooth, sign * 2**level, axis) for sign in (-1, 1))
            smooth = (left + 2 * smooth + right) / 4
        parts.append(x - smooth)
        x = smooth
    return [*parts, x]


def shrink(x: Tensor, sigma: Tensor) -> Tensor:
    """The image without the details that noise of this level explains."""
    impulse = torch.zeros(1, 1, 64, 64)
    impulse[..., 32, 32] = 1
    *details, rest = starlets(x)
    for detail, response in zip(details, starlets(impulse), strict=False):
        threshold = 3 * response.norm() * sigma.view(-1, 1, 1, 1)
        rest = rest + detail * (detail.abs() > threshold)
    return rest


def main() -> None:
    """Fill in half of a photo's pixels with it, and with the embedded network."""
    photo = ip.sample_photo()
    mask = ip.Mask.random(photo.shape[-2:], keep=0.5, seed=0)
    noise = ip.Gaussian(sigma=0.02, operator=mask)
    y = noise.sample(photo, ip.generator(0))
    print(f"half the pixels:  {ip.psnr(y, photo).item():.1f} dB")
    for name, prior in (
        ("wavelets", ip.DenoiserPrior(shrink)),
        ("embedded network", ip.DenoiserPrior.pretrained()),
    ):
        result = ip.solve(ip.Problem(prior, noise, y), ip.PnP())
        result.save(f"{name.replace(' ', '-')}.png")
        print(f"{name + ':':17s} {ip.psnr(result.x, photo).item():.1f} dB")


if __name__ == "__main__":
    main()
