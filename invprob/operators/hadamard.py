"""Some rows of the Walsh-Hadamard transform: compressive sensing, the single-pixel camera.

    y = (W x)[kept],   W = Hadamard matrix / sqrt(n),   n = H W, per channel

W is symmetric and orthogonal, all its entries are +-1 / sqrt(n), and a product costs n log n
additions. So V = W and s = 1 for the rows that are kept, 0 for the others. Row 0, the mean
brightness of the image, is always among the kept ones.

With `scramble`, the pixels are shuffled first, y = (W Pi x)[kept]: each row then looks like noise
and none sees smooth images better than others, which is what compressive sensing asks for. The
mean survives the shuffling.

L. Gan, T. T. Do, T. D. Tran, Fast compressive imaging using scrambled block Hadamard ensemble,
EUSIPCO 2008.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from attrs import Factory, field, frozen
from torch import Tensor

from ..contracts import SVD, Invertible, Shape
from ..counts import real
from ..errors import InputError
from ..streams import generator
from .planes import plane, sides


def _matrix(side: int) -> Tensor:
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while len(matrix) < side:
        matrix = torch.kron(torch.tensor([[1, 1], [1, -1]]), matrix)
    return matrix / math.sqrt(side)


def walsh_hadamard(x: Tensor, /) -> Tensor:
    """W x along the last axis, orthonormal and its own inverse; a power of two long.

    A Hadamard matrix is the Kronecker power of [[1, 1], [1, -1]]. It is applied in factors of at
    most 32 x 32, because a few small matrix products are faster than many passes of butterflies.

    >>> walsh_hadamard(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    shape, bits = x.shape, x.shape[-1].bit_length() - 1
    passes = math.ceil(bits / 5)
    for number in range(passes):
        side = 2 ** (bits // passes + (number < bits % passes))
        x = (x.reshape(*shape[:-1], -1, side) @ _matrix(side).to(x)).mT
    return x.reshape(shape)


def _size(value: int | tuple[int, int]) -> tuple[int, int]:
    size = sides(value)
    if len(size) != 2 or any(n & (n - 1) for n in size):
        raise InputError(
            f"size={value!r}: a Hadamard transform needs a height and width that are powers of "
            "two, such as 64 or (64, 128); crop or pad the image"
        )
    return size[0], size[1]


def _kept(self: Hadamard) -> Tensor:
    """The indices of the rows that are measured, ascending, row 0 among them."""
    n = math.prod(self.size)
    count = round(self.keep * n) if 0 < real(self.keep, "keep", "a share in (0, 1]") <= 1 else 0
    if count == 0:
        raise InputError(
            f"keep={self.keep} of {n} coefficients; give a share in (0, 1] that keeps some"
        )
    others = 1 + torch.randperm(n - 1, generator=generator(self.seed, 0))[: count - 1]
    return torch.cat([torch.zeros(1, dtype=torch.long), others]).sort().values


def _shuffled(self: Hadamard) -> tuple[Tensor, Tensor] | None:
    """The order of the pixels and the way back, None for their own order."""
    if not self.scramble:
        return None
    order = torch.randperm(math.prod(self.size), generator=generator(self.seed, 1))
    return order, order.argsort()


@frozen(eq=False, repr=False)
class Hadamard:
    """H x = (W x)[kept]: some Walsh-Hadamard coefficients of each channel.

    Images are `(C, H, W)`, measurements `(C, kept)`, in the natural order of the rows.

    Args:
        size: height and width of the images, powers of two; one number for a square.
        keep: the share of the coefficients that is measured, in (0, 1]: row 0 and a random choice
            of the others.
        seed: which choice (and which shuffling).
        scramble: shuffle the pixels first, so that all rows are alike.

    Raises:
        InputError: a side is no power of two, or keep is not in (0, 1] or keeps nothing; in use:
            the image has another size.

    >>> import torch, invprob as ip
    >>> camera = ip.Hadamard(32, keep=0.25, scramble=True)
    >>> camera
    Hadamard(32x32, keep=0.25, scramble=True)
    >>> camera.forward(torch.rand(1, 3, 32, 32)).shape
    torch.Size([1, 3, 256])
    """

    size: tuple[int, int] = field(converter=_size)
    keep: float = 1.0
    seed: int = 0
    scramble: bool = False
    rows: Tensor = field(init=False, default=Factory(_kept, takes_self=True))
    _order: tuple[Tensor, Tensor] | None = field(
        init=False, default=Factory(_shuffled, takes_self=True)
    )

    def forward(self, x: Tensor, /) -> Tensor:
        """The kept coefficients."""
        self.out_shape(tuple(x.shape[1:]))
        return self._vt(x)[..., self.rows.to(x.device)]

    def adjoint(self, y: Tensor, /) -> Tensor:
        """The image with these coefficients, the others 0."""
        self.image_shape(tuple(y.shape[1:]))
        return self._v(self._fill(y))

    def out_shape(self, shape: Shape, /) -> Shape:
        """The image's leading axes and the number of coefficients kept."""
        sides = plane(shape, self)
        if sides != self.size:
            fits = all(n & (n - 1) == 0 for n in sides)
            raise InputError(
                f"{self!r} is for images of {self.size[0]}x{self.size[1]}, not of shape "
                f"{tuple(shape)}; "
                + (f"give size={sides}" if fits else "crop or pad them to powers of two")
            )
        return (*shape[:-2], len(self.rows))

    def image_shape(self, shape: Shape, /) -> Shape:
        """The measurement's leading axes, height and width."""
        if not shape or shape[-1] != len(self.rows):
            raise InputError(
                f"{self!r} measures {len(self.rows)} coefficients per channel, but the "
                f"measurement's shape is {tuple(shape)}; give (B, C, {len(self.rows)})"
            )
        return (*shape[:-1], *self.size)

    def takes(self) -> tuple[int | None, ...]:
        """Any number of channels of this height and width."""
        return (None, *self.size)

    def acts_on(self) -> Literal["plane"]:
        """Each channel alone."""
        return "plane"

    def is_orthogonal(self) -> bool:
        """Whether every coefficient is kept."""
        return len(self.rows) == math.prod(self.size)

    def svd(self, shape: Shape, /) -> SVD:
        """V = W (after the shuffling), s = 1 for the kept rows and 0 for the others."""
        s = torch.zeros((*self.out_shape(shape)[:-1], math.prod(self.size)), dtype=torch.float64)
        s[..., self.rows] = 1
        return SVD(s, self._v, self._vt, lambda w: w[..., self.rows.to(w.device)], self._fill)

    def withdrawn(self) -> Mapping[type, str]:
        """The inverse, unless every coefficient is kept."""
        if self.is_orthogonal():
            return {}
        missing = math.prod(self.size) - len(self.rows)
        return {Invertible: f"{missing} coefficients of each channel are not measured"}

    def inverse(self, y: Tensor, /) -> Tensor:
        """The adjoint, if every coefficient is kept; `InputError` if not."""
        self._complete()
        return self.adjoint(y)

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """Forward, if every coefficient is kept; `InputError` if not."""
        self._complete()
        return self.forward(x)

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """0: it is orthogonal, or else `InputError`."""
        self._complete()
        self.out_shape(shape)
        return torch.zeros((), dtype=torch.float64)

    def _complete(self) -> None:
        for reason in self.withdrawn().values():
            raise InputError(f"{self!r} can't be inverted: {reason}; keep=1 measures all")

    def _vt(self, x: Tensor) -> Tensor:
        flat = x.flatten(-2)
        if self._order is not None:
            flat = flat[..., self._order[0].to(x.device)]
        return walsh_hadamard(flat)

    def _v(self, w: Tensor) -> Tensor:
        flat = walsh_hadamard(w)
        if self._order is not None:
            flat = flat[..., self._order[1].to(w.device)]
        return flat.reshape(*flat.shape[:-1], *self.size)

    def _fill(self, y: Tensor) -> Tensor:
        w = y.new_zeros((*y.shape[:-1], math.prod(self.size)))
        w[..., self.rows.to(y.device)] = y
        return w

    def __repr__(self) -> str:
        scramble = ", scramble=True" if self.scramble else ""
        return f"Hadamard({self.size[0]}x{self.size[1]}, keep={self.keep:.4g}{scramble})"
