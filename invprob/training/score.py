r"""What a score network learns: ∇ log p(y) from noisy images alone (AR-DAE).

**Why it works.** Let z be a noisy image (in even coordinates), u ~ N(0, I), and q the density of
z + a u. Given z~ = z + a u, Tweedie's formula says -E[u | z~] / a = ∇ log q(z~). So

    E ‖u + a S(z~)‖²  =  E ‖a S(z~) - a ∇ log q(z~)‖²  +  a constant:

the least loss is at S = ∇ log q, the score of p * N(0, a² I). No clean image occurs, and nothing
is said of how z got its noise; it is denoising score matching (Vincent 2011), scaled as in the
amortised residual denoising autoencoder (Lim et al. 2020), so that it stays bounded as a shrinks.

**The size of a.** It trades bias for variance. What a step regresses on is u / a. In units of an
image, sigma² s, that is noise of standard deviation sigma² / a beside the sigma that is in the
images anyway: a = sigma costs little more than learning from pairs of noisy images (Noise2Noise),
a = sigma / 4 needs many times the batches. But what is learned is the score of images with more
noise, sqrt(sigma² + a²), and used as it is, it denoises to that level. Three things against that:

* a is drawn for every patch, log-uniform from `least` to `greatest` times sigma: the great ones
  teach quickly what images look like, the small ones keep the noise level honest;
* the network's form (`networks.score`) knows what a does to the noise, so what it has to learn
  varies little with a, and it is asked at a = 0. For Gaussian noise, where the form divides by
  sigma² + a², that is the correction x̂ = y + (sigma² + a²) s_a(y), made before and not after;
* steps come in pairs, u and -u on the same patch. What they regress on cancels to first order, and
  what is left is a finite difference of the divergence in Hyvärinen's objective.

**On a lattice** (counts) the density is a comb, and a below 0.6 of the spacing would learn its
teeth: `least` is raised to that. In the coordinates of Poisson noise the spacing is widest in the
dark, 1.1 sigma between counts of 0 and 1, and closes towards the bright.

The loss is written in units in which predicting nothing, S = 0, has loss 1; what noise cannot be
told from image keeps it well above 0, so differences matter and the level does not.

References: Vincent, A connection between score matching and denoising autoencoders, 2011,
https://doi.org/10.1162/NECO_a_00142. Lim, Courville, Pal, Huang, AR-DAE: towards unbiased neural
entropy gradient estimation, 2020, https://arxiv.org/abs/2006.05164. Xie, Yuan, Dong, Li,
Unsupervised image denoising with score function, 2023, https://arxiv.org/abs/2304.08384.
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

from ..diagnostics.metrics import psnr
from ..drive import solve
from ..errors import InputError
from ..fingerprint import fingerprint
from ..networks.score import Architecture, ScoreNetwork
from ..networks.stored_score import write_score
from ..networks.weights_file import digest_of, fill, read_weights
from ..priors.measured import MeasuredPrior
from ..problem import Problem
from ..solvers.score_equation import ScoreEquation
from ..units import Unit
from .curve import so_far
from .noisy import NoisyImages, Pair
from .optimizers import muon_and_adam
from .run import Run
from .task import check_budget

OF_SPACING = 0.6
"""The least perturbation of data on a lattice, as a share of its spacing."""


@frozen
class Recipe:
    """What decides how a training run goes.

    Attributes:
        steps: budget in steps; 0 means that `hours` decides.
        hours: budget in hours, training only.
        batch: patches per step, an even number: half as many, twice.
        patch: their side length in pixels.
        turns: turned by right angles and flipped, too.
        least: the least perturbation, in units of the noise.
        greatest: the greatest.
        rate: greatest learning rate of convolution kernels.
        adam_rate: greatest learning rate of everything else.
        average: share of the moving average that a step keeps.
        seed: of the weights, patches and perturbations.

    Raises:
        InputError: a number that can't be.
    """

    steps: int = 0
    hours: float = 0.5
    batch: int = 16
    patch: int = 64
    turns: bool = True
    least: float = 0.3
    greatest: float = 1.0
    rate: float = 2.5e-3
    adam_rate: float = 5e-4
    average: float = 0.998
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        check_budget(self)
        if self.batch < 2 or self.batch % 2 or self.patch < 16:
            raise InputError(
                f"batch={self.batch}, patch={self.patch}: batches are even, 2 at least, and"
                " patches have 16 pixels a side at least"
            )
        if not 0 < self.least <= self.greatest < math.inf:
            raise InputError(
                f"least={self.least}, greatest={self.greatest}: perturbations are positive, and"
                " the least is not above the greatest; 0.3 and 1 are usual"
            )
        rates = (self.rate, self.adam_rate)
        if not all(0 < rate < math.inf for rate in rates) or not 0 <= self.average < 1:
            raise InputError(
                f"rate={self.rate}, adam_rate={self.adam_rate}, average={self.average}: rates must"
                " be above 0, average within [0, 1)"
            )


@frozen(eq=False)
class ScoreMatching:
    """The task of a score network (`run.Task`).

    Attributes:
        recipe: how the run goes.
        architecture: of the network.
        images: what is learned from.
        start: weights to begin from, a file; those of another noise are a good beginning, since
            all noise looks alike in even coordinates. By default they are drawn.
        unit: of the images' files.
    """

    recipe: Recipe
    architecture: Architecture
    images: NoisyImages
    start: Path | None = None
    unit: Unit = field(factory=Unit)
    _fingerprint: str = field(init=False)
    _begun: str = field(init=False)

    @_fingerprint.default
    def _of_images(self) -> str:
        return fingerprint([self.images.pixels, self.images.table])

    @_begun.default
    def _of_start(self) -> str:
        return "none" if self.start is None else digest_of(self.start)

    def settings(self) -> Mapping[str, object]:
        """The recipe, the architecture, and which images."""
        parts = attrs.asdict(self.recipe) | attrs.asdict(self.architecture)
        images = f"{len(self.images)} ({self._fingerprint[:12]})"
        return parts | {"images": images, "start": self._begun} | self.unit.settings()

    def about(self) -> str:
        """What learns from what."""
        own = self.architecture
        parts = f"channels={own.channels}, widths={own.widths}, before={own.before}"
        return f"score of {own.noise}: {parts}, after={own.after}; {len(self.images)} noisy images"

    def network(self) -> ScoreNetwork:
        """A new score network."""
        network = ScoreNetwork(self.architecture)
        if self.start is not None:
            fill(network, read_weights(self.start), self.start)
        return network

    def optimizers(self, network: nn.Module) -> list[torch.optim.Optimizer]:
        """Muon for the body's convolution kernels; AdamW for all else."""
        return muon_and_adam(network, self.recipe.rate, self.recipe.adam_rate)

    def loss(self, network: nn.Module, step: int, generator: Generator) -> Tensor:
        """AR-DAE's loss on a batch of patches, each with u and -u."""
        half = self.recipe.batch // 2
        z = self.images.draw(half, self.recipe.patch, generator, self.recipe.turns)
        u = torch.randn(z.shape, generator=generator, device=z.device)
        a = self.draw_perturbations(half, generator).to(z)
        if not isinstance(network, ScoreNetwork):
            raise TypeError(f"{type(network).__name__} is no ScoreNetwork")
        with torch.autocast(z.device.type, torch.bfloat16):
            return residual_loss(network.perturbed, z, u, a)

    def draw_perturbations(self, count: int, generator: Generator) -> Tensor:
        """Standard deviations a `(count,)`, log-uniform over the range, stratified."""
        z = self.architecture.coordinates
        least = max(self.recipe.least, OF_SPACING * z.spacing / z.sigma)
        greatest = max(self.recipe.greatest, least)
        places = torch.rand(count, generator=generator, device=generator.device)
        places = (places + torch.arange(count, device=places.device)) / count
        return z.sigma * least * (greatest / least) ** places


