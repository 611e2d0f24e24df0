"""How good is the shipped denoiser, next to FFDNet?

White Gaussian noise is added to the clean test photos (not clipped, one seed per image), the
denoised image is rounded to 8 bits, and PSNR is averaged over the images, as is usual since FFDNet
(Zhang, Zuo, Zhang 2018, https://arxiv.org/abs/1710.04026). Noise levels up to 50 of 255 are shown
for both networks, and strong ones, which posterior samplers need, for ours.

    python benchmarks/denoiser_quality.py --data DIR [--weights FILE] [--views N] [--sets NAME ...]

DIR (or the environment variable INVPROB_DATA) holds `test/cbsd68`, `test/kodak24`, `test/set12`,
`test/bsd68_gray` and `reference/ffdnet_color.safetensors`, `ffdnet_gray.safetensors`; what is
absent is left out, with a line that says so.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import conv2d, pad, pixel_shuffle, pixel_unshuffle, relu

from invprob.images import read_image
from invprob.priors.denoiser import DenoiserPrior

SETS = ("cbsd68", "kodak24", "set12", "bsd68_gray")
MODERATE = (15 / 255, 25 / 255, 50 / 255)
STRONG = (0.4, 0.6, 1.0)


def ffdnet(folder: Path) -> Callable[[Tensor, Tensor], Tensor]:
    """FFDNet as published: 3x3 convolutions on 2x2 folded pixels and a map of sigma."""
    weights = {
        c: load_file(folder / f"ffdnet_{n}.safetensors") for c, n in [(1, "gray"), (3, "color")]
    }

    def denoise(y: Tensor, sigma: Tensor) -> Tensor:
        tensors = weights[y.shape[1]]
        height, width = y.shape[-2:]
        folded = pixel_unshuffle(pad(y, (0, width % 2, 0, height % 2), mode="replicate"), 2)
        x = torch.cat([folded, sigma.view(-1, 1, 1, 1).expand(-1, 1, *folded.shape[-2:])], dim=1)
        layers = len(tensors) // 2
        for layer in range(layers):
            x = conv2d(x, tensors[f"conv{layer}.weight"], tensors[f"conv{layer}.bias"], padding=1)
            x = relu(x) if layer < layers - 1 else x
        return pixel_shuffle(x, 2)[..., :height, :width]

    return denoise


def photos(folder: Path, limit: int) -> list[Tensor]:
    """Images `(1, C, H, W)` in [0, 1]."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg"))
    return [read_image(path) for path in paths[:limit]]


@torch.no_grad()
def quality(prior: DenoiserPrior, images: list[Tensor], sigma: float) -> float:
    """Mean PSNR in dB."""
    total = 0.0
    for seed, x in enumerate(images):
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
        out = prior.denoise(x + sigma * noise, sigma)
        rounded = (out.clamp(0, 1) * 255).round() / 255
        total += float(-10 * (rounded - x).square().mean().log10())
    return total / len(images)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("INVPROB_DATA"))
    parser.add_argument("--weights", type=Path, help="others, used as that for gray is")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--limit", type=int, default=1000, help="use the first so many images")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--views", type=int, default=1, help="positions that a call averages")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.data is None:
        raise SystemExit("skipped: no test photos; give --data DIR or set INVPROB_DATA")
    ours = DenoiserPrior.pretrained(given.precision, views=given.views)
    if given.weights is not None:
        ours = DenoiserPrior.load(
            given.weights, given.precision, turns=True, multiscale=True, views=given.views
        )
    contestants = {"invprob": (ours, MODERATE + STRONG)}
    reference = Path(given.data) / "reference"
    if (reference / "ffdnet_color.safetensors").exists():
        contestants["FFDNet"] = (DenoiserPrior(ffdnet(reference)), MODERATE)
    else:
        print(f"FFDNet skipped: its weights are not in {reference}")
    header = [f"{sigma * 255:.0f}/255" for sigma in MODERATE] + [str(sigma) for sigma in STRONG]
    print(f"| PSNR in dB at sigma | | {' | '.join(header)} | seconds |")
    print("|---" * (len(header) + 3) + "|")
    for name in given.sets:
        folder = Path(given.data) / "test" / name
        if not folder.is_dir():
            print(f"{name} skipped: {folder} is absent")
            continue
        images = photos(folder, given.limit)
        for who, (prior, levels) in contestants.items():
            known = prior.domain().channels
            if known is not None and images[0].shape[1] not in known:
                print(f"{name} skipped: {who} takes {known} channels")
                continue
            start = time.monotonic()
            cells = [f"{quality(prior, images, sigma):.2f}" for sigma in levels]
            cells += [""] * (len(header) - len(cells))
            spent = time.monotonic() - start
            print(
                f"| {name} ({len(images)}) | {who} | {' | '.join(cells)} | {spent:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
