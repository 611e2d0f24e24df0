"""Colour to gray: one weighted sum of the channels at every pixel (colourisation is its inverse).

    y = w' x   per pixel

One singular value is |w|, the others are 0: the two (for RGB) directions of colour that gray can't
see. A Householder reflection on the channel axis completes w / |w| to a basis (see
`householder`). |w| is 0.669 for the weights of BT.601: noise of level sigma on the gray image is
noise of level sigma / |w| on the coefficient.
"""

from __future__ import annotations

from typing import Literal

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import SVD, Shape
from ..errors import InputError
from .householder import axis_of, reflect
from .planes import constant


def _weights(value: object) -> tuple[float, ...]:
    weights = constant(value, "weights")
    if weights.ndim != 1 or not bool(weights.any()):
        raise InputError(f"weights={value}; give one number for each channel, not all of them 0")
    return tuple(weights.tolist())


@frozen
class Grayscale:
    """H x = the weighted sum of the channels, `(C, H, W)` to `(1, H, W)`.

    Args:
        weights: one for each channel. By default those of ITU-R BT.601, for RGB.

    Raises:
        InputError: weights are no finite numbers, or all 0; in use: an image has another number of
            channels.

    >>> import torch, invprob as ip
    >>> ip.Grayscale().forward(torch.ones(1, 3, 1, 2))
    tensor([[[[1., 1.]]]])
    >>> ip.Grayscale(weights=(0.5, 0.5))
    Grayscale(weights=(0.5, 0.5))
    """

    weights: tuple[float, ...] = field(default=(0.299, 0.587, 0.114), converter=_weights)

    def forward(self, x: Tensor, /) -> Tensor:
        """The weighted sum over the channels."""
        shape = tuple(x.shape[1:])
        self.out_shape(shape)
        return (x * self._column(shape).to(x)).sum(1, keepdim=True)

    def adjoint(self, y: Tensor, /) -> Tensor:
        """The gray image in every channel, times its weight."""
        return y * self._column(self.image_shape(tuple(y.shape[1:]))).to(y)

    def out_shape(self, shape: Shape, /) -> Shape:
        """One channel; `InputError` for another number of channels than of weights."""
        if not shape or shape[0] != len(self.weights):
            raise InputError(
                f"{self!r} takes images of {len(self.weights)} channels, not of shape "
                f"{tuple(shape)}; give (B, {len(self.weights)}, H, W)"
            )
        return (1, *shape[1:])

    def image_shape(self, shape: Shape, /) -> Shape:
        """As many channels as weights; `InputError` for a measurement that is not gray."""
        if not shape or shape[0] != 1:
            raise InputError(
                f"{self!r} makes measurements of one channel, not of shape {tuple(shape)}; give "
                "(B, 1, H, W)"
            )
        return (len(self.weights), *shape[1:])

    def takes(self) -> tuple[int | None, ...]:
        """As many channels as weights, of any height and width."""
        return (len(self.weights), None, None)

    def acts_on(self) -> Literal["channels"]:
        """The channels of each pixel alone."""
        return "channels"

    def svd(self, shape: Shape, /) -> SVD:
        """The value |w| in the first coordinate of each pixel, 0 in the others."""
        self.out_shape(shape)
        column = self._column(shape)
        sign, axes = float(torch.sgn(column[0] + 1e-300)), (-len(shape),)
        axis = axis_of(sign * column / column.norm(), axes)
        s = torch.zeros(shape, dtype=torch.float64)
        s[0] = column.norm()

        def basis(x: Tensor) -> Tensor:
            return reflect(x, axis.to(x), axes)

        def ut(y: Tensor) -> Tensor:
            w = y.new_zeros((y.shape[0], *shape))
            w[:, :1] = sign * y
            return w

        return SVD(s, basis, basis, lambda w: sign * w[:, :1], ut)

    def _column(self, shape: Shape) -> Tensor:
        """The weights along the channel axis of images of this shape."""
        column = torch.tensor(self.weights, dtype=torch.float64)
        return column.reshape(-1, *[1] * (len(shape) - 1))
