"""Operators from elsewhere: a function, a matrix or `LinearOperator` of scipy.

`from_callable(f, image_shape=...)` takes any function that is linear; where its adjoint is not
given, reverse-mode differentiation makes it: the gradient of <f(x), y> in x is Hᵀ y, exactly, for
every linear f that torch can differentiate. `from_scipy` takes what
`scipy.sparse.linalg.aslinearoperator` takes.

Both are tried once before they are accepted, see `adjoint_check`: that they are linear, and that
the adjoint is one. Both can be differentiated, whatever is inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from attrs import field, frozen
from torch import Tensor

from ..arrays import plain
from ..contracts import Map, Shape
from ..errors import InputError
from .adjoint_check import FAILURES, try_maps
from .planes import given_shape


@frozen(eq=False, repr=False)
class LinearMap:
    """A pair of functions as an operator; made by `from_callable` and `from_scipy`."""

    _forward: Map
    _adjoint: Map
    _image_shape: Shape
    _out_shape: Shape
    _text: str

    def forward(self, x: Tensor, /) -> Tensor:
        """H x."""
        self.out_shape(tuple(x.shape[1:]))
        return _Apply.run(x, self._forward, self._adjoint)

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Hᵀ y."""
        self.image_shape(tuple(y.shape[1:]))
        return _Apply.run(y, self._adjoint, self._forward)

    def takes(self) -> Shape:
        """The image shape given."""
        return self._image_shape

    def out_shape(self, shape: Shape, /) -> Shape:
        """The measurement's shape; `InputError` for another image shape than the one given."""
        if tuple(shape) != self._image_shape:
            raise InputError(f"{self!r} does not take images of shape {tuple(shape)}")
        return self._out_shape

    def image_shape(self, shape: Shape, /) -> Shape:
        """The image shape given; `InputError` for another measurement shape."""
        if tuple(shape) != self._out_shape:
            raise InputError(
                f"{self!r} makes measurements of shape {self._out_shape}, not {tuple(shape)}"
            )
        return self._image_shape

    def __repr__(self) -> str:
        return self._text


