"""What skewed noise adds to an image on average, and how to take it away.

Methods that give a denoiser the image x = argminₓ -step log p(y | x) + ½ ‖x - z‖², with z the
image as known so far, count on x being z plus noise *of mean 0*. Under Gaussian noise it is. Under
others the measurement pulls x with a force that depends on where x went: speckle holds a pixel
that it made dark a hundred times harder than one that it made bright. So even at the true z

    b(z) = E[argminₓ -step log p(y | x) + ½ ‖x - z‖²] - z,      y ~ p(y | z),

is not 0: a fifth of the brightness under `Gamma(1.5)`. The denoiser can't know, the next prox
begins there, and the image ends too dark. Small steps have no bias, for the gradient at the true
image has mean 0, but use little of what the data say.

p(y | z) can be simulated, so b can be had for any noise that has a prox: `excess` is the mean of a
few simulated measurements of z. Taken from what the denoiser is given, it makes the truth a fixed
point again as far as the mean goes. Under Gaussian noise, coloured or filtered ones included, b is
0 and nothing is simulated.

What is exact: at the truth the prox has no bias. What is approximated: z is the last denoised
image, the mean is that of 2 draws and of 5 x 5 pixels around (the bias changes slowly, and 4 draws
of each pixel alone cost up to half a decibel where it is small), and x is skewed still. The seeds
are the same at each call, and yet Poisson's and Gamma's draws jump where z changes a little, since
they reject: an iteration with it trembles a little and does not come to rest. The price is two
more proxes for each denoiser call. Behind an operator that acts on single pixels (`Observed`
with a mask) it is the same, with a mean of measured pixels. Behind any other a prox is an
iteration of its own and costs more than the denoiser, so nothing is taken away there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..compatibility import lacks
from ..contracts import Proximal
from ..errors import InputError
from ..likelihoods.coloured import ColouredGaussian
from ..likelihoods.gaussian import Diagonal, Gaussian
from ..likelihoods.observed import Observed
from ..problem import Problem
from ..streams import generator

DRAWS = 2
WINDOW = 5
DARK = 1 / 255
"""Of images, where the noise knows no black."""


def excess(problem: Problem[Any, Any], z: Tensor, step: Tensor, /) -> Tensor:
    """The bias b of the prox around images, `(B, *image)`; zero where noise is Gaussian.

    Args:
        problem: whose likelihood is asked. Without a prox, or behind an operator that is not
            diagonal, nothing is known of b, and it counts as 0.
        z: the images, `(B, *image)`; what is darker than black counts as black, or as 1/255 under
            a noise that knows no black.
        step: of the prox, `()`.

    Raises:
        InputError: the likelihood can't simulate what it would measure of such an image either.

    >>> import invprob as ip
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 50, 50), 0.5), sd=0.2)
    >>> y = torch.full((1, 1, 50, 50), 0.5)
    >>> float(excess(ip.Problem(prior, ip.Gamma(4), y), y, torch.tensor(0.2)).mean()) < -0.02
    True
    """
    likelihood = problem.likelihood
    measured = _measured(likelihood, z)
    if lacks(likelihood, Proximal) or measured is None or _gaussian(likelihood):
        return torch.zeros_like(z)
    try:
        mean = _mean(likelihood, z.clamp(min=0), step)
    except InputError:  # a noise that knows no black
        mean = _mean(likelihood, z.clamp(min=DARK), step)
    return mean if mean.ndim != 4 else measured * _smooth(mean, measured)


def _mean(likelihood: Any, z: Tensor, step: Tensor) -> Tensor:
    """How far the prox moves the images that were measured."""
    total = torch.zeros_like(z)
    for draw in range(DRAWS):
        rows = [likelihood.sample(row[None], generator(draw)) for row in z]
        total = total + (likelihood.prox(torch.cat(rows), z, step) - z)
    return total / DRAWS


def _smooth(image: Tensor, measured: Tensor) -> Tensor:
    """Means over the measured pixels around each measured one."""
    shares, sums = (
        avg_pool2d(part, WINDOW, 1, WINDOW // 2, count_include_pad=False)
        for part in (measured.expand_as(image[:1]), measured * image)
    )
    return sums / shares.clamp(min=0.5 / WINDOW**2)


def _measured(likelihood: Any, z: Tensor) -> Tensor | None:
    """1 where a pixel was measured, 0 elsewhere; None behind an operator that mixes pixels."""
    if not isinstance(likelihood, Observed):
        return torch.ones_like(z[:1])
    if not isinstance(likelihood.operator, Diagonal):
        return None
    factor: Tensor = likelihood.operator.diagonal(tuple(z.shape[1:])).to(z)
    return (factor != 0).to(z).expand_as(z[:1])


def _gaussian(likelihood: Any) -> bool:
    """Whether the noise inside filters and wrappers is Gaussian, so that the prox is affine."""
    while not isinstance(likelihood, Gaussian | ColouredGaussian):
        likelihood = getattr(likelihood, "noise", None)
        if likelihood is None:
            return False
    return True
