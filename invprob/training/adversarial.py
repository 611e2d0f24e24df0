r"""What a posterior sampler and its critic learn by.

**The critic** C(x, y) is to be larger for real pairs than for generated ones, with a slope of at
most 1, so that the difference is the Wasserstein distance of the two:

    E C(G, y) - E C(x, y) + weight E max(0, |∇C(x', y)| - 1)²,   x' = u x + (1 - u) G, u ~ U(0, 1).

Distances between images are root mean squares over pixels here, |d|² = ‖d‖² / n, so that all terms
mean the same for images of any size. Slopes below 1 are free (Petzka et al. 2018). Where they
cost as well, as in the paper (Gulrajani et al. 2017), a critic that has nothing left to object to
must still lean one way, and can turn to the other only by way of flatness. Of single pixels, in
`tests/training/test_adversarial.py`, the generator's mean then is off by all that such a push can
do against the penalty below, 1 / (2 lambda), and a third of the spread is left.

**The generator** is to make what the critic likes, -E C(G, y). By itself that fails in practice:
the critic sees one real x for each y, and training settles where the generator ignores its noise
and makes one sharp image of each y. A penalty on each sample's distance from x would not help: it
is least for the mean, which is no sample. That of Ohayon et al. is on the samples' mean alone,

    lambda E |x - E_z G(y, z)|²,

which is least where E_z G(y, z) = E[x | y], as it is for a sampler of the posterior: the two terms
agree, and neither gives way to the other. A generator without spread would have to be the mean
itself, which the critic can tell from an image.

**An unbiased estimate.** The expectation over z has to be estimated with few samples G_1 ... G_M.
With their mean in its place one gets

    E |x - mean G_i|² = |x - E G|² + Var G / M,

so the penalty rewards small spread, and with M = 2 hardly any is left (the same test). Products of
different samples have no such term:

    E <x - G_i, x - G_j> = |x - E G|²        for i ≠ j, exactly, for every M >= 2.

References: Ohayon, Adrai, Vaksman, Elad, Milanfar, High perceptual quality image denoising with a
posterior sampling CGAN, 2021, https://arxiv.org/abs/2103.04192. Gulrajani et al., Improved
training of Wasserstein GANs, 2017, https://arxiv.org/abs/1704.00028. Petzka, Fischer, Lukovnikov,
On the regularization of Wasserstein GANs, 2018, https://arxiv.org/abs/1709.08894.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from attrs import frozen
from torch import Generator, Tensor, nn

from ..errors import InputError
from ..networks.critic import Critic
from ..networks.generator import Architecture, PosteriorGenerator

Criticises = Callable[[Tensor, Tensor], Tensor]


def mean_penalty(x: Tensor, drawn: Tensor) -> Tensor:
    """|x - E G|² for each image, without bias, from few samples.

    Args:
        x: real images `(B, *image)`.
        drawn: independent samples for each of them, `(M, B, *image)`, M >= 2.

    Returns:
        `(B,)`; the mean over pixels. As an estimate it may be negative.

    >>> mean_penalty(torch.zeros(1, 1), torch.tensor([[[1.0]], [[-1.0]]]))  # their mean is x
    tensor([-1.])
    """
    errors = (x - drawn).flatten(2)
    count = len(drawn)
    of_sum, own = errors.sum(0).square(), errors.square().sum(0)
    return ((of_sum - own) / (count * (count - 1))).mean(1)


def slope_penalty(
    critic: Criticises, x: Tensor, other: Tensor, y: Tensor, generator: Generator
) -> Tensor:
    """max(0, |∇C| - 1)² somewhere between each real image and a generated one, `(B,)`.

    Args:
        critic: C.
        x: real images `(B, *image)`.
        other: generated ones.
        y: their measurements.
        generator: of the places between.

    >>> x, y = torch.zeros(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    >>> flat = lambda x, y: x.flatten(1).mean(1)  # moves by d where all pixels move by d
    >>> slope_penalty(flat, x, 1 + x, y, Generator().manual_seed(0))
    tensor([0., 0.])
    """
    place = torch.rand(len(x), generator=generator, device=x.device)
    between = torch.lerp(other, x, place.view(-1, *[1] * (x.ndim - 1))).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between, y).sum(), between, create_graph=True)
    pixels = slope[0].numel()
    length = (pixels * slope.flatten(1).square().sum(1) + 1e-12).sqrt()
    return (length - 1).clamp_min(0).square()


class Adversaries(nn.Module):
    """A generator and its critic, which learn together.

    Args:
        architecture: of both.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.generator = PosteriorGenerator(architecture)
        self.critic = Critic(architecture)


@frozen
class Weights:
    """How much each term counts.

    Attributes:
        samples: M, how many images are generated for each measurement.
        mean: lambda, of the penalty on their mean.
        slope: of the penalty on the critic's slope.

    Raises:
        InputError: a number that can't be.
    """

    samples: int = 2
    mean: float = 10.0
    slope: float = 1.0

    def __attrs_post_init__(self) -> None:
        if self.samples < 2:
            raise InputError(
                f"samples={self.samples}: the error of a mean can't be told from one sample, whose"
                " own spread is in it; give 2 or more"
            )
        if not 0 <= self.mean < math.inf or not 0 < self.slope < math.inf:
            raise InputError(
                f"mean={self.mean}, slope={self.slope}: the penalty on the mean counts 0 or more,"
                " that on the slope more than 0; 10 and 1 are usual"
            )


def adversarial_loss(
    players: Adversaries, x: Tensor, y: Tensor, weights: Weights, generator: Generator
) -> Tensor:
    """The losses of generator and critic, each with no gradient for the other.

    Both learn in the same step, from the same images.

    Args:
        players: the two.
        x: real images `(B, C, H, W)`.
        y: their measurements.
        weights: of the terms.
        generator: of the samples' noise and the places between.

    Returns:
        The sum of the two, a number; their Wasserstein terms cancel in it, and the penalties stay.
    """
    count, critic = weights.samples, players.critic
    many = y.repeat(count, 1, 1, 1)
    with torch.autocast(x.device.type, torch.bfloat16):
        drawn = players.generator(many, 1.0, generator)
        critic.requires_grad_(False)
        liked = critic(drawn, many).float().mean()
        critic.requires_grad_(True)
        made = drawn.detach()[: len(x)]
        told = critic(torch.cat([made, x]), torch.cat([y, y])).float()
        slopes = slope_penalty(critic, x, made, y, generator)
    fake, real = told.chunk(2)
    penalty = mean_penalty(x, drawn.unflatten(0, (count, len(x))))
    own = weights.mean * penalty.mean() - liked + real.mean().detach()
    whole: Tensor = own + fake.mean() - real.mean() + weights.slope * slopes.mean()
    return whole
