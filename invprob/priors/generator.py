r"""A generator that draws images behind a measurement: prior and likelihood learned as one.

For each noise z another image,

    x = G(y, z),        z ~ N(0, I),        x ~ p(x | y),

with one call of the network. That is quick, and it is all: no density, no score and no denoiser
can be had of it, so no solver can join it with another measurement. It belongs to the likelihood
whose measurements it was trained on, at that noise level, and a `Problem` with another is refused.

How exact it is, training decides: the law of its samples is the posterior where the critic could
not tell them from real images, and there is no second opinion in the network itself. Two can be
had from data: a posterior sample has twice the squared error of the samples' mean, and its
residual y - x looks like the noise. `invprob train sampler` prints the first one as it goes;
`ip.residual_report` gives the other.

Reference: Ohayon, Adrai, Vaksman, Elad, Milanfar, High perceptual quality image denoising with a
posterior sampling CGAN, 2021, https://arxiv.org/abs/2103.04192.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from attrs import field, frozen
from torch import Generator, Tensor

from ..contracts import Domain
from ..errors import InputError
from ..networks.generator import PosteriorGenerator, law_of
from ..networks.stored_generator import StoredGenerator
from ..networks.weights_file import digest_of
from ..problem import domain_of
from .checks import check_images
from .own_network import check_at_rest, in_its_precision

Draws = Callable[[Tensor, float, Generator], Tensor]


@frozen(eq=False, repr=False)
class GeneratorPrior:
    """Images behind measurements of one likelihood, by a trained generator.

    Args:
        draw: `(y, temperature, generator) -> x`, a `PosteriorGenerator` or any other function,
            from measurements of images in [0, 1] to images, one for each row, in the shape that
            the likelihood's images have. Of a `PosteriorGenerator` it is known which likelihood
            it was trained for; any other takes all, so give it its own only. All that is random
            is drawn from `generator`, on the CPU: torch.randn(y.shape, generator=generator).to(y).

    Raises:
        InputError: draw can't be called, or is a network in training mode, where that makes a
            difference; in use: it does not make one image for each row of y, or, in a run, makes
            images of another shape than the problem's, or draws from another generator.

    >>> import torch, invprob as ip
    >>> prior = ip.GeneratorPrior(lambda y, temperature, generator: y / 2)  # the mean, no sample
    >>> prior.posterior_sample(torch.ones(1, 1, 1, 2), 1.0, ip.generator(0))
    tensor([[[[0.5000, 0.5000]]]])

    Method, what is exact, references: help("invprob.priors.generator").
    """

    _draw: Draws = field(alias="draw")

    def __attrs_post_init__(self) -> None:
        if isinstance(self._draw, type) or not callable(self._draw):
            raise InputError(
                f"draw={self._draw!r} can't be called; give a function or a network that takes"
                " (y, temperature, generator) and returns images"
            )
        check_at_rest(self._draw)

    @classmethod
    def load(cls, file: Path | str) -> GeneratorPrior:
        """The generator in a file that `invprob train sampler` wrote.

        Args:
            file: a safetensors file.

        Raises:
            WeightsError: the file is missing, damaged, or holds another network.
        """
        path = Path(os.path.abspath(file))
        prior = cls(StoredGenerator(path, digest_of(path)))
        prior.domain()  # reads the file
        return prior

    def domain(self) -> Domain:
        """The images that it was trained on: what the generator's `domain()` says, or any."""
        return domain_of(self._draw)

    def refusal(self, likelihood: object, /) -> str:
        """Why it can't be used with another likelihood than that it was trained for."""
        if not isinstance(self._draw, StoredGenerator | PosteriorGenerator):
            return ""
        made = self._draw.architecture
        if not made.noise or made.law == law_of(likelihood):
            return ""
        same = ", with other numbers in it" if made.noise == repr(likelihood) else ""
        return (
            f"{self!r} draws images behind measurements of {made.noise}, and was trained on no"
            f" others; those of this problem are of {likelihood!r}{same}. Its answers would be"
            " wrong. Say the likelihood that it was trained for, if that is what y has, or train"
            " one for this: `invprob train sampler FOLDER -l LIKELIHOOD -o sampler.safetensors`"
        )

    def posterior_sample(self, y: Tensor, temperature: float, generator: Generator, /) -> Tensor:
        """One image for each row of y `(B, *measurement)`, in y's precision.

        Raises:
            InputError: y has other channels than the generator's, or what it returns is not one
                image for each row.
        """
        check_images(y, self.domain(), self)
        check_at_rest(self._draw)
        drawn = self._draw(in_its_precision(self._draw, y), temperature, generator)
        if not isinstance(drawn, Tensor) or drawn.ndim < 2 or len(drawn) != len(y):
            shape = tuple(drawn.shape) if isinstance(drawn, Tensor) else type(drawn).__name__
            raise InputError(
                f"the generator made {shape} of measurements of shape {tuple(y.shape)}; it has to"
                f" return a tensor of images, one for each of the {len(y)} rows"
            )
        return drawn.to(y)

    def __repr__(self) -> str:
        if isinstance(self._draw, StoredGenerator):
            return f"GeneratorPrior.load({str(self._draw.path)!r})"
        name = getattr(self._draw, "__qualname__", type(self._draw).__name__)
        return f"GeneratorPrior({name})"


def has_trained(prior: object, /) -> bool:
    """Whether a prior holds a generator of `invprob train sampler`, which needs no trial."""
    return isinstance(prior, GeneratorPrior) and isinstance(
        prior._draw, StoredGenerator | PosteriorGenerator
    )
