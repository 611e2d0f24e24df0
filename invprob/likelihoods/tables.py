"""A smooth function of one number, tabulated with its first two derivatives.

Between two points the function is the polynomial of degree five that has their values and
derivatives; the error is h⁶ / 46080 times the sixth derivative, and the derivative that comes with
it is exactly that of the interpolant. So a log-likelihood looked up here and its gradient agree.
"""

from __future__ import annotations

import torch
from torch import Tensor


def quintic(values: Tensor, step: float, /) -> Tensor:
    """The polynomial of each cell, `(cells, 6)`, lowest power first, in the share of the cell.

    Args:
        values: function, first and second derivative at evenly spaced points, `(points, 3)`.
        step: the distance of two points.
    """
    scaled = values * values.new_tensor([1.0, step, step**2])
    (f, d, s), (g, e, t) = scaled[:-1].unbind(1), scaled[1:].unbind(1)
    rise, turn, bend = g - f - d - s / 2, e - d - s, t - s
    return torch.stack(
        [
            f,
            d,
            s / 2,
            10 * rise - 4 * turn + bend / 2,
            -15 * rise + 7 * turn - bend,
            6 * rise - 3 * turn + bend / 2,
        ],
        1,
    )


def look_up(cells: Tensor, place: Tensor, /) -> tuple[Tensor, Tensor]:
    """The function and its derivative per cell, where `place` counts cells from the first point.

    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64)
    >>> cells = quintic(torch.stack([x.exp(), x.exp(), x.exp()], 1), 0.25)
    >>> value, slope = look_up(cells, torch.tensor([2.4], dtype=torch.float64))
    >>> bool((value - torch.tensor(0.6).double().exp()).abs() < 1e-8)
    True
    """
    place = place.clamp(0, cells.shape[0])  # NaN stays NaN
    index = place.nan_to_num(0).long().clamp_max(cells.shape[0] - 1)
    t = place - index
    a, b, c, d, e, f = cells[index].unbind(-1)
    value = ((((f * t + e) * t + d) * t + c) * t + b) * t + a
    slope = (((5 * f * t + 4 * e) * t + 3 * d) * t + 2 * c) * t + b
    return value, slope
