"""Whether the deviation of samples is that of their errors, where only the truth is known.

L exact posterior samples and the true image are L + 1 draws of one distribution. So the mean of
the samples is off by the posterior's variance, and by an L-th of it more for being a mean of L:

    E (mean_L - x)² = (1 + 1 / L) E var_L,

pixel by pixel, with var_L the samples' unbiased variance. The root of the left side over the right
one is 1 for exact samples, and what their deviation has to be multiplied by if it is more.
"""

from __future__ import annotations

import math

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
    check_truth(samples, x)
    if len(samples) < 2:
        raise InputError("one sample has no spread; ask for more: solve(..., samples=8)")
    samples, x = samples.double(), x.double()
    spread = (1 + 1 / len(samples)) * float(samples.var(0).mean())
    if spread == 0:
        raise InputError("all samples are the same: they have no spread")
    return math.sqrt(float((samples.mean(0) - x).square().mean()) / spread)


def check_truth(samples: Tensor, x: Tensor, /) -> None:
    """Raise `InputError` unless these are samples `(L, B, *image)` and images `(B, *image)`."""
    if samples.ndim < 3 or samples.shape[1:] != x.shape or samples.numel() == 0:
        raise InputError(
            f"samples has shape {tuple(samples.shape)} and x {tuple(x.shape)}; give "
            "(L, B, *image) and (B, *image)"
        )