def residual_loss(
    score: Callable[[Tensor, Tensor], Tensor], z: Tensor, u: Tensor, a: Tensor
) -> Tensor:
    """The mean of (u + a S(z + a u))² and (-u + a S(z - a u))², a number.

    Args:
        score: S, of perturbed images `(2 B, C, H, W)` and their a `(2 B, 1, 1, 1)`.
        z: images in even coordinates, `(B, C, H, W)`.
        u: standard normal, of z's shape.
        a: standard deviations of the perturbation, `(B,)`.

    >>> z, u, a = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2), torch.ones(1)
    >>> residual_loss(lambda z, a: -z / a**2, z, u, a)  # z + a u is N(0, a²): the exact score
    tensor(0.)
    """
    u, a = torch.cat([u, -u]), a.repeat(2).view(-1, 1, 1, 1)
    s = score(z.repeat(2, 1, 1, 1) + a * u, a)
    return (u + a * s).square().mean()


@frozen(eq=False)
class HeldOut:
    """Images that were not learned, to say how a run goes.

    Attributes:
        task: the same, on these images.
        likelihood: their noise.
        pairs: the images; those with a clean one are denoised.
    """

    task: ScoreMatching
    likelihood: Any
    pairs: tuple[Pair, ...]

    @torch.no_grad()
    def loss(self, network: nn.Module, patches: int = 64) -> float:
        """The mean loss on about so many patches, always with the same perturbations."""
        generator = Generator(self.task.images.pixels.device).manual_seed(0)
        rounds = range(max(1, patches // self.task.recipe.batch))
        losses = [self.task.loss(network, 0, generator) for _ in rounds]
        return float(torch.stack(losses).mean())

    def decibels(self, network: nn.Module, most: int = 4, side: int = 256) -> list[float]:
        """PSNR of the answers of the score equation, on the centres of some images."""
        prior, found = MeasuredPrior(network.eval()), []
        for pair in self.pairs[:most]:
            if pair.x is not None:
                filtered = self.task.architecture.coordinates.boundary is not None
                size = max(pair.y.shape) if filtered else side  # a filter knows the borders
                y, x = (_centre(image[None], size) for image in (pair.y, pair.x))
                y = y.to(self.task.images.pixels.device)
                problem: Problem[Any, Any] = Problem(prior, self.likelihood, y)
                found.append(float(psnr(solve(problem, ScoreEquation()).x.cpu(), x)))
        return found


def _centre(image: Tensor, side: int) -> Tensor:
    """The middle of `(B, C, H, W)`, up to `side` pixels high and wide."""
    top, left = (max(n - side, 0) // 2 for n in image.shape[2:])
    return image[..., top : top + side, left : left + side]


def report(
    run: Run, held_out: HeldOut, out: Path, say: Callable[[str], None], losses: Sequence[float]
) -> None:
    """Write the weights, and say how well held-out images are known."""
    network = run.averaged
    if not isinstance(network, ScoreNetwork):
        raise TypeError(f"{type(network).__name__} is no ScoreNetwork")
    digest = write_score(network, out)
    decibels = held_out.decibels(network)
    denoised = f", denoised to {sum(decibels) / len(decibels):.2f} dB" if decibels else ""
    found = f"{held_out.loss(network):.4f} held out{denoised}"
    say(f"{so_far(run, losses)}; {found} | {digest}")
