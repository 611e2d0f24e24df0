r"""A training run of the denoiser: what one step does, and what a checkpoint holds.

A step denoises a batch of patches at noise levels of its own for each patch (`levels`).
Convolution kernels learn by Muon, heads, tails and gains by AdamW; both rates follow a cosine over
the share of the budget that is used up, in steps or in hours, so that the run ends on time on any
machine. What ships is the moving average of the weights. Every `gray_every`-th batch is gray.

With a budget in steps and one thread a run is the same every time, and one that was interrupted
ends like one that was not.
"""

from __future__ import annotations

import copy
import math
import os
import time
from pathlib import Path
from typing import Any

import torch
from attrs import frozen
from torch import Generator, nn

from ..networks.denoiser import Denoiser
from .levels import draw_levels, expected_error
from .optimizers import Muon
from .patches import Photos


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
        widths: channels of the network at 1/2, 1/4 and 1/8 resolution.
        seed: of the weights, patches and noise.
    """

    steps: int = 0
    hours: float = 1.2
    batch: int = 16
    patch: int = 64
    muon_rate: float = 2.5e-3
    adam_rate: float = 5e-4
    average: float = 0.998
    gray_every: int = 4
    widths: tuple[int, int, int] = (96, 128, 128)
    seed: int = 0

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
            self.network = Denoiser(recipe.widths)
        self.averaged = copy.deepcopy(self.network)
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
        loss.backward()
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
    body: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
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
