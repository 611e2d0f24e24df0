"""The decomposition of a small dense matrix, in the form that the contract asks for.

`torch.linalg.svd` returns min(m, n) singular values, and rounding noise for those that are zero.
The contract wants one coordinate for each of the n columns, exact zeros, and UᵀU = I only where
s > 0. Singular values below max(m, n) eps s_max, which no algorithm in this precision can tell
from zero, become zero, and so do their columns of U.
"""

from __future__ import annotations

import torch
from torch import Tensor

Factors = tuple[Tensor, Tensor, Tensor]


def decompose(matrix: Tensor, /) -> Factors:
    """U `(m, n)`, s `(n,)` and V `(n, n)` with `matrix = U diag(s) Vᵀ`, s not negative.

    >>> u, s, v = decompose(torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0]]))
    >>> s, bool(torch.allclose(u * s @ v.mT, torch.tensor([[3.0, 4.0], [0, 0], [0, 0]])))
    (tensor([5., 0.]), True)
    """
    m, n = matrix.shape
    left, values, right = torch.linalg.svd(matrix, full_matrices=n > m)
    rank = int((values > max(m, n) * torch.finfo(values.dtype).eps * values[0]).sum())
    u, s = matrix.new_zeros((m, n)), matrix.new_zeros(n)
    u[:, :rank], s[:rank] = left[:, :rank], values[:rank]
    return u, s, right.mT
