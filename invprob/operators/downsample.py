"""Block average: each pixel of the measurement is the mean of r x r pixels (super-resolution).

    y[i] = mean of x over block i

Per block, H is the row (1 / r) qᵀ with the unit vector q = (1, ..., 1) / r, so one singular value
is 1 / r (not 1: averaging shrinks the signal, and noise of level sigma on y is noise of level
r sigma on the coefficient qᵀ x) and the other r² - 1 are 0. A Householder reflection (see
`householder`) completes q to an orthonormal basis of the block, in O(r²) per block.
"""

from __future__ import annotations

from typing import Literal

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import SVD, Shape
from ..counts import whole_numbers
from ..errors import InputError
from .householder import axis_of, first, reflect
from .planes import blocks, plane

_BLOCK = (-3, -1)


def block_factor(value: int) -> int:
    """A whole factor >= 1, or `InputError`."""
    whole = whole_numbers((value,))
    if not whole:
        raise InputError(
            f"factor={value!r}; give one whole number of pixels >= 1, for both sides: factor=2"
        )
    return whole[0]


def divide(shape: Shape, factor: int, operator: object) -> Shape:
    """Height and width divided by the factor; `InputError` if it does not divide them."""
    height, width = plane(shape, operator)
    if height % factor or width % factor:
        fitting = (height - height % factor, width - width % factor)
        raise InputError(
            f"{operator!r} needs a height and width divisible by {factor}, not an image of shape "
            f"{tuple(shape)}; crop it to {fitting[0]}x{fitting[1]}"
        )
    return (*shape[:-2], height // factor, width // factor)


def multiply(shape: Shape, factor: int, operator: object) -> Shape:
    """Height and width times the factor."""
    height, width = plane(shape, operator)
    return (*shape[:-2], height * factor, width * factor)


@frozen
class Downsample:
    """H x = the mean of each block of `factor` x `factor` pixels.

    Args:
        factor: side of the block in pixels, at least 1.

    Raises:
        InputError: the factor can't be; in use: it does not divide the image's height and width.

    >>> import torch, invprob as ip
    >>> ip.Downsample(2).forward(torch.tensor([[[[0.0, 0.2], [0.4, 1.0]]]]))
    tensor([[[[0.4000]]]])
    """

    factor: int = field(converter=block_factor)

    def forward(self, x: Tensor, /) -> Tensor:
        """The means of the blocks."""
        return self._blocks(x).mean(_BLOCK)

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Each pixel spread over its block, divided by the number of pixels in it."""
        self.image_shape(tuple(y.shape[1:]))
        rows = y.repeat_interleave(self.factor, -2)
        return rows.repeat_interleave(self.factor, -1) / self.factor**2

    def out_shape(self, shape: Shape, /) -> Shape:
        """Height and width divided by the factor; `InputError` if it does not divide them."""
        return divide(shape, self.factor, self)

    def image_shape(self, shape: Shape, /) -> Shape:
        """Height and width times the factor."""
        return multiply(shape, self.factor, self)

    def acts_on(self) -> Literal["plane"]:
        """Each channel alone."""
        return "plane"

    def svd(self, shape: Shape, /) -> SVD:
        """The value 1 / factor in the first coordinate of each block, 0 in the others."""
        r = self.factor
        self.out_shape(shape)
        s = torch.zeros(shape, dtype=torch.float64)
        s[..., ::r, ::r] = 1 / r
        axis = axis_of(torch.full((1, r, 1, r), 1 / r, dtype=torch.float64), _BLOCK)

        def basis(x: Tensor) -> Tensor:
            return reflect(self._blocks(x), axis.to(x), _BLOCK).reshape(x.shape)

        def u(w: Tensor) -> Tensor:
            return first(self._blocks(w), _BLOCK).squeeze(_BLOCK)

        def ut(y: Tensor) -> Tensor:
            w = y.new_zeros((y.shape[0], *shape))
            w[..., ::r, ::r] = y
            return w

        return SVD(s, basis, basis, u, ut)

    def _blocks(self, x: Tensor) -> Tensor:
        """`(..., H / r, r, W / r, r)`."""
        height, width = self.out_shape(tuple(x.shape[1:]))[-2:]
        return blocks(x, (height, self.factor), (width, self.factor))
