"""How heavy the tails of a residual are, beside those of normal noise.

    kurtosis = mean z⁴ / (mean z²)² - 3,   z = r / sd[y' | x],

0 for normal numbers, give or take sqrt(24 / n). What a sample of p(x | y) leaves of Gaussian noise
is normal, whatever the prior. Single pixels far off make the tails heavy: outliers of the noise,
or pieces of the image that a sampler put elsewhere. `residual_report` has more of such tests.
"""

from __future__ import annotations

import math

from attrs import frozen
from torch import Tensor

ENOUGH = 500
"""The error of the kurtosis of fewer numbers is not known well."""


@frozen
class Tails:
    """The excess kurtosis of a residual.

    Attributes:
        size: of all rows together; 0 for normal numbers.
        error: the standard deviation that normal numbers give it.
    """

    size: float
    error: float

    def beyond(self, bound: float, errors: float) -> bool:
        """Whether it is larger than the bound, and than so many of its errors."""
        return abs(self.size) > max(bound, errors * self.error)


def tails_of(residual: Tensor, variance: Tensor, /, samples: int) -> Tails | None:
    """Of a residual of so many samples of each measurement; `None` if numbers are too few.

    Args:
        residual: y - E[y' | x], `(samples * B, *measurement)`, 0 where nothing was measured.
        variance: Var[y' | x], 0 where nothing was measured.
        samples: which share a measurement, so that their numbers are not independent.
    """
    seen = variance > 0
    count = int(seen.sum())
    squares = residual.square().div_(variance.where(seen, 1.0))
    power = float(squares.sum())
    if count < ENOUGH * samples or power == 0:
        return None
    size = count * float(squares.square_().sum()) / power**2 - 3
    return Tails(size, math.sqrt(24 * samples / count))
