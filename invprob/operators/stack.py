"""Several measurements of one image, one after the other in a single vector.

    y = (H_1 x, H_2 x, ...)

Each part is flattened in the order of its axes. Forward and adjoint are exact and cost what the
parts cost. There is no singular value decomposition: those of the parts have different bases.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from attrs import field, frozen
from torch import Tensor

from ..contracts import HasSVD, LinearOperator, Shape
from ..errors import InputError
from .compose import linear_operator
from .planes import given_shape
from .structure import observed


def _operators(values: Iterable[LinearOperator]) -> tuple[LinearOperator, ...]:
    if not isinstance(values, Iterable):
        raise InputError(f"operators={values!r} is none of several; give a list of them: [H]")
    operators = tuple(linear_operator(value) for value in values)
    if not operators:
        raise InputError("operators is empty; give at least one")
    return operators


@frozen
class Stack:
    """H x = the measurements of all operators, flattened and joined: y of shape `(B, m)`.

    Args:
        operators: which measurements are made, in order.
        image_shape: the shape of the images, without the batch.

    Raises:
        InputError: no list of operators, or one does not take images of this shape; in use:
            another image shape or another number of measurements.

    >>> import torch, invprob as ip
    >>> twice = ip.Stack([ip.Downsample(2), ip.Grayscale()], image_shape=(3, 8, 8))
    >>> y = twice.forward(torch.rand(1, 3, 8, 8))
    >>> y.shape, [part.shape for part in twice.split(y)]
    (torch.Size([1, 112]), [torch.Size([1, 3, 4, 4]), torch.Size([1, 1, 8, 8])])
    """

    operators: tuple[LinearOperator, ...] = field(converter=_operators)
    _shape: Shape = field(alias="image_shape", converter=given_shape)

    def __attrs_post_init__(self) -> None:
        self._part_shapes()

    def forward(self, x: Tensor, /) -> Tensor:
        """All measurements, in one vector for each image."""
        self.out_shape(tuple(x.shape[1:]))
        return torch.cat([operator.forward(x).flatten(1) for operator in self.operators], 1)

    def adjoint(self, y: Tensor, /) -> Tensor:
        """The sum of the adjoints of the parts."""
        image = y.new_zeros((y.shape[0], *self._shape))
        for operator, part in zip(self.operators, self.split(y), strict=True):
            image = image + operator.adjoint(part)
        return image

    def split(self, y: Tensor, /) -> tuple[Tensor, ...]:
        """The measurements of the parts, each `(B, *its shape)`: views into y."""
        self.image_shape(tuple(y.shape[1:]))
        shapes = self._part_shapes()
        parts = torch.split(y, [math.prod(shape) for shape in shapes], 1)
        return tuple(part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True))

    def observed(self, shape: Shape, /) -> Tensor:
        """Which entries of the joined measurement were measured: what the parts say."""
        self.image_shape(shape)
        parts = zip(self.operators, self._part_shapes(), strict=True)
        return torch.cat([observed(part, made).expand(made).flatten() for part, made in parts])

    def takes(self) -> Shape:
        """The image shape given."""
        return self._shape

    def out_shape(self, shape: Shape, /) -> Shape:
        """How many numbers all measurements have; `InputError` for another image shape."""
        if tuple(shape) != self._shape:
            raise InputError(
                f"{self!r} was made for images of shape {self._shape}, not {tuple(shape)}"
            )
        return (sum(math.prod(part) for part in self._part_shapes()),)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The image shape given; `InputError` for another number of measurements."""
        if tuple(shape) != self.out_shape(self._shape):
            raise InputError(
                f"{self!r} makes measurements of shape {self.out_shape(self._shape)}, not "
                f"{tuple(shape)}"
            )
        return self._shape

    def withdrawn(self) -> Mapping[type, str]:
        """The decomposition."""
        return {HasSVD: "its parts have different singular bases, and no common one is known"}

    def _part_shapes(self) -> list[Shape]:
        return [operator.out_shape(self._shape) for operator in self.operators]

    def __repr__(self) -> str:
        return f"Stack({list(self.operators)!r}, image_shape={self._shape})"
