r"""Train the shipped denoiser: `python -m invprob.training.denoiser --images DIR --out FILE`.

`denoising` says what one step does, `run` what a run is; here are the validation on photos that
are held out, and the command line. Each time it saves, it writes a checkpoint to go on from
(started again with the same arguments, it does), the weights as they would ship, and prints one
line: time, step, loss, PSNR on the held-out photos, and the SHA-256 of the weight file. To ship a
file, copy it to
`invprob/networks/weights/denoiser.safetensors` and the digest to `networks.pretrained.SHA256`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from ..networks.weights_file import write_weights
from .denoising import Denoising, Recipe
from .patches import load_photos, luminance
from .run import Run, train

HELD_OUT = (
    "skimage_chelsea.png",
    "skimage_coffee.png",
    "gb82_house-lossless.png",
    "stdlib_airplane-from-above.jpg",
)
VALIDATED = (0.01, 15 / 255, 25 / 255, 50 / 255, 0.4, 1.0)


@torch.no_grad()
def validate(network: nn.Module, photos: Sequence[Tensor], side: int = 256) -> dict[str, float]:
    """Mean PSNR in dB over the centres of photos `(C, H, W)`, by channel count and noise level."""
    found = {}
    for channels in (3, 1):
        for sigma in VALIDATED if channels == 3 else VALIDATED[2:3]:
            generator = Generator().manual_seed(0)
            total = 0.0
            for photo in photos:
                top, left = (max(n - side, 0) // 2 for n in photo.shape[1:])
                x = photo[None, :, top : top + side, left : left + side]
                x = x if channels == 3 else luminance(x)
                y = x + sigma * torch.randn(x.shape, generator=generator)
                with torch.autocast(x.device.type, torch.bfloat16):
                    out = network(y, torch.tensor(sigma)).float()
                total += float(-10 * (out - x).square().mean().log10())
            found[f"{'gray' if channels == 1 else 'colour'} {sigma:.3f}"] = total / len(photos)
    return found


def report(run: Run, photos: Sequence[Tensor], out: Path, losses: Sequence[float]) -> None:
    """Write the weights, validate them, and print a line."""
    digest = write_weights(run.averaged, out)
    scores = validate(run.averaged, photos)
    line = "  ".join(f"{name}: {value:.2f}" for name, value in scores.items())
    print(
        f"{time.strftime('%H:%M:%S')} step {run.step} {run.seconds:.0f} s"
        f" ({run.used:.1%}) loss {sum(losses) / len(losses):.4f}"
        f" (worst {max(losses):.1f}) | {line} | {digest}",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m invprob.training.denoiser")
    parser.add_argument("--images", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, help="weights, .safetensors")
    parser.add_argument("--checkpoint", type=Path, help="default: OUT with suffix .ckpt")
    parser.add_argument("--hours", type=float, default=Recipe().hours)
    parser.add_argument("--steps", type=int, default=0, help="a budget in steps, not hours")
    parser.add_argument("--batch", type=int, default=Recipe().batch)
    parser.add_argument("--patch", type=int, default=Recipe().patch)
    parser.add_argument("--muon-rate", type=float, default=Recipe().muon_rate)
    parser.add_argument("--adam-rate", type=float, default=Recipe().adam_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=float, default=240.0, help="seconds between saves")
    parser.add_argument("--held-out", nargs="*", default=list(HELD_OUT), metavar="FILE")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    recipe = Recipe(
        steps=given.steps,
        hours=given.hours,
        batch=given.batch,
        patch=given.patch,
        muon_rate=given.muon_rate,
        adam_rate=given.adam_rate,
        seed=given.seed,
    )
    photos, apart = load_photos(given.images, recipe.patch, given.held_out)
    run = Run(Denoising(recipe, photos))
    checkpoint = given.checkpoint or given.out.with_suffix(".ckpt")
    if checkpoint.exists():
        run.restore(checkpoint)
    size = sum(parameter.numel() for parameter in run.network.parameters())
    print(
        f"{run.task.describe()}; {size} parameters; from step {run.step}",
        flush=True,
    )
    train(run, checkpoint, given.every, partial(report, run, list(apart.values()), given.out))


if __name__ == "__main__":
    main()
