"""An image for the tests of image files."""

import numpy as np
import torch


def levels(shape, bits, seed=0):
    """Every pixel on a level of the depth, so that a round trip must be exact."""
    white = 2**bits - 1
    numbers = np.random.default_rng(seed).integers(0, white + 1, shape)
    return torch.from_numpy((numbers / white).astype(np.float32))
