r"""What a posterior sampler learns: to draw images behind a measurement, with one call for each.

A step draws patches x and their measurements y, of one likelihood at one noise level, makes M
images for each y, and improves generator and critic together (`adversarial` has the losses, and
why they lead to the posterior). What is kept is the moving average of the generator.

It is supervised, and so needs clean images, but it is told nothing of the likelihood but its
simulator: any whose measurement has the image's shape can be learned. Patches are measured as if
they were images, which is right for noise, and for filters up to the patch's borders.

**What is looked at**, on images that were held out: one sample's PSNR, that of the mean of some,
and the sample's squared error over that of the mean. For exact samples, M of them, that ratio is
2 / (1 + 1 / M): a sample errs as the truth does, independently. A sampler whose samples are too
much alike has a smaller one. And what they say of their own error: the samples' variance, times
1 + 1 / M, over the squared error of their mean, which is 1.

Adam moves both networks, which compute in bfloat16.

Reference: Ohayon, Adrai, Vaksman, Elad, Milanfar, High perceptual quality image denoising with a
posterior sampling CGAN, 2021, https://arxiv.org/abs/2103.04192.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import torch
from attrs import field, frozen
from torch import Generator, Tensor, nn

from ..errors import InputError
from ..fingerprint import fingerprint
from ..networks.generator import Architecture, PosteriorGenerator, law_of
from ..networks.stored_generator import write_generator
from ..streams import generator as stream
from ..units import Unit
from .adversarial import Adversaries, Weights, adversarial_loss
from .curve import so_far
from .patches import Photos
from .run import Run
from .storage import in_unit
from .task import check_budget

BETAS = (0.5, 0.9)
"""Adam's: a critic's gradient turns often, so little of it is remembered."""

DRAWN = 8
"""How many samples of a held-out image are drawn."""

SIDE = 128
"""Of held-out images the centre of this side is looked at."""


@frozen
class Recipe:
    """What decides how a training run goes.

    Attributes:
        steps: budget in steps; 0 means that `hours` decides.
        hours: budget in hours, training only.
        batch: patches per step.
        patch: their side length in pixels.
        turns: turned by right angles and flipped, too.
        weights: of the terms of the loss, and M.
        rate: greatest learning rate of the generator.
        critic_rate: greatest learning rate of the critic.
        average: share of the moving average that a step keeps.
        seed: of the weights, patches, measurements and samples.

    Raises:
        InputError: a number that can't be.
    """

    steps: int = 0
    hours: float = 0.6
    batch: int = 32
    patch: int = 64
    turns: bool = True
    weights: Weights = Weights()
    rate: float = 2e-3
    critic_rate: float = 4e-3
    average: float = 0.998
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        check_budget(self)
        if self.batch < 1 or self.patch < 1:
            raise InputError(f"batch={self.batch}, patch={self.patch}: give 1 or more of each")
        rates = (self.rate, self.critic_rate)
        if not all(0 < rate < math.inf for rate in rates) or not 0 <= self.average < 1:
            raise InputError(
                f"rate={self.rate}, critic_rate={self.critic_rate}, average={self.average}: rates"
                " must be above 0, average within [0, 1)"
            )


@frozen(eq=False)
class PosteriorSampling:
    """The task of a posterior sampler (`run.Task`).

    Attributes:
        recipe: how it is learned.
        architecture: of the generator; `made_for` makes one that names the likelihood.
        photos: what it is learned from.
        likelihood: how measurements arise.
        unit: of the photos' files.

    Raises:
        InputError: the photos have other channels than the network, or a measurement has not the
            shape of the image.
    """

    recipe: Recipe
    architecture: Architecture
    photos: Photos
    likelihood: Any
    unit: Unit = field(factory=Unit)
    _fingerprint: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.photos.channels != self.architecture.channels:
            raise InputError(
                f"channels={self.architecture.channels}: the photos have {self.photos.channels}"
            )
        shape = (1, self.photos.channels, self.recipe.patch, self.recipe.patch)
        y = self.likelihood.sample(torch.full(shape, 0.5), stream(0))
        if tuple(y.shape) != shape:
            raise InputError(
                f"{self.likelihood!r} makes a measurement of shape {tuple(y.shape[1:])} of an"
                f" image of shape {shape[1:]}: a posterior generator takes measurements that look"
                " like images, of the same channels, height and width; for others take a denoiser"
                " and Restart()"
            )

    @_fingerprint.default
    def _of_photos(self) -> str:
        return fingerprint([self.photos.pixels, self.photos.table])

    def settings(self) -> Mapping[str, object]:
        """The recipe, the architecture, and which photos."""
        parts = attrs.asdict(self.recipe, recurse=False) | attrs.asdict(self.architecture)
        photos = f"{self.photos.full} ({self._fingerprint[:12]})"
        return parts | {"photos": photos} | self.unit.settings()

    def about(self) -> str:
        """What learns from what."""
        own = self.architecture
        parts = f"channels={own.channels}, widths={own.widths}, blocks={own.blocks}"
        return f"sampler behind {own.noise}: {parts}; {self.photos.full} photos"

    def network(self) -> Adversaries:
        """A new generator and its critic."""
        return Adversaries(self.architecture)

    def optimizers(self, network: nn.Module) -> list[torch.optim.Optimizer]:
        """Adam for each of the two."""
        players, recipe = _players(network), self.recipe
        return [
            torch.optim.Adam(players.generator.parameters(), recipe.rate, BETAS),
            torch.optim.Adam(players.critic.parameters(), recipe.critic_rate, BETAS),
        ]

    def loss(self, network: nn.Module, step: int, generator: Generator) -> Tensor:
        """The losses of both on a batch of patches."""
        recipe = self.recipe
        channels = self.photos.channels
        x = self.photos.patches(recipe.batch, recipe.patch, channels, generator, recipe.turns)
        y = self.likelihood.sample(x, generator)
        return adversarial_loss(_players(network), x, y, recipe.weights, generator)


def made_for(likelihood: Any, channels: int, widths: Sequence[int], blocks: int) -> Architecture:
    """The architecture of a generator for one likelihood."""
    return Architecture(
        channels, tuple(widths), blocks, noise=repr(likelihood), law=law_of(likelihood)
    )


@frozen
class Quality:
    """How good samples of held-out images are.

    Attributes:
        one: PSNR of a sample, in dB.
        mean: PSNR of the mean of the samples.
        ratio: the squared error of a sample over that of the mean.
        spread: the samples' variance over the squared error that their mean has.
        ideal: what `ratio` is for exact samples.
    """

    one: float
    mean: float
    ratio: float
    spread: float
    ideal: float

    def __str__(self) -> str:
        """In a line."""
        return (
            f"a sample {self.one:.2f} dB, their mean {self.mean:.2f} dB, ratio {self.ratio:.2f}"
            f" (exact: {self.ideal:.2f}), spread over error {self.spread:.2f} (exact: 1)"
        )


@torch.no_grad()
def validate(
    network: PosteriorGenerator, x: Sequence[Tensor], likelihood: Any, count: int = DRAWN
) -> Quality:
    """The quality of samples, always with the same noise.

    Args:
        network: on any device.
        x: clean images `(C, H, W)` in [0, 1].
        likelihood: what the network was trained for.
        count: how many samples of each.
    """
    device = next(network.parameters()).device
    totals = torch.zeros(3, dtype=torch.float64)
    for number, image in enumerate(x):
        y = likelihood.sample(image[None], stream(0, number)).to(device)
        drawn = network(y.repeat(count, 1, 1, 1), 1.0, stream(1, number)).cpu().double()
        error, mean = (drawn - image).square().mean(), drawn.mean(0)
        totals += torch.stack([error, (mean - image).square().mean(), drawn.var(0).mean()])
    error, error_of_mean, variance = (totals / len(x)).tolist()
    return Quality(
        one=-10 * math.log10(error),
        mean=-10 * math.log10(error_of_mean),
        ratio=error / error_of_mean,
        spread=variance * (1 + 1 / count) / error_of_mean,
        ideal=2 / (1 + 1 / count),
    )


def report(
    run: Run,
    held_out: Sequence[Tensor],
    out: Path,
    say: Callable[[str], None],
    losses: Sequence[float],
) -> None:
    """Write the generator's weights, and say how good its samples of held-out images are."""
    task = run.task
    if not isinstance(task, PosteriorSampling):
        raise TypeError(f"{type(task).__name__} is no PosteriorSampling")
    network = _players(run.averaged).generator
    digest = write_generator(network, out)
    found = validate(network, held_out, task.likelihood)
    say(f"{so_far(run, losses)}; held out, {found} | {digest}")


def centre(photo: Tensor, side: int = SIDE) -> Tensor:
    """The middle of a stored photo `(C, H, W)`, up to `side` pixels high and wide, in [0, 1]."""
    top, left = (max(n - side, 0) // 2 for n in photo.shape[1:])
    return in_unit(photo[:, top : top + side, left : left + side])


def _players(network: nn.Module) -> Adversaries:
    if not isinstance(network, Adversaries):
        raise TypeError(f"{type(network).__name__} is no Adversaries")
    return network
