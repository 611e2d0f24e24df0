"""What an image predicts of its measurement: the mean and the variance of every number in it.

Gaussian noise of H x has the mean H x and the variance sigma², which are known. Those of any other
noise are estimated from 8 measurements y' that are simulated, one at a time in memory: their
mean has an eighth of the variance itself, so that the residual of the true measurement has 9/8 of
it. Half the difference of two of them tells whether the noise is white. How far each is from the
mean of those before it, over all numbers, adds up to the variance, in 7 parts that are independent
where noise is Gaussian: by how much these differ, so may the size of a measurement's noise. Under
heavy tails, which one number in thousands can make up, that is far more than numbers suggest.
"""

from __future__ import annotations

import math

import torch
from attrs import frozen
from torch import Generator, Tensor

from .contracts import Likelihood
from .errors import InputError
from .streams import generator

SIMULATED = 8
"""How many measurements are simulated."""

SEED = 3_141_592_653
"""Of the simulations: one that nobody drew y with, or their noise would be that of y."""


@frozen(eq=False)
class Prediction:
    """The measurements that images would have, `(B, *measurement)`, float64 on the CPU.

    Attributes:
        mean: of each number.
        variance: of each; 0 where nothing was measured.
        seen: where something was, of the same shape; so was a dark pixel of which no photon was
            simulated, and the variance is 0 as well.
        larger: the residual's variance over that, as the mean is not quite known.
        noise: of twice that variance, as it comes; None for noise that is known to be white.
        spread: the standard deviation of the size, sum (y - mean)², of each row's noise from one
            measurement to the next, relative to that size, `(B,)`; None for Gaussian noise.
    """

    mean: Tensor
    variance: Tensor
    seen: Tensor
    larger: float = 1.0
    noise: Tensor | None = None
    spread: Tensor | None = None

    def error(self, samples: int, /) -> float:
        """How far that moves the mean size of all rows, of which so many share a measurement.

        A quarter too little, at most, where single numbers make the spread (`Gamma(1)`).
        """
        if self.spread is None:
            return 0.0
        return float(self.spread.square().mean().sqrt()) * math.sqrt(samples / len(self.spread))


def predicted(likelihood: Likelihood, x: Tensor, /) -> Prediction:
    """What images predict.

    Args:
        likelihood: what measures; where its noise is of a brightness, negative pixels are black.
        x: images, `(B, *image)`.

    >>> import invprob as ip
    >>> predicted(ip.Gaussian(sigma=0.5), torch.zeros(1, 1, 1, 2)).variance
    tensor([[[[0.2500, 0.2500]]]], dtype=torch.float64)
    """
    from .likelihoods.gaussian import Gaussian
    from .operators.structure import operator_of

    if isinstance(likelihood, Gaussian):
        return _known(likelihood.sigma, likelihood.operator, x)
    draw = generator(SEED)
    first = _measure(likelihood, x, draw)
    mean, squares, noise = first.clone(), torch.zeros_like(first), None
    sizes = first.new_empty(SIMULATED - 1, len(x))
    for count in range(2, SIMULATED + 1):
        drawn = _measure(likelihood, x, draw)
        if count == 2:
            noise = drawn - first
            del first
        moved = drawn - mean
        mean.add_(moved, alpha=1 / count)
        moved.mul_(drawn.sub_(mean))
        sizes[count - 2] = moved.flatten(1).sum(1)
        squares += moved
    spread = (sizes.std(0) / sizes.mean(0)).nan_to_num(0.0)  # where nothing was measured
    seen = _seen(operator_of(likelihood), mean)
    return Prediction(mean, squares.div_(SIMULATED - 1), seen, 1 + 1 / SIMULATED, noise, spread)


def _known(sigma: Tensor | float, operator: object, x: Tensor) -> Prediction:
    """Of Gaussian noise behind a linear operator."""
    from .contracts import LinearOperator

    assert isinstance(operator, LinearOperator)
    mean = operator.forward(x).cpu().double()
    variance = torch.as_tensor(sigma).to(mean).square().expand(mean.shape)
    seen = _seen(operator, mean)
    return Prediction(mean, variance * seen, seen)


def _seen(operator: object, mean: Tensor) -> Tensor:
    from .operators.structure import observed

    return observed(operator, tuple(mean.shape[1:])).to(mean.device).expand(mean.shape)


def _measure(likelihood: Likelihood, x: Tensor, draw: Generator) -> Tensor:
    try:
        y = likelihood.sample(x, draw)
    except InputError:
        y = likelihood.sample(x.clamp(min=0), draw)
    return y.cpu().double()  # some devices have no 64 bits
