"""How good samples are, where only the truth is known: their spread, and a proper score.

L exact posterior samples and the true image are L + 1 draws of one distribution. So the mean of
the samples is off by the posterior's variance, and by an L-th of it more for being a mean of L:

    E (mean_L - x)² = (1 + 1 / L) E var_L,

pixel by pixel, with var_L the samples' unbiased variance. The root of the left side over the right
one is 1 for exact samples, and what their deviation has to be multiplied by if it is more.

Samples of a poor prior may have an honest spread, and an estimate without any may have more PSNR
than a sample. The continuous ranked probability score sees both: for each number of an image, with
X and X' two samples,

    E |X - x| - E |X - X'| / 2,

which is least, in the mean over images, for samples of the posterior (Gneiting, Raftery 2007,
equation 21). With pairs of different samples in the second mean it has no bias from their number.

Reference: T. Gneiting, A. E. Raftery (2007). Strictly Proper Scoring Rules, Prediction, and
Estimation. JASA 102(477). https://doi.org/10.1198/016214506000001437.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import InputError


def error_over_spread(samples: Tensor, x: Tensor, /) -> float:
    """The error of the samples' mean over what their spread promises: 1 is honest.

    More than 1: the samples vary too little, and `result.std` has to be multiplied by as much.
    Over all pixels and measurements together, so take many: a measurement whose samples are in a
    wrong mode counts with its whole error.

    Args:
        samples: of each measurement, `(L, B, *image)`, at least two, as in `Result.samples`.
        x: the images that were measured, `(B, *image)`.

    Raises:
        InputError: the shapes do not belong together, there is one sample, or all are the same.

    >>> import torch, invprob as ip
    >>> draws = torch.randn(9, 500, 4, generator=ip.generator(0))
    >>> samples, x = draws[1:], draws[0]
    >>> round(ip.error_over_spread(samples, x), 1), round(ip.error_over_spread(samples / 2, x), 1)
    (1.0, 1.9)
    """
    samples, x = _several(samples, x)
    spread = (1 + 1 / len(samples)) * float(samples.var(0).mean())
    if spread == 0:
        raise InputError("all samples are the same: they have no spread")
    return math.sqrt(float((samples.mean(0) - x).square().mean()) / spread)


def crps(samples: Tensor, x: Tensor, /) -> float:
    """The continuous ranked probability score, the mean over all pixels: less is better.

    In the unit of the image. It compares samplers on the same images; of a single one it tells
    little. Of samples that are all the same it is their mean absolute error.

    Args:
        samples: of each measurement, `(L, B, *image)`, at least two, as in `Result.samples`.
        x: the images that were measured, `(B, *image)`.

    Raises:
        InputError: the shapes do not belong together, or there is one sample.

    >>> import torch, invprob as ip
    >>> draws = torch.randn(9, 500, 4, generator=ip.generator(0))
    >>> samples, x = draws[1:], draws[0]
    >>> [round(ip.crps(width * samples, x), 2) for width in (0.5, 1.0, 2.0)]
    [0.61, 0.57, 0.66]
    """
    samples, x = _several(samples, x)
    count = len(samples)
    error = (samples - x).abs().mean()
    order = torch.arange(1 - count, count, 2).to(samples)
    apart = torch.tensordot(order, samples.sort(0).values, 1).mean() * 2 / (count * (count - 1))
    return float(error - apart / 2)


def _several(samples: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Both in double precision; `InputError` unless they belong together and samples are many."""
    check_truth(samples, x)
    if len(samples) < 2:
        raise InputError("one sample has no spread; ask for more: solve(..., samples=8)")
    return samples.cpu().double(), x.cpu().double()  # some devices have no 64 bits


def check_truth(samples: Tensor, x: Tensor, /) -> None:
    """Raise `InputError` unless these are samples `(L, B, *image)` and images `(B, *image)`."""
    if samples.ndim < 3 or samples.shape[1:] != x.shape or samples.numel() == 0:
        raise InputError(
            f"samples has shape {tuple(samples.shape)} and x {tuple(x.shape)}; give "
            "(L, B, *image) and (B, *image)"
        )
