"""Do all counts share a factor? Then a photon may be more than one unit of the file.

A camera that writes two units for each photon makes even numbers alone. Poisson counts are even
with probability (1 + exp(-2 rate)) / 2, so that many of them, of different sizes, never are by
chance.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

ENOUGH, DIFFERENT = 30, 3
"""So many counts that are not 0, and so many different ones, are no chance."""


def shared_factor(counts: Tensor, /) -> int:
    """The greatest number that divides all counts; 1 where they are too few to tell.

    >>> import torch
    >>> shared_factor(2 * torch.arange(100.0)), shared_factor(torch.arange(100.0))
    (2, 1)
    """
    values = counts.detach().cpu().double().numpy().astype(np.int64)
    values = values[values > 0]
    factor = int(np.gcd.reduce(values[:1000])) if values.size >= ENOUGH else 1
    if factor == 1 or np.unique(values).size < DIFFERENT:
        return 1
    return int(np.gcd.reduce(values))
