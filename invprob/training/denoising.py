r"""What the denoiser learns: patches from their noisy versions, at all noise levels.

A step denoises a batch of patches at noise levels of its own for each patch (`levels`).
Convolution kernels learn by Muon, heads, tails and gains by AdamW. Every `gray_every`-th batch is
gray.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
from attrs import frozen
from torch import Generator, Tensor, nn

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


@frozen(eq=False)
class Denoising:
    """The task of the denoiser (`run.Task`)."""

    recipe: Recipe
    photos: Photos

    def settings(self) -> Mapping[str, object]:
        """The recipe, and how many photos there are."""
        count = {"colour": len(self.photos.colour), "gray": len(self.photos.gray)}
        return attrs.asdict(self.recipe) | count

    def describe(self) -> str:
        """The recipe, and how many photos there are."""
        colour, gray = len(self.photos.colour), len(self.photos.gray)
        return f"{self.recipe}\n{colour} colour and {gray} gray photos"

    def network(self) -> nn.Module:
        """A denoiser of the recipe's widths."""
        return Denoiser(self.recipe.widths)

    def optimizers(self, network: nn.Module) -> list[torch.optim.Optimizer]:
        """Muon for the body's convolution kernels; AdamW for heads, tails and gains."""
        body, rest = body_and_rest(network)
        rate = self.recipe.adam_rate
        adam = torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.99), weight_decay=0.0)
        return [Muon(body, lr=self.recipe.muon_rate), adam]

    def loss(self, network: nn.Module, step: int, generator: Generator) -> Tensor:
        """The mean squared error, relative to that of a good denoiser at each noise level."""
        recipe = self.recipe
        channels = 1 if step % recipe.gray_every == recipe.gray_every - 1 else 3
        x = self.photos.patches(recipe.batch, recipe.patch, channels, generator)
        sigma = draw_levels(recipe.batch, generator)
        noise = torch.randn(x.shape, generator=generator)
        with torch.autocast(x.device.type, torch.bfloat16):
            denoised = network(x + sigma.view(-1, 1, 1, 1) * noise, sigma)
        squared = (denoised.float() - x).square().mean(dim=(1, 2, 3))
        loss: Tensor = (squared / expected_error(sigma).square()).mean()
        return loss


def body_and_rest(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The body's convolution kernels; heads, tails, gains, and all else that has a parameter."""
    body: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        is_body = parameter.ndim == 4 and not {"heads", "tails"} & set(name.split("."))
        (body if is_body else rest).append(parameter)
    return body, rest
