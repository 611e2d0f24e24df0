r"""Posterior samples with one network call each, by a generator that was trained for it (PSCGAN).

    x <- G(y, t z),        z ~ N(0, I).

The generator stands for prior and likelihood (`priors.generator`; `training.adversarial` says how
it learns), so there is nothing to iterate and no step size to choose. What is left to choose:

* `temperature`, t, scales its noise. 1 is the posterior, as far as training got it. Below, samples
  are nearer to each other and to the truth, and lose detail: t walks from perception to
  distortion. At 0 there is one image; it is near the posterior mean, but nothing makes it that.
* `average`, N draws make one estimate, their mean (the authors' PSCGAN-A). It has the posterior
  variance times 1/N for a squared error above that of the mean: with N = 64 that is 1.6 % of it,
  0.07 dB. One draw has as much again as the mean, 3 dB.

A step is one call. Of several samples each has draws of its own.

Exact: what `average` says, for a generator that samples the posterior. Whether one does is a
matter of its training.

Reference: G. Ohayon, T. Adrai, G. Vaksman, M. Elad, P. Milanfar (2021). High Perceptual Quality
Image Denoising with a Posterior Sampling CGAN. ICCV Workshops. https://arxiv.org/abs/2103.04192
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from attrs import frozen
from torch import Generator, Tensor

from ..contracts import Likelihood, Needs, SamplesPosterior
from ..counts import check_count, real
from ..errors import InputError
from ..priors.generator import has_trained
from ..problem import Problem
from ..streams import Streams

SAME = 1e-3
"""How far, relatively, two images may be apart that rounding alone tells apart."""

MANY = 256
"""So many numbers of two images are compared."""


@frozen(eq=False)
class PSCGANState:
    """A run of `PSCGAN` between two calls.

    Attributes:
        x: the mean of what was drawn, `(B, *image)`; grey before the first draw.
        drawn: how many draws that is.
    """

    x: Tensor
    drawn: int


@frozen
class PSCGAN:
    """Samples of p(x | y), or their mean, from a prior that draws them itself.

    Args:
        temperature: scales the generator's noise; 1 is the posterior, and with 0 all samples
            are the same.
        average: how many draws make one estimate.

    Raises:
        InputError: temperature is negative or not finite, or average < 1; in use: an x0 is given.

    >>> import torch, invprob as ip
    >>> from torch import randn
    >>> prior = ip.GeneratorPrior(lambda y, t, g: y + t * randn(y.shape, generator=g))
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=1.0), torch.zeros(1, 1, 32, 32))
    >>> found = [ip.solve(problem, ip.PSCGAN(average=n)).x for n in (1, 25)]
    >>> [round(float(x.std()), 1) for x in found]
    [1.0, 0.2]

    Method, what is exact, references: help("invprob.solvers.pscgan").
    """

    temperature: float = 1.0
    average: int = 1

    needs: ClassVar[Needs] = Needs(prior=(SamplesPosterior,))
    stochastic: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        check_count("average", self.average)
        if not 0 <= real(self.temperature, "temperature", "one such as 1") < math.inf:
            raise InputError(
                f"temperature={self.temperature!r}; it scales the generator's noise: 1 for samples"
                " of the posterior, less for images nearer to their mean, 0 for none"
            )

    def steps(self, problem: Problem[SamplesPosterior, Likelihood], /) -> int:
        """`average`."""
        return self.average

    def init(
        self,
        problem: Problem[SamplesPosterior, Likelihood],
        streams: Streams,
        x0: Tensor | None,
        /,
    ) -> PSCGANState:
        """Grey.

        Raises:
            InputError: there is an x0.
        """
        if x0 is not None:
            raise InputError("PSCGAN draws images from noise, and starts from none; leave x0 out")
        return PSCGANState(problem.zeros() + 0.5, 0)

    def step(
        self,
        problem: Problem[SamplesPosterior, Likelihood],
        state: PSCGANState,
        streams: Streams,
        /,
    ) -> PSCGANState:
        """One draw for each row, from the row's own generator.

        A generator that is not of this package draws the first image of a run twice.

        Raises:
            InputError: what is drawn is not of the images' shape, or not from that generator.
        """

        def draw(row: int, generator: Generator) -> Tensor:
            y, first = problem.y[row : row + 1], None
            if row == state.drawn == 0 and not has_trained(problem.prior):
                copy = Generator(generator.device).set_state(generator.get_state())
                first = _some(problem.prior.posterior_sample(y, self.temperature, copy))
            found = problem.prior.posterior_sample(y, self.temperature, generator)
            if first is not None:
                _check_the_same(first, _some(found), problem.prior)
            return found

        found, drawn = streams.each(draw), state.drawn + 1
        if found.shape != state.x.shape:
            raise InputError(
                f"{problem.prior!r} draws images of shape {tuple(found.shape[1:])} for this"
                f" measurement, and {problem.likelihood!r} is of images of shape"
                f" {tuple(state.x.shape[1:])}: it was not made for this likelihood"
            )
        return PSCGANState(torch.lerp(state.x, found, 1 / drawn), drawn)

    def estimate(self, state: PSCGANState, /) -> Tensor:
        """The mean of what was drawn."""
        return state.x


def _some(x: Tensor) -> Tensor:
    """A few hundred of an image's numbers, for which the image need not be kept."""
    return x.flatten()[:: 1 + x.numel() // MANY].clone()


def _check_the_same(found: Tensor, again: Tensor, prior: object) -> None:
    """Raise `InputError` for two images of one generator's state that differ."""
    if found.shape != again.shape or bool((found - again).norm() > SAME * found.norm()):
        raise InputError(
            f"{prior!r} draws another image each time, from the same state of the generator that"
            " it is given, so that no seed brings a sample back; draw all that is random from it:"
            " torch.randn(y.shape, generator=generator).to(y), and not torch.randn_like(y)"
        )
