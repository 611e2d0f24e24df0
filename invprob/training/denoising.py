r"""What a denoiser learns: patches from their noisy versions, at all noise levels.

A step denoises a batch of patches at noise levels of its own for each patch (`levels`); the loss
is the squared error, relative to that of a good denoiser. What strong noise hides can only be told
from far around, so one patch of twice the width takes the place of the four with the most noise.
Of all patches one in eight is shown twice, the second time with less noise (`second_looks`). One
in eight is out of focus: what looks even in photographs has their grain, and a network that
learned from nothing else leaves noise in a clear sky. Of photographs one in four may have shapes
painted over it, with edges and stripes that few of them have (`shapes`).
Convolution kernels of the body learn by Muon, heads, tails and gains by AdamW. A network for
colour and gray learns gray in every `gray_every`-th batch. The network computes in bfloat16, all
else is done in float32.

Everything is drawn, cut and learned on one device, so a graphics card waits for nothing but the
two numbers that say whether the loss and its gradient are finite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import attrs
import torch
from attrs import field, frozen
from torch import Generator, Tensor, nn

from ..errors import InputError
from ..fingerprint import fingerprint
from ..networks.denoiser import SIGMA_RANGE, Architecture, Denoiser
from ..units import Unit
from .growth import check_growth, grow
from .levels import CENTRE, SPREAD, draw_levels, expected_error, roughness
from .optimizers import muon_and_adam
from .patches import Photos, out_of_focus
from .second_looks import EVERY, again, less_noisy
from .shapes import painted
from .task import check_budget

WIDER = 2
"""How many times as wide a patch is for strong noise."""

AREA = WIDER**2
"""The same for its area."""

PAINTED = EVERY // 2
"""One patch in so many has shapes, none of those that are shown twice or out of focus."""


@frozen
class Recipe:
    """What decides how a training run goes.

    Attributes:
        steps: budget in steps; 0 means that `hours` decides.
        hours: budget in hours, training only (loading photos and validation are not counted).
        batch: patches per step.
        patch: their side length in pixels; twice that for strong noise, if all photos are that
            large and a batch has 16 patches.
        rate: greatest learning rate of convolution kernels.
        adam_rate: greatest learning rate of everything else.
        average: share of the moving average that a step keeps.
        gray_every: every this many steps a gray batch, if the network takes gray and colour.
        turns: whether patches are turned and flipped.
        tries: how many patches are drawn for each that is learned from, the roughest of them.
        centre: the noise level about which most are, in the image's unit. Images of one kind are
            told apart at noise in which photographs are lost: for these it is larger.
        spread: how far they are from it, the standard deviation of log sigma.
        chroma: how many times as much an error counts that leaves the mean of the channels as it
            is. Of the embedded network for colour little else is used (`networks.luminance`).
        shapes: whether one patch in four has shapes painted over it: for photographs, not for
            images of one kind.
        seed: of the weights, patches and noise.

    Raises:
        InputError: a number that can't be.
    """

    steps: int = 0
    hours: float = 1.2
    batch: int = 16
    patch: int = 64
    rate: float = 2.5e-3
    adam_rate: float = 5e-4
    average: float = 0.998
    gray_every: int = 4
    turns: bool = True
    tries: int = 1
    centre: float = CENTRE
    spread: float = SPREAD
    chroma: float = 1.0
    shapes: bool = False
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        check_budget(self)
        if min(self.batch, self.gray_every, self.tries) < 1 or self.patch < 16:
            raise InputError(
                f"batch={self.batch}, patch={self.patch}, gray_every={self.gray_every},"
                f" tries={self.tries}: a batch has 1 patch or more, of 16 pixels or more on a"
                " side, and each is drawn once or oftener"
            )
        rates = (self.rate, self.adam_rate)
        if not all(0 < rate < math.inf for rate in rates) or not 0 <= self.average < 1:
            raise InputError(
                f"rate={self.rate}, adam_rate={self.adam_rate}, average={self.average}: rates must"
                " be above 0, average within [0, 1)"
            )
        if not 0 < self.chroma < math.inf:
            raise InputError(f"chroma={self.chroma}: errors of colour count more or less, above 0")
        low, high = SIGMA_RANGE
        if not low <= self.centre <= high or not 0 <= self.spread < math.inf:
            raise InputError(
                f"centre={self.centre}, spread={self.spread}: most noise levels are about a"
                f" centre from {low} to {high}, in the unit of images in [0, 1], with a spread of"
                " 0 or more"
            )


@frozen(eq=False)
class Denoising:
    """The task of a denoiser (`run.Task`).

    Attributes:
        recipe: how it is learned.
        architecture: of the network.
        photos: what it is learned from.
        start: a network whose weights the run begins with; None draws them.
        unit: of the photos' files.
        has_wide: whether strong noise is learned on wide patches: batches and photos are large
            enough.

    Raises:
        InputError: the photos do not have the network's channels, or `start` is of another
            architecture.
    """

    recipe: Recipe
    architecture: Architecture
    photos: Photos
    start: Denoiser | None = None
    unit: Unit = field(factory=Unit)
    has_wide: bool = field(init=False)
    _fingerprint: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.start is not None:
            check_growth(self.start.architecture, self.architecture)
        known = {self.photos.channels} | ({1} if self.photos.channels == 3 else set())
        if not set(self.architecture.channels) <= known:
            raise InputError(
                f"channels={self.architecture.channels}: the photos have {self.photos.channels}"
                " channels; a network learns that many, or 1 from photos in colour"
            )
        if self.photos.channels in self.architecture.channels and not self.photos.full:
            raise InputError("there are no photos that have all channels")

    @has_wide.default
    def _has_room(self) -> bool:
        least = int(self.photos.table[:, 1:3].min())
        return self.recipe.batch >= AREA**2 and least >= WIDER * self.recipe.patch

    @_fingerprint.default
    def _of_photos(self) -> str:
        return fingerprint([self.photos.pixels, self.photos.table])

    def settings(self) -> Mapping[str, object]:
        """The recipe, the architecture, and which photos."""
        parts = attrs.asdict(self.recipe) | attrs.asdict(self.architecture)
        start = self.start and fingerprint(list(self.start.parameters()))[:12]
        return parts | {
            "photos": f"{len(self.photos)} ({self._fingerprint[:12]})",
            "start": start or "nothing",
            **self.unit.settings(),
        }

    def about(self) -> str:
        """What learns from what."""
        return f"{self.architecture}; {len(self.photos)} photos"

    def network(self) -> Denoiser:
        """A denoiser of that architecture, with the weights to begin with if there are any."""
        network = Denoiser(self.architecture)
        if self.start is not None:
            grow(self.start, network)
        return network

    def optimizers(self, network: nn.Module) -> list[torch.optim.Optimizer]:
        """Muon for the body's convolution kernels; AdamW for heads, tails and gains."""
        return muon_and_adam(network, self.recipe.rate, self.recipe.adam_rate)

    def loss(self, network: nn.Module, step: int, generator: Generator) -> Tensor:
        """The mean squared error, relative to that of a good denoiser at each noise level."""
        recipe, counts = self.recipe, self.architecture.channels
        before = step // recipe.gray_every  # so many gray batches
        gray = step % recipe.gray_every == recipe.gray_every - 1
        channels = min(counts) if gray else max(counts)
        both = min(counts) < max(counts)  # then each kind takes turns of its own
        turn = (before if gray else step - before) if both else step
        draw = partial(self._errors, network, channels, turn, generator)
        levels = draw_levels(recipe.batch, generator, recipe.centre, recipe.spread)
        if not self.has_wide:
            return draw(levels, recipe.patch).mean()
        wide = recipe.batch // AREA**2
        weak, strong = levels.sort().values.tensor_split([recipe.batch - wide * AREA])
        one = torch.randint(AREA, (wide, 1), generator=generator, device=levels.device)
        strong = strong.view(wide, AREA).gather(1, one)[:, 0]
        seen_wide = draw(strong, WIDER * recipe.patch).repeat(AREA)
        return torch.cat([draw(weak, recipe.patch), seen_wide]).mean()

    def _errors(
        self,
        network: nn.Module,
        channels: int,
        turn: int,
        generator: Generator,
        sigma: Tensor,
        size: int,
    ) -> Tensor:
        """The relative squared error of a patch at each noise level, `(B,)`."""
        count, turns, tries = len(sigma), self.recipe.turns, self.recipe.tries
        x = self.photos.patches(count, size, channels, generator, turns, tries)
        smooth = again(turn + EVERY // 2)
        x[smooth] = out_of_focus(x[smooth], turn // EVERY)
        counts = torch.ones_like(x[:, :1])
        if self.recipe.shapes:
            drawn = again(turn + PAINTED // 2, PAINTED)
            x[drawn], counts[drawn] = painted(x[drawn], generator)
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        y = x + sigma.view(-1, 1, 1, 1) * noise
        less = again(turn)
        z = less_noisy(x[less], noise[less], sigma[less], generator)
        with torch.autocast(x.device.type, torch.bfloat16):
            both = network(torch.cat([y, z]), torch.cat([sigma, sigma[less]])).float()
        answer, second = both.tensor_split([count])
        error = answer - x
        colour = error - error.mean(1, keepdim=True)
        counted = error.square() + (self.recipe.chroma - 1) * colour.square()
        squared = (counts * counted).mean(dim=(1, 2, 3))
        apart = torch.zeros_like(squared)
        apart[less] = (second - answer[less].detach()).square().mean(dim=(1, 2, 3))
        relative: Tensor = (squared + apart) / expected_error(sigma).square() / roughness(answer)
        return relative
