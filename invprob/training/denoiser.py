r"""Train the shipped denoiser: `python -m invprob.training.denoiser --images DIR --hours 1.2 ...`.

The loss of a batch is the mean of

    |D(x + sigma n; sigma) - x|² / e(sigma)²,   e(sigma) = sigma / (1 + (sigma / 0.0208)^0.627),

with e the error that a good denoiser makes on natural images (fitted to published results between
sigma = 0.01 and 1), so that no noise level outweighs the others. Squared error, not a robust one:
its minimiser is the posterior mean, and Tweedie's formula needs exactly that.

Noise levels are log-normal about 0.12 (85 of 100) or log-uniform over the whole range, stratified
over each batch. Every fourth batch is gray. Convolution kernels learn by Muon, the rest by AdamW;
both rates follow a cosine over the share of the budget that is used up, in steps or in hours. The
shipped weights are a moving average. A run that was stopped goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from attrs import field, frozen
from torch import Generator, Tensor, nn

from ..errors import InputError
from ..networks.denoiser import SIGMA_RANGE, Denoiser
from .optimizers import Muon
from .patches import Photos, load_photos, luminance

HELD_OUT = (
    "skimage_chelsea.png",
    "skimage_coffee.png",
    "gb82_house-lossless.png",
    "stdlib_airplane-from-above.jpg",
)
VALIDATED = (0.01, 15 / 255, 25 / 255, 50 / 255, 0.4, 1.0)


@frozen
class Recipe:
    """What decides how a training run goes.

    Attributes:
        steps: budget in steps; 0 means that `hours` decides.
        hours: budget in hours, training only (loading photos and validation are not counted).
        batch: patches per step.
        patch: their side length in pixels.
        muon_rate: greatest learning rate of convolution kernels.
        adam_rate: greatest learning rate of everything else.
        average: share of the moving average that a step keeps.
        gray_every: every this many steps, a gray batch.
        seed: of the weights, patches and noise.
    """

    steps: int = 0
    hours: float = 1.2
    batch: int = 16
    patch: int = 64
    muon_rate: float = 3e-3
    adam_rate: float = 1.5e-3
    average: float = 0.998
    gray_every: int = 4
    seed: int = 0
    held_out: tuple[str, ...] = field(default=HELD_OUT)

    def used(self, step: int, seconds: float) -> float:
        """The share of the budget that is used up, 0..1."""
        share = step / self.steps if self.steps else seconds / (3600 * self.hours)
        return min(share, 1.0)


class Run:
    """A training run: the network, its moving average, the optimisers and the clock."""

    def __init__(self, recipe: Recipe, photos: Photos) -> None:
        self.recipe, self.photos = recipe, photos
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            self.network = Denoiser()
        self.averaged = Denoiser()
        self.averaged.load_state_dict(self.network.state_dict())
        self.optimizers = split_optimizers(self.network, recipe)
        self.generator = Generator().manual_seed(recipe.seed)
        self.step = 0
        self.seconds = 0.0

    @property
    def used(self) -> float:
        """The share of the budget that is used up."""
        return self.recipe.used(self.step, self.seconds)

    def advance(self) -> float:
        """One step; returns its loss."""
        start = time.monotonic()
        recipe = self.recipe
        channels = 1 if self.step % recipe.gray_every == recipe.gray_every - 1 else 3
        x = self.photos.patches(recipe.batch, recipe.patch, channels, self.generator)
        sigma = draw_levels(recipe.batch, self.generator)
        noise = torch.randn(x.shape, generator=self.generator)
        rate = schedule(self.used, self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["greatest"] * rate
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast(x.device.type, torch.bfloat16):
            denoised = self.network(x + sigma.view(-1, 1, 1, 1) * noise, sigma)
        squared = (denoised.float() - x).square().mean(dim=(1, 2, 3))
        loss = (squared / expected_error(sigma).square()).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        keep = min(recipe.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            pairs = zip(self.averaged.parameters(), self.network.parameters(), strict=True)
            for average, parameter in pairs:
                average.lerp_(parameter, 1 - keep)
        self.step += 1
        self.seconds += time.monotonic() - start
        return float(loss.detach())

    def save(self, path: Path) -> None:
        """Everything that the rest of the run depends on, atomically."""
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "generator": self.generator.get_state(),
            "step": self.step,
            "seconds": self.seconds,
        }
        temporary = path.with_name(path.name + ".part")
        torch.save(state, temporary)
        os.replace(temporary, path)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.generator.set_state(state["generator"])
        self.step, self.seconds = state["step"], state["seconds"]


def split_optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the body's convolution kernels; AdamW for heads, tails and gains."""
    body, rest = [], []
    for name, parameter in network.named_parameters():
        is_body = parameter.ndim == 4 and not name.startswith(("heads.", "tails."))
        (body if is_body else rest).append(parameter)
    muon = Muon(body, lr=recipe.muon_rate)
    adam = torch.optim.AdamW(rest, lr=recipe.adam_rate, betas=(0.9, 0.99), weight_decay=0.0)
    for optimizer in (muon, adam):
        for group in optimizer.param_groups:
            group["greatest"] = group["lr"]
    return [muon, adam]