def from_callable(
    forward: Map,
    adjoint: Map | None = None,
    *,
    image_shape: Shape,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> LinearMap:
    """An operator from a linear function.

    Args:
        forward: x `(B, *image)` to H x `(B, *measurement)`; linear.
        adjoint: y to Hᵀ y; by default from automatic differentiation of forward.
        image_shape: the shape of the images, without the batch.
        dtype: what both have to take; they are tried once, in double precision if they take it.
        device: where it is tried.

    Raises:
        InputError: forward fails on such images, is not linear, can't be differentiated where it
            has to be, or adjoint is not its adjoint.

    >>> import torch, invprob as ip
    >>> edges = ip.from_callable(lambda x: x.diff(dim=-1), image_shape=(1, 4, 4))
    >>> edges.out_shape((1, 4, 4))
    (1, 4, 3)
    >>> edges.adjoint(torch.ones(1, 1, 4, 3))[0, 0, 0]
    tensor([-1.,  0.,  0.,  1.])
    """
    shape = given_shape(image_shape)
    if not dtype.is_floating_point:
        raise InputError(f"dtype={dtype} has no fractions; give torch.float32 or torch.float64")
    transpose = _Transpose(forward, shape) if adjoint is None else adjoint
    name = getattr(forward, "__name__", type(forward).__name__)
    text = f"from_callable({name}, image_shape={shape})"
    like = torch.empty(shape, dtype=dtype, device=device)
    return LinearMap(forward, transpose, shape, try_maps(forward, transpose, like, text), text)


def from_scipy(operator: Any, image_shape: Shape) -> LinearMap:
    """An operator from a scipy `LinearOperator`, a sparse matrix (of torch, too) or an array.

    The products are scipy's, on the CPU, in the precision that scipy makes of the images; y has
    shape `(B, m)`.

    Args:
        operator: `(m, n)`, real; with `rmatvec` (a matrix always has it).
        image_shape: the shape of the images, n pixels in all.

    Raises:
        InputError: it is no such thing, its columns are not the image's pixels, or it has no
            adjoint.

    >>> import scipy.sparse, torch, invprob as ip
    >>> sums = ip.from_scipy(scipy.sparse.csr_array([[1.0, 1.0, 0.0, 0.0]]), (1, 2, 2))
    >>> sums.forward(torch.ones(1, 1, 2, 2))
    tensor([[2.]])
    """
    from scipy.sparse.linalg import aslinearoperator

    try:
        linear = aslinearoperator(_of_scipy(operator))
    except TypeError as error:
        raise InputError(
            f"{type(operator).__name__} is no linear operator: {error}; a function f that is one "
            "goes into from_callable(f, image_shape=...)"
        ) from None
    shape = given_shape(image_shape)
    pixels = torch.Size(shape).numel()
    if linear.shape[1] != pixels:
        raise InputError(
            f"an operator of shape {linear.shape} takes {linear.shape[1]} pixels, but images of "
            f"shape {shape} have {pixels}"
        )
    text = f"from_scipy({linear.shape[0]}x{linear.shape[1]}, image_shape={shape})"
    if linear.dtype is not None and linear.dtype.kind == "c":
        raise InputError(f"{text} is complex; stack its real and its imaginary part as rows")
    try:
        linear.rmatvec(torch.zeros(linear.shape[0], dtype=torch.float64).numpy())
    except FAILURES as error:
        raise InputError(
            f"{text} has no product with the transposed matrix ({error!r}); give it: "
            "LinearOperator(shape, matvec=..., rmatvec=...), or give a matrix"
        ) from error
    forward = _Product(linear.matmat, (int(linear.shape[0]),))
    adjoint = _Product(linear.rmatmat, shape)
    like = torch.empty(shape, dtype=torch.float64)
    return LinearMap(forward, adjoint, shape, try_maps(forward, adjoint, like, text), text)


def _of_scipy(operator: Any) -> Any:
    """A sparse tensor as the matrix of scipy with its entries; anything else as it is."""
    if not isinstance(operator, Tensor) or operator.layout == torch.strided:
        return operator
    from scipy.sparse import csr_array

    entries = operator.detach().cpu().to_sparse(layout=torch.sparse_coo).coalesce()
    where = tuple(entries.indices().numpy())
    return csr_array((entries.values().numpy(), where), shape=tuple(entries.shape))


@frozen(eq=False)
class _Transpose:
    """y to Hᵀ y, by the vector-Jacobian product of x to H x."""

    forward: Map
    shape: Shape

    def __call__(self, y: Tensor) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            along = y.detach().clone()
            x = along.new_zeros((y.shape[0], *self.shape)).requires_grad_()
            (image,) = torch.autograd.grad(self.forward(x), x, along)
        return image


@frozen(eq=False)
class _Product:
    """The columns of x times a scipy operator, as rows of a batch."""

    product: Callable[[Any], Any] = field()
    shape: Shape

    def __call__(self, x: Tensor) -> Tensor:
        columns = x.detach().flatten(1).mT.cpu().numpy()
        return torch.as_tensor(plain(self.product(columns))).mT.to(x).reshape(-1, *self.shape)


class _Apply(torch.autograd.Function):
    """A linear function whose gradient is its adjoint, and so on."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, forward: Map, adjoint: Map) -> Tensor:
        ctx.maps = forward, adjoint
        return forward(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        forward, adjoint = ctx.maps
        return _Apply.run(gradients[0], adjoint, forward), None, None

    @staticmethod
    def run(x: Tensor, forward: Map, adjoint: Map) -> Tensor:
        result: Tensor = _Apply.apply(x, forward, adjoint)  # type: ignore[no-untyped-call]
        return result
