r"""What a flow learns: to give the images that it is shown a high density.

The loss is -log p of images with their levels of gray made continuous. An image of d pixels with
levels k = 0..2^b - 1 becomes x = (k + U - 1/2) / (2^b - 1) with U ~ U(0, 1), so that the bins of
all levels tile the line. A bin has the volume (2^b - 1)^-d, and by Jensen's inequality

    -log₂ P(k) = -log₂ E_U[p(x)] + d log₂(2^b - 1)  <=  E_U[-log₂ p(x)] + d log₂(2^b - 1):

an upper bound on the bits that storing the image takes. Divided by d it is what papers report, and
`bits_per_dimension` gives.

**Noise.** Gradient ascent on a density begins away from the images, where a flow that has only
seen clean ones extrapolates wildly: couplings in a row amplify what they do not know, and noise of
0.1 cost such a flow of digits 10^12 nats. So some images of each batch get white noise, of a level
that is log-uniform up to `noise`. Couplings then learn to read the noise level off the half that
they keep, and the density falls from clean to noisy images as it should. It is still exactly the
density of something: of images of which a share `noisy` has noise of unknown level.

Hidden convolutions learn by Muon, all else by Adam. The networks of couplings run in bfloat16, all
else in float32.

References: Kingma, Dhariwal, Glow, 2018, https://arxiv.org/abs/1807.03039. Theis, van den Oord,
Bethge, 2016, https://arxiv.org/abs/1511.01844.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
import torch
from attrs import field, frozen
from torch import Generator, Tensor, nn

from ..errors import InputError
from ..fingerprint import fingerprint
from ..networks.glow import Architecture, Glow
from ..networks.stored_glow import write_glow
from ..priors.flow import standard_normal_log_prob
from ..units import Unit
from .curve import so_far
from .images import Images
from .optimizers import Muon
from .run import Run
from .task import check_budget

FIRST = 256
"""How many images set the ActNorms before the first step."""


@frozen
class Recipe:
    """What decides how a training run goes.

    Attributes:
        steps: budget in steps; 0 means that `hours` decides.
        hours: budget in hours, training only.
        batch: images per step.
        rate: greatest learning rate.
        noisy: share of the images that get white noise.
        noise: its greatest standard deviation, in the unit of [0, 1]; levels are log-uniform
            from a hundredth of it.
        average: share of the moving average that a step keeps.
        seed: of the weights, images and noise.

    Raises:
        InputError: a number that can't be.
    """

    steps: int = 0
    hours: float = 0.6
    batch: int = 64
    rate: float = 4e-3
    noisy: float = 0.25
    noise: float = 0.5
    average: float = 0.998
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        check_budget(self)
        if self.batch < 1 or not 0 < self.rate < math.inf or not 0 <= self.average < 1:
            raise InputError(
                f"batch={self.batch}, rate={self.rate}, average={self.average}: batch must be at"
                " least 1, rate above 0, average within [0, 1)"
            )
        if not 0 <= self.noisy <= 1 or not 0 <= self.noise < math.inf:
            raise InputError(
                f"noisy={self.noisy}, noise={self.noise}: give a share within [0, 1], and a"
                " standard deviation of 0 or more"
            )


@frozen(eq=False)
class MaximumLikelihood:
    """The task of a flow (`run.Task`).

    Attributes:
        recipe: how it is learned.
        architecture: of the flow.
        images: what it is learned from.
        unit: of the images' files.

    Raises:
        InputError: the density is to be of levels that the images do not have.
    """

    recipe: Recipe
    architecture: Architecture
    images: Images
    unit: Unit = field(factory=Unit)
    _fingerprint: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.architecture.bits > self.images.bits:
            raise InputError(
                f"bits={self.architecture.bits}: the images have {self.images.bits} bits, and of"
                " more levels only those would be learned, each with nothing around it; give"
                f" bits={self.images.bits} or less",
                typed=f"--bits {self.images.bits}, or images whose files have 16 bits",
            )

    @_fingerprint.default
    def _of_images(self) -> str:
        return fingerprint([self.images.images, self.images.size])

    def settings(self) -> Mapping[str, object]:
        """The recipe, the architecture, and which images."""
        parts = attrs.asdict(self.recipe) | attrs.asdict(self.architecture)
        images = f"{len(self.images)} ({self._fingerprint[:12]})"
        return parts | {"images": images, **self.unit.settings()}

    def about(self) -> str:
        """What learns from what."""
        return f"{self.architecture}; {len(self.images)} images of {self.images.bits} bits"

    def network(self) -> Glow:
        """A Glow whose ActNorms are set by some of the images."""
        flow = Glow(self.architecture)
        generator = Generator().manual_seed(self.recipe.seed)
        x = self.images.draw(FIRST, generator)
        flow.initialise(dequantise(x, self.architecture.bits, generator))
        return flow

    def optimizers(self, network: nn.Module) -> list[torch.optim.Optimizer]:
        """Muon for hidden convolutions; Adam for all else."""
        hidden = [p for name, p in network.named_parameters() if _is_hidden(name)]
        rest = [p for name, p in network.named_parameters() if not _is_hidden(name)]
        adam = torch.optim.Adam(rest, lr=self.recipe.rate, betas=(0.9, 0.99))
        return [Muon(hidden, lr=self.recipe.rate), adam]

    def loss(self, network: nn.Module, step: int, generator: Generator) -> Tensor:
        """Bits per dimension of a batch."""
        recipe = self.recipe
        x = self.images.draw(recipe.batch, generator)
        x = dequantise(x, self.architecture.bits, generator)
        x = add_noise(x, recipe.noisy, recipe.noise, generator)
        with torch.autocast(x.device.type, torch.bfloat16):
            return bits_per_dimension(network, x).mean()


def report(
    run: Run, held_out: Tensor, out: Path, say: Callable[[str], None], losses: Sequence[float]
) -> None:
    """Write the weights, and say how many bits per dimension held-out images take."""
    flow = run.averaged
    if not isinstance(flow, Glow):
        raise TypeError(f"{type(flow).__name__} is no Glow")
    digest = write_glow(flow, out)
    found = validate(flow, held_out)
    say(f"{so_far(run, losses)}; {found:.4f} held out, in bits/dim | {digest}")


@torch.no_grad()
def validate(flow: Glow, x: Tensor) -> float:
    """Mean bits per dimension of held-out images `(N, C, H, W)`, always with the same noise.

    The images are on the processor, the flow may be elsewhere.
    """
    spread = dequantise(x, flow.architecture.bits, Generator().manual_seed(0))
    return float(bits_per_dimension(flow, spread.to(next(flow.parameters()).device)).mean())


def dequantise(x: Tensor, bits: int, generator: Generator) -> Tensor:
    """Images with 2^bits levels of gray, spread evenly over the width of their level.

    Args:
        x: images in [0, 1], any shape.
        bits: of the levels; images that have more lose the others.
        generator: the source of randomness, on x's device.

    Returns:
        Images, within half a level of [0, 1].

    >>> x = dequantise(torch.tensor([0.0, 1.0]), 1, Generator().manual_seed(0))
    >>> ((x - torch.tensor([0.0, 1.0])).abs() <= 0.5).all()
    tensor(True)
    """
    levels = 2.0**bits
    level = (x * levels).floor().clamp(0, levels - 1)
    noise = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return (level + noise - 0.5) / (levels - 1)


def add_noise(x: Tensor, share: float, greatest: float, generator: Generator) -> Tensor:
    """Images `(B, C, H, W)`, a share of them with white noise of a level of their own.

    >>> x = add_noise(torch.zeros(100, 1, 8, 8), 0.5, 0.1, Generator().manual_seed(0))
    >>> 30 < int((x.std((1, 2, 3)) > 0).sum()) < 70
    True
    """
    chosen, place = torch.rand(2, len(x), generator=generator, device=x.device)
    sigma = torch.where(chosen < share, greatest * 100**-place, 0)
    noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return x + sigma.to(x).view(-1, 1, 1, 1) * noise


def bits_per_dimension(flow: nn.Module, x: Tensor) -> Tensor:
    """-log₂ p(x) / d + log₂(2^b - 1): an upper bound on the bits to store a pixel.

    Args:
        flow: a Glow for images with b bits.
        x: what `dequantise` made, `(B, C, H, W)`.

    Returns:
        `(B,)`.
    """
    if not isinstance(flow, Glow):
        raise TypeError(f"{type(flow).__name__} is no Glow")
    z, log_det = flow.encode(x)
    nats = -(standard_normal_log_prob(z) + log_det) / flow.architecture.pixels
    bound: Tensor = nats / math.log(2) + math.log2(2**flow.architecture.bits - 1)
    return bound


def _is_hidden(name: str) -> bool:
    return name.endswith((".network.0.weight", ".network.2.weight"))