def schedule(used: float, step: int) -> float:
    """The learning rate's share of its greatest: 100 steps of warm-up, then half a cosine."""
    return min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * used))


def expected_error(sigma: Tensor) -> Tensor:
    """About the root mean squared error of a good denoiser, in the image's unit."""
    return sigma / (1 + (sigma / 0.0208) ** 0.627)


def draw_levels(count: int, generator: Generator) -> Tensor:
    """Noise levels `(count,)`, stratified: log-normal about 0.12, or log-uniform."""
    low, high = (math.log(bound) for bound in SIGMA_RANGE)
    places = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    narrow = 0.85 * count
    uniform = low + (high - low) * torch.rand(count, generator=generator)
    normal = math.log(0.12) + 1.1 * torch.special.ndtri((places * count / narrow).clamp(0, 0.999))
    log_sigma = torch.where(places * count < narrow, normal, uniform)
    return log_sigma.clamp(low, high).exp()


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


def train(run: Run, photos: Sequence[Tensor], out: Path, checkpoint: Path, every: float) -> None:
    """Steps until the budget is used up; saves, validates and prints each `every` seconds."""
    from ..networks.weights_file import write_weights

    losses: list[float] = []
    due = run.seconds + every
    while run.used < 1:
        losses.append(run.advance())
        if not math.isfinite(losses[-1]):
            raise InputError(
                f"The loss is {losses[-1]} at step {run.step}: the learning rate is too high."
                " Delete the checkpoint and try a smaller --muon-rate."
            )
        if run.seconds >= due or run.used >= 1:
            due = run.seconds + every
            run.save(checkpoint)
            digest = write_weights(run.averaged, out)
            scores = validate(run.averaged, photos)
            line = "  ".join(f"{name}: {value:.2f}" for name, value in scores.items())
            print(
                f"{time.strftime('%H:%M:%S')} step {run.step} {run.seconds:.0f} s"
                f" ({run.used:.1%}) loss {sum(losses) / len(losses):.4f} | {line} | {digest}",
                flush=True,
            )
            losses.clear()


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
        held_out=tuple(given.held_out),
    )
    photos, apart = load_photos(given.images, recipe.patch, recipe.held_out)
    run = Run(recipe, photos)
    checkpoint = given.checkpoint or given.out.with_suffix(".ckpt")
    if checkpoint.exists():
        run.restore(checkpoint)
    size = sum(parameter.numel() for parameter in run.network.parameters())
    print(
        f"{recipe}\n{len(photos.colour)} colour and {len(photos.gray)} gray photos;"
        f" {size} parameters; from step {run.step}",
        flush=True,
    )
    train(run, list(apart.values()), given.out, checkpoint, given.every)


if __name__ == "__main__":
    main()
