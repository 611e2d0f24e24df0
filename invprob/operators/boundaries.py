"""What is beyond the border of an image.

For a row `a b c d`:

    zero        0 0 | a b c d | 0 0     scipy.ndimage: "constant"
    replicate   a a | a b c d | d d     scipy.ndimage: "nearest"
    reflect     c b | a b c d | c b     scipy.ndimage: "mirror"; the edge is not repeated
    circular    c d | a b c d | a b     scipy.ndimage: "wrap"

The names are those of `torch.nn.functional.pad`.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from ..errors import InputError

Boundary = Literal["zero", "replicate", "reflect", "circular"]


def known_boundary(value: Boundary) -> Boundary:
    """The same, or `InputError`."""
    if value not in get_args(Boundary):
        raise InputError(f"boundary={value!r}; give one of {', '.join(get_args(Boundary))}")
    return value


def convolution_matrix(profile: Tensor, size: int, boundary: Boundary) -> Tensor:
    """The matrix of convolution with a centred profile, `(size, size)`.

    A[i, j] is the sum of the taps that carry pixel j to pixel i; the centre is tap
    `len(profile) // 2`.

    >>> convolution_matrix(torch.tensor([1.0, 2.0, 1.0]), 3, "replicate")
    tensor([[3., 1., 0.],
            [1., 2., 1.],
            [0., 1., 3.]])
    """
    taps = torch.arange(len(profile)) - len(profile) // 2
    at = torch.arange(size)[:, None] - taps
    weights = profile.expand(at.shape)
    if boundary == "zero":
        weights = weights * ((at >= 0) & (at < size))
    if boundary == "circular":
        at = at % size
    if boundary == "reflect":
        period = max(2 * (size - 1), 1)
        at = torch.minimum(at % period, period - at % period)
    matrix = profile.new_zeros((size, size))
    return matrix.scatter_add_(1, at.clamp(0, size - 1), weights)
