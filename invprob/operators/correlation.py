"""The filter that correlates the noise of Xie et al. (2023), Eq. 19, with its exact inverse.

    A = 0.2 I + 0.8 (B (x) B),   B = [1 2 1] / 4 along each axis,

the 3 x 3 kernel [[.05, .1, .05], [.1, .4, .1], [.05, .1, .05]]. The paper does not state what
happens at the borders, so that is an option; under each rule A is exactly diagonal in a fast
transform T (see `cosines` and `fourier`), and A⁻¹ costs one transform each way:

    circular    Hartley   omega = 2 pi k / n         A symmetric
    zero        DST-I     omega = pi (k + 1)/(n + 1)  A symmetric
    replicate   DCT-II    omega = pi k / n           A symmetric
    reflect     DCT-I     omega = pi k / (n - 1)     A = W^-1/2 T diag(lambda) T W^1/2

    lambda = 0.2 + 0.2 (1 + cos omega_1) (1 + cos omega_2), in [0.2, 1]

so A amplifies nothing and A⁻¹ at most fivefold (a little more under "reflect", where A is not
symmetric: the pixel at the border counts its only neighbour twice; W halves the border pixels,
Aᵀ = W A W⁻¹, and there is no singular value decomposition at hand).

Y. Xie, M. Yuan, B. Dong, Q. Li, Unsupervised Image Denoising with Score Function, NeurIPS 2023.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Literal

import torch
from attrs import field, frozen
from torch import Tensor
from torch.nn.functional import pad

from ..contracts import SVD, HasSVD, Map, Shape
from ..errors import InputError
from .boundaries import Boundary, known_boundary
from .cosines import both_axes, dct1, dct2, dct3, dst1
from .fourier import hartley
from .memo import Memo
from .planes import plane

_BASES: dict[Boundary, tuple[Map, Map]] = {
    "circular": (hartley, hartley),
    "zero": (partial(both_axes, dst1), partial(both_axes, dst1)),
    "replicate": (partial(both_axes, dct2), partial(both_axes, dct3)),
    "reflect": (partial(both_axes, dct1), partial(both_axes, dct1)),
}
"""To the coefficients, and back."""


def _frequencies(size: int, boundary: Boundary) -> Tensor:
    k = torch.arange(size, dtype=torch.float64)
    if boundary == "circular":
        return 2 * math.pi * k / size
    if boundary == "zero":
        return math.pi * (k + 1) / (size + 1)
    return math.pi * k / (size if boundary == "replicate" else size - 1)


def _smooth(x: Tensor, axis: int) -> Tensor:
    """4 B x along an axis that was padded by one on either side, and is so much shorter then."""
    n = x.shape[axis] - 2
    ends = x.narrow(axis, 0, n) + x.narrow(axis, 2, n)
    return ends.add_(x.narrow(axis, 1, n), alpha=2)


@frozen
class CorrelationFilter:
    """A x = 0.2 x + 0.8 (B (x) B) x with B = [1 2 1] / 4.

    Args:
        boundary: what is beyond the border: "circular" (the image wraps around), "zero",
            "replicate" (the edge is repeated) or "reflect" (mirrored, the edge not repeated).

    Raises:
        InputError: the boundary is unknown; in use: "reflect" with a side of one pixel.

    >>> import torch, invprob as ip
    >>> spot = torch.zeros(1, 1, 5, 5)
    >>> spot[..., 2, 2] = 1
    >>> a = ip.CorrelationFilter()
    >>> a.forward(spot)[0, 0, 1:4, 1:4]
    tensor([[0.0500, 0.1000, 0.0500],
            [0.1000, 0.4000, 0.1000],
            [0.0500, 0.1000, 0.0500]])
    >>> bool(torch.allclose(a.inverse(a.forward(spot)), spot, atol=1e-6))
    True
    """

    boundary: Boundary = field(default="circular", converter=known_boundary)
    _memo: Memo[Tensor] = field(factory=Memo, init=False, repr=False, eq=False)

    def forward(self, x: Tensor, /) -> Tensor:
        """A x, by three taps along each axis."""
        size = plane(self.out_shape(tuple(x.shape[1:])), self)
        mode = "constant" if self.boundary == "zero" else self.boundary
        padded = pad(x.reshape(-1, *size), (1, 1, 1, 1), mode)
        smooth = _smooth(_smooth(padded, -2), -1).reshape(x.shape)
        return smooth.mul_(0.8 / 16).add_(x, alpha=0.2)

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Aᵀ y = W A W⁻¹ y; W = I except under "reflect"."""
        if self.boundary != "reflect":
            return self.forward(y)
        weight = self._weight(y)
        return weight * self.forward(y / weight)

    def out_shape(self, shape: Shape, /) -> Shape:
        """The image's shape."""
        size = plane(shape, self)
        if self.boundary == "reflect" and min(size) < 2:
            raise InputError(
                f"an image of shape {tuple(shape)} has nothing to reflect in a side of one pixel; "
                "give boundary='replicate'"
            )
        return tuple(shape)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape."""
        return self.out_shape(shape)

    def acts_on(self) -> Literal["plane"]:
        """Each channel alone."""
        return "plane"

    def withdrawn(self) -> Mapping[type, str]:
        """No decomposition under "reflect", where A is not symmetric."""
        if self.boundary != "reflect":
            return {}
        return {HasSVD: "with boundary='reflect' its matrix is not symmetric; the others have one"}

    def svd(self, shape: Shape, /) -> SVD:
        """U = V = the transform, s = lambda; `InputError` under "reflect"."""
        if self.boundary == "reflect":
            raise InputError(f"{self!r} has no SVD: {self.withdrawn()[HasSVD]}")
        forth, back = _BASES[self.boundary]
        s = self._eigenvalues(self.out_shape(shape)).expand(shape).clone()
        return SVD(s, back, forth, back, forth)

    def inverse(self, y: Tensor, /) -> Tensor:
        """A⁻¹ y."""
        if self.boundary != "reflect":
            return self._divide(y)
        weight = self._weight(y).sqrt()
        return self._divide(y * weight) / weight

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """A⁻ᵀ x = W A⁻¹ W⁻¹ x."""
        if self.boundary != "reflect":
            return self._divide(x)
        weight = self._weight(x).sqrt()
        return self._divide(x / weight) * weight

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """The sum of log lambda."""
        return self._eigenvalues(self.out_shape(shape)).log().expand(shape).sum()

    def _divide(self, x: Tensor) -> Tensor:
        forth, back = _BASES[self.boundary]
        shape = self.out_shape(tuple(x.shape[1:]))
        key = ("inverse", shape[-2:], x.dtype, x.device)
        factors = self._memo.get(key, lambda: self._eigenvalues(shape).reciprocal().to(x))
        return back(forth(x) * factors)

    def _eigenvalues(self, shape: Shape) -> Tensor:
        def make() -> Tensor:
            rows, columns = (1 + _frequencies(n, self.boundary).cos() for n in shape[-2:])
            return 0.2 + 0.2 * torch.outer(rows, columns)

        return self._memo.get(shape[-2:], make)

    def _weight(self, x: Tensor) -> Tensor:
        """W under "reflect", `(H, W)`: a half at the border, a quarter in the corners."""
        height, width = plane(self.out_shape(tuple(x.shape[1:])), self)
        rows, columns = x.new_ones(height), x.new_ones(width)
        rows[0] = rows[-1] = columns[0] = columns[-1] = 0.5
        return torch.outer(rows, columns)
