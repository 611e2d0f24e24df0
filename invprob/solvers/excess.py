"""What skewed noise adds to an image on average, and how to take it away.

Many methods alternate between a prox and a denoiser. With z the image as known so far, the prox

    x = argminₓ -step log p(y | x) + ½ ‖x - z‖²

is what the denoiser is given. It expects z plus noise *of mean 0*. Under Gaussian noise that is
what it gets. Under skewed noise it is not, since the strength with which the measurement holds a
pixel depends on the measurement: speckle holds a pixel that it made dark a hundred times more
strongly than one that it made bright. So even at the true z the mean error

    b(z) = E[argminₓ -step log p(y | x) + ½ ‖x - z‖²] - z,      y ~ p(y | z),

is not 0; under `Gamma(1.5)` it is a fifth of the brightness. The denoiser can't tell it from the
image, the next prox starts from there, and the result is too dark. Very small steps have no such
bias, because the gradient at the true image has mean 0; but they use little of the data.

b can be estimated for any noise that can be simulated and has a prox: simulate measurements of z,
take their prox, average, and subtract z. That is `excess`. Subtract it from what the denoiser is
given, and the true image is, in the mean, a fixed point again. Under Gaussian noise, also coloured
or filtered, b is 0, and nothing is simulated.

Exact: at the true image the mean of the corrected prox is right. Approximate: z is the last
denoised image and not the true one; the mean is over 2 draws and over the 5 x 5 pixels around each
pixel (the bias changes slowly from pixel to pixel, and 4 draws of each pixel alone cost up to half
a decibel where the bias is small); and the distribution of x is still skewed.

Every call takes the same seeds, which no measurement that a user simulates has: the noise that is
in y would take itself away. Still, draws of Poisson and Gamma noise jump when z changes a
little, because they are made by rejection. So iterations tremble a little and never come to rest.
The price is two more proxes for each denoiser call. Behind an operator that acts on each pixel by
itself (`Observed` with a mask) it works in the same way, with means over measured pixels. Behind
any other operator a prox is an iteration of its own and costs more than the denoiser: nothing is
corrected there.
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
from ..operators.structure import operator_of
from ..problem import Problem
from ..streams import generator

DRAWS, KEY = 2, 7463
"""How many measurements are simulated; and their key, so that no user's noise is the same."""
WINDOW = 5
DARK = 1 / 255
"""Of images, where the noise knows no black."""


def without_excess(
    problem: Problem[Any, Any], image: Tensor, z: Tensor, step: Tensor, /
) -> Tensor:
    """The image less the bias b around z; the image itself where that is zero.

    Args:
        problem: whose likelihood is asked.
        image: what a denoiser is to be given, `(B, *image)`.
        z: as for `excess`.
        step: as for `excess`.
    """
    return image - excess(problem, z, step) if _is_biased(problem.likelihood, z) else image


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
    if not _is_biased(likelihood, z):
        return torch.zeros_like(z)
    try:
        mean = _mean(likelihood, z.clamp(min=0), step)
    except InputError:  # a noise that knows no black
        mean = _mean(likelihood, z.clamp(min=DARK), step)
    if mean.ndim != 4:
        return mean
    measured = _measured(likelihood, z)
    return measured * _smooth(mean, measured)


def _is_biased(likelihood: Any, z: Tensor) -> bool:
    """Whether there is a bias, as far as it is known."""
    if lacks(likelihood, Proximal) or noise_is_gaussian(likelihood):
        return False
    return isinstance(operator_of(likelihood), Diagonal | None)


def _mean(likelihood: Any, z: Tensor, step: Tensor) -> Tensor:
    """How far the prox moves the images that were measured."""
    total = torch.zeros_like(z)
    for draw in range(DRAWS):
        rows = [likelihood.sample(row[None], generator(0, KEY, draw)) for row in z]
        total = total + (likelihood.prox(torch.cat(rows), z, step) - z)
    return total / DRAWS


def _smooth(image: Tensor, measured: Tensor) -> Tensor:
    """Means over the measured pixels around each measured one."""
    shares, sums = (
        avg_pool2d(part, WINDOW, 1, WINDOW // 2, count_include_pad=False)
        for part in (measured.expand_as(image[:1]), measured * image)
    )
    return sums / shares.clamp(min=0.5 / WINDOW**2)


def _measured(likelihood: Any, z: Tensor) -> Tensor:
    """1 where a pixel was measured, 0 elsewhere."""
    operator = operator_of(likelihood)
    if operator is None:
        return torch.ones_like(z[:1])
    factor: Tensor = operator.diagonal(tuple(z.shape[1:])).to(z)
    return (factor != 0).to(z).expand_as(z[:1])


def noise_is_gaussian(likelihood: Any) -> bool:
    """Whether the noise inside filters and wrappers is Gaussian, so that the prox is affine."""
    while not isinstance(likelihood, Gaussian | ColouredGaussian):
        likelihood = getattr(likelihood, "noise", None)
        if likelihood is None:
            return False
    return True
