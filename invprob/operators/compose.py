"""One operator after another: H = G F, "outer after inner".

Forward, adjoint and the inverse of a product are products. The singular value decomposition is
not, except in three cases, which are exact:

    F orthogonal        G F = U_G S_G (Fᵀ V_G)ᵀ          some coefficients of a transform
    G orthogonal        G F = (G U_F) S_F V_Fᵀ            a transform of a masked image
    different axes      C (x) P = (U_C (x) U_P) ...      gray after blur, blur after gray

In all other cases the capability is withdrawn, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeGuard

from attrs import field, frozen
from torch import Tensor

from ..compatibility import lacks
from ..contracts import SVD, HasSVD, InfersImageShape, Invertible, LinearOperator, Shape
from ..errors import InputError
from .structure import acts_on, crop, is_orthogonal, observed, taken


def linear_operator(value: LinearOperator) -> LinearOperator:
    """The same, or `InputError`."""
    if isinstance(value, type) or not isinstance(value, LinearOperator):
        raise InputError(
            f"{value!r} is no linear operator: it needs forward, adjoint and out_shape; a "
            "function can be one by from_callable(function, image_shape=...)"
        )
    return value


@frozen
class Compose:
    """H x = outer(inner(x)).

    Args:
        outer: what comes second.
        inner: what comes first, to the image.

    Raises:
        InputError: one of them is no linear operator, or they were made for images whose shapes
            do not meet; in use: the outer one does not take what the inner one makes.

    >>> import torch, invprob as ip
    >>> gray = ip.Compose(ip.Grayscale(), ip.Downsample(2))
    >>> gray.forward(torch.rand(1, 3, 8, 8)).shape, gray.svd((3, 8, 8)).s.shape
    (torch.Size([1, 1, 4, 4]), torch.Size([3, 8, 8]))
    """

    outer: LinearOperator = field(converter=linear_operator)
    inner: LinearOperator = field(converter=linear_operator)

    def __attrs_post_init__(self) -> None:
        self._must_meet(taken(self.inner, self.outer), self.out_shape)
        self._must_meet(taken(self.outer, self.inner), self._before)

    def _must_meet(self, shapes: list[Shape], through: Callable[[Shape], Shape]) -> None:
        """Refuse if none of these shapes gets through."""
        said = ""
        for shape in shapes:
            try:
                through(shape)
                return
            except InputError as error:
                said = said or str(error)
        if said:
            raise InputError(
                f"outer={self.outer!r} does not take what inner={self.inner!r} makes: {said}"
            )

    def _before(self, shape: Shape, /) -> Shape:
        """The image of which inner makes one of this shape, for outer."""
        before = self.inner.image_shape(shape) if _infers(self.inner) else shape
        made = tuple(self.inner.out_shape(before))
        if _infers(self.inner) and made != tuple(shape):
            raise InputError(f"{self.inner!r} makes {made}, not {tuple(shape)}")
        return before

    def forward(self, x: Tensor, /) -> Tensor:
        """Outer of inner of x."""
        return self.outer.forward(self.inner.forward(x))

    def adjoint(self, y: Tensor, /) -> Tensor:
        """The adjoints, in the opposite order."""
        return self.inner.adjoint(self.outer.adjoint(y))

    def out_shape(self, shape: Shape, /) -> Shape:
        """What outer makes of what inner makes; `InputError` if one can't."""
        return self.outer.out_shape(self.inner.out_shape(shape))

    def image_shape(self, shape: Shape, /) -> Shape:
        """The image's shape, through both operators."""
        for operator in (self.outer, self.inner):
            shape = operator.image_shape(shape) if _infers(operator) else tuple(shape)
        return shape

    def observed(self, shape: Shape, /) -> Tensor:
        """Which entries of a measurement of this shape were measured: what outer says."""
        return observed(self.outer, shape)

    def crop(self, x: Tensor, /) -> Tensor:
        """The part of images that a measurement shows: of inner, and of outer at its scale."""
        shown = crop(self.inner, x)
        made = self.inner.out_shape(tuple(x.shape[1:]))
        return crop(self.outer, shown) if tuple(made[-2:]) == shown.shape[-2:] else shown

    def takes(self) -> tuple[int | None, ...]:
        """What inner takes; or what it makes the images of that outer takes."""
        if known := taken(self.inner, self.outer):
            return known[0] if len(known) == 1 else ()
        known = taken(self.outer, self.inner)
        return self._before(known[0]) if len(known) == 1 else ()

    def is_orthogonal(self) -> bool:
        """Whether both are."""
        return is_orthogonal(self.outer) and is_orthogonal(self.inner)

    def withdrawn(self) -> Mapping[type, str]:
        """The decomposition, except in the three cases; the inverse, unless both have one."""
        reasons: dict[type, str] = {}
        if self._case() is None:
            reasons[HasSVD] = (
                f"a product of two decompositions is one only if a factor is orthogonal or one "
                f"acts on the channels and the other on the plane, which {self.outer!r} and "
                f"{self.inner!r} do not"
            )
        for part in (self.outer, self.inner):
            if HasSVD in reasons and (lack := lacks(part, HasSVD)):
                reasons[HasSVD] = f"{part!r} has none: {lack}"
            if lack := lacks(part, Invertible):
                reasons[Invertible] = f"{part!r} has no inverse: {lack}"
        return reasons

    def svd(self, shape: Shape, /) -> SVD:
        """The decomposition, where the factors allow one; `InputError` where they do not."""
        case = self._case()
        if case == "inner":
            return self._inner_orthogonal(shape)
        if case == "outer":
            return self._outer_orthogonal(shape)
        if case == "axes":
            return self._kronecker(shape)
        raise InputError(f"{self!r} has no SVD: {self.withdrawn()[HasSVD]}")

    def inverse(self, y: Tensor, /) -> Tensor:
        """The inverses, in the opposite order."""
        outer, inner = self._both_invertible()
        return inner.inverse(outer.inverse(y))

    def inverse_adjoint(self, x: Tensor, /) -> Tensor:
        """The inverse adjoints, in the same order."""
        outer, inner = self._both_invertible()
        return outer.inverse_adjoint(inner.inverse_adjoint(x))

    def log_abs_det(self, shape: Shape, /) -> Tensor:
        """The sum of both."""
        outer, inner = self._both_invertible()
        return inner.log_abs_det(shape) + outer.log_abs_det(self.inner.out_shape(shape))

    def _case(self) -> str | None:
        outer, inner = (lacks(part, HasSVD) is None for part in (self.outer, self.inner))
        if outer and is_orthogonal(self.inner):
            return "inner"
        if inner and is_orthogonal(self.outer):
            return "outer"
        axes = {acts_on(self.outer), acts_on(self.inner)}
        return "axes" if outer and inner and axes == {"channels", "plane"} else None

    def _inner_orthogonal(self, shape: Shape) -> SVD:
        inner = self.inner
        outer = _svd(self.outer, inner.out_shape(shape))
        return SVD(
            outer.s,
            lambda w: inner.adjoint(outer.v(w)),
            lambda x: outer.vt(inner.forward(x)),
            outer.u,
            outer.ut,
        )

    def _outer_orthogonal(self, shape: Shape) -> SVD:
        outer = self.outer
        outer.out_shape(self.inner.out_shape(shape))
        inner = _svd(self.inner, shape)
        return SVD(
            inner.s,
            inner.v,
            inner.vt,
            lambda w: outer.forward(inner.u(w)),
            lambda y: inner.ut(outer.adjoint(y)),
        )

    def _kronecker(self, shape: Shape) -> SVD:
        measured = self.out_shape(shape)
        if len(shape) != 3:
            raise InputError(f"{self!r} has an SVD for images (C, H, W), not of shape {shape}")
        outer_first = acts_on(self.outer) == "channels"
        channels, plane = (self.outer, self.inner) if outer_first else (self.inner, self.outer)
        images = _svd(plane, shape)
        grays = _svd(plane, (measured[0], *shape[1:]))
        mixing = _svd(channels, tuple(images.s.shape))
        return SVD(
            mixing.s * images.s,
            lambda w: images.v(mixing.v(w)),
            lambda x: mixing.vt(images.vt(x)),
            lambda w: grays.u(mixing.u(w)),
            lambda y: mixing.ut(grays.ut(y)),
        )

    def _both_invertible(self) -> tuple[Invertible, Invertible]:
        outer, inner = self.outer, self.inner
        if not isinstance(outer, Invertible) or not isinstance(inner, Invertible):
            raise InputError(f"{self!r} can't be inverted: {self.withdrawn()[Invertible]}")
        return outer, inner


def _infers(operator: object) -> TypeGuard[InfersImageShape]:
    return isinstance(operator, InfersImageShape)


def _svd(operator: LinearOperator, shape: Shape) -> SVD:
    assert isinstance(operator, HasSVD)
    return operator.svd(shape)
