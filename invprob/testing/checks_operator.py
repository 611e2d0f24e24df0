"""Checks on linear operators: the adjoint, the inverse, the singular value decomposition."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..contracts import HasSVD, InfersImageShape, Invertible, LinearOperator, Shape
from ..errors import InputError
from ..likelihoods.gaussian import Diagonal
from ..operators.structure import ActsOn, Crops, MayBeOrthogonal, Observes
from .case import Case
from .registry import check
from .verdict import Figure, close, holds, looks_like, skip

EXACT = 1e-10
"""float64 transforms of a few hundred numbers are off by 1e-13; this leaves room for long sums."""


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).flatten(1).sum(1)


@check("operator", LinearOperator)
def out_shape_is_the_shape_of_forward(part: Any, case: Case) -> Figure:
    """forward(x) has the shape out_shape(shape), and x's type."""
    x = case.image()
    promised = part.out_shape(case.shape)
    return looks_like(part.forward(x), (case.batch, *promised), x.dtype, "forward(x)")


@check("operator", LinearOperator, InfersImageShape)
def image_shape_undoes_out_shape(part: Any, case: Case) -> Figure:
    """image_shape(out_shape(shape)) = shape."""
    found = part.image_shape(part.out_shape(case.shape))
    return holds(tuple(found) == case.shape, f"image_shape gives {found}, not {case.shape}")


@check("operator", LinearOperator, Crops)
def crop_shows_what_is_measured(part: Any, case: Case) -> Figure:
    """crop(x) has the height and width of H x."""
    shown = tuple(part.crop(case.image()).shape[-2:])
    measured = tuple(part.out_shape(case.shape)[-2:])
    return holds(shown == measured, f"crop(x) shows {shown} pixels, H x has {measured}")


@check("operator", LinearOperator, ActsOn)
def acts_on_tells_the_truth(part: Any, case: Case) -> Figure:
    """A map of each plane takes any channels in any order, one of channels pixels in any."""
    axes = part.acts_on()
    if axes is None or len(case.shape) != 3:
        skip("it does not say that it acts on planes or on channels alone")
    if axes == "plane":
        x = case.image(shape=(3, *case.shape[1:]))
        return close(part.forward(x.flip(1)), part.forward(x).flip(1), EXACT, "H x, turned over")
    x = case.image()
    turned = part.forward(x.flip((2, 3)))
    return close(turned, part.forward(x).flip((2, 3)), EXACT, "H x, upside down")


@check("operator", LinearOperator)
def forward_is_linear(part: Any, case: Case) -> Figure:
    """H (a x + b z) = a H x + b H z."""
    x, z = case.image(), case.normal((case.batch, *case.shape), "z")
    a, b = 1.7, -0.6
    return close(
        part.forward(a * x + b * z),
        a * part.forward(x) + b * part.forward(z),
        EXACT,
        "H (a x + b z)",
    )


@check("operator", LinearOperator)
def adjoint_is_the_transpose(part: Any, case: Case) -> Figure:
    """<H x, y> = <x, Hᵀ y> for every x and y."""
    x = case.normal((case.batch, *case.shape), "x")
    y = case.normal((case.batch, *part.out_shape(case.shape)), "y")
    back = part.adjoint(y)
    figure = looks_like(back, tuple(x.shape), y.dtype, "adjoint(y)")
    return figure | close(_inner(x, back), _inner(part.forward(x), y), EXACT, "<x, Hᵀ y>")


@check("operator", LinearOperator, HasSVD)
def svd_gives_forward_and_adjoint(part: Any, case: Case) -> Figure:
    """H x = U S Vᵀ x and Hᵀ y = V S Uᵀ y."""
    svd = part.svd(case.shape)
    x = case.normal((case.batch, *case.shape), "x")
    y = case.normal((case.batch, *part.out_shape(case.shape)), "y")
    s = svd.s.to(x)
    figure = close(svd.u(s * svd.vt(x)), part.forward(x), EXACT, "U S Vᵀ x")
    return figure | close(svd.v(s * svd.ut(y)), part.adjoint(y), EXACT, "V S Uᵀ y")


@check("operator", LinearOperator, HasSVD)
def singular_values_are_one_per_pixel(part: Any, case: Case) -> Figure:
    """S has one coordinate >= 0 for each pixel, in the shape that vt gives."""
    svd = part.svd(case.shape)
    z = svd.vt(case.image())
    pixels = torch.Size(case.shape).numel()
    holds(svd.s.numel() == pixels, f"s has {svd.s.numel()} values for {pixels} pixels")
    holds(
        tuple(z.shape[1:]) == tuple(svd.s.shape),
        f"vt gives shape {tuple(z.shape[1:])}, s has {tuple(svd.s.shape)}",
    )
    holds(bool(svd.s.isfinite().all()), "s is not finite everywhere")
    return holds(bool((svd.s >= 0).all()), f"a singular value is {float(svd.s.min()):.4g}")


@check("operator", LinearOperator, HasSVD)
def right_basis_is_orthogonal(part: Any, case: Case) -> Figure:
    """VᵀV = VVᵀ = I, and vt is the adjoint of v."""
    svd = part.svd(case.shape)
    x = case.normal((case.batch, *case.shape), "x")
    z = case.normal((case.batch, *svd.s.shape), "z")
    figure = close(svd.vt(svd.v(z)), z, EXACT, "Vᵀ V z")
    figure |= close(svd.v(svd.vt(x)), x, EXACT, "V Vᵀ x")
    return figure | close(_inner(svd.v(z), x), _inner(z, svd.vt(x)), EXACT, "<V z, x>")


@check("operator", LinearOperator, HasSVD)
def left_basis_is_orthonormal_where_seen(part: Any, case: Case) -> Figure:
    """UᵀU = I where s > 0, ut is 0 where s = 0, and ut is the adjoint of u."""
    svd = part.svd(case.shape)
    seen = svd.s > 0
    z = case.normal((case.batch, *svd.s.shape), "z") * seen
    y = case.normal((case.batch, *part.out_shape(case.shape)), "y")
    figure = close(svd.ut(svd.u(z)), z, EXACT, "Uᵀ U z")
    figure |= close(svd.ut(y)[:, ~seen], torch.zeros(()), EXACT, "Uᵀ y where s = 0")
    return figure | close(_inner(svd.u(z), y), _inner(z, svd.ut(y)), EXACT, "<U z, y>")


@check("operator", LinearOperator, MayBeOrthogonal)
def is_orthogonal_tells_the_truth(part: Any, case: Case) -> Figure:
    """Where is_orthogonal() is true, Hᵀ H x = x and H Hᵀ y = y."""
    if not part.is_orthogonal():
        skip("it does not say that it is orthogonal")
    x = case.normal((case.batch, *case.shape), "x")
    y = case.normal((case.batch, *part.out_shape(case.shape)), "y")
    figure = close(part.adjoint(part.forward(x)), x, EXACT, "Hᵀ H x of an orthogonal H")
    return figure | close(part.forward(part.adjoint(y)), y, EXACT, "H Hᵀ y of an orthogonal H")


@check("operator", LinearOperator, Diagonal)
def diagonal_is_that_of_forward(part: Any, case: Case) -> Figure:
    """H x = Hᵀ x = diagonal(shape) x."""
    x = case.normal((case.batch, *case.shape), "x")
    product = part.diagonal(case.shape).to(x) * x
    figure = close(part.forward(x), product, EXACT, "H x, against diagonal(shape) x,")
    return figure | close(part.adjoint(x), product, EXACT, "Hᵀ x, against diagonal(shape) x,")


@check("operator", LinearOperator, Observes)
def what_is_not_observed_is_zero(part: Any, case: Case) -> Figure:
    """Where observed(shape) is false, H x is 0, and Hᵀ y does not depend on y."""
    x = case.normal((case.batch, *case.shape), "x")
    shape = part.out_shape(case.shape)
    y = case.normal((case.batch, *shape), "y")
    seen = part.observed(shape)
    holds(seen.dtype == torch.bool, f"observed(shape) has type {seen.dtype}, not torch.bool")
    seen = seen.to(x.device).expand(shape)
    hidden = part.forward(x)[:, ~seen]
    figure = close(hidden, torch.zeros(()), EXACT, "H x where nothing is observed")
    return figure | close(part.adjoint(y * seen), part.adjoint(y), EXACT, "Hᵀ of what is observed")


@check("operator", LinearOperator, Invertible)
def inverse_undoes_forward(part: Any, case: Case) -> Figure:
    """A⁻¹ A x = x and A A⁻¹ y = y."""
    x = case.normal((case.batch, *case.shape), "x")
    y = case.normal((case.batch, *part.out_shape(case.shape)), "y")
    limit = EXACT * _condition(part, case.shape)
    figure = close(_or_skip(part.inverse, part.forward(x)), x, limit, "A⁻¹ A x")
    return figure | close(part.forward(part.inverse(y)), y, limit, "A A⁻¹ y")


@check("operator", LinearOperator, Invertible)
def inverse_adjoint_is_the_transpose_of_inverse(part: Any, case: Case) -> Figure:
    """<A⁻¹ y, x> = <y, A⁻ᵀ x>."""
    x = case.normal((case.batch, *case.shape), "x")
    y = case.normal((case.batch, *part.out_shape(case.shape)), "y")
    limit = EXACT * _condition(part, case.shape)
    back = _or_skip(part.inverse_adjoint, x)
    return close(_inner(y, back), _inner(part.inverse(y), x), limit, "<y, A⁻ᵀ x>")


@check("operator", LinearOperator, Invertible)
def log_abs_det_is_that_of_the_matrix(part: Any, case: Case) -> Figure:
    """log_abs_det(shape) = log |det A|, of the matrix written out for a small image."""
    found = _or_skip(part.log_abs_det, case.several)
    holds(found.shape == (), f"log_abs_det has shape {tuple(found.shape)}, not ()")
    matrix = _matrix(part, case.several)
    holds(matrix.shape[0] == matrix.shape[1], f"the matrix is {tuple(matrix.shape)}, not square")
    return close(found, torch.linalg.slogdet(matrix).logabsdet, 1e-8, "log_abs_det")


def _matrix(part: Any, shape: Shape) -> Tensor:
    size = torch.Size(shape).numel()
    basis = torch.eye(size, dtype=torch.float64).reshape(size, *shape)
    columns: Tensor = part.forward(basis)
    return columns.flatten(1).T


def _condition(part: Any, shape: Shape) -> float:
    """A guess of |A| |A⁻¹|, by which rounding grows, from one vector each way; at least 1."""
    x, y = (
        torch.arange(1.0, torch.Size(s).numel() + 1, dtype=torch.float64).cos().reshape(1, *s)
        for s in (shape, part.out_shape(shape))
    )
    there = float(part.forward(x).norm() / x.norm())
    back = float(_or_skip(part.inverse, y).norm() / y.norm())
    return max(1.0, 10 * there * back)


def _or_skip(method: Any, value: Any) -> Any:
    """The method's answer; what it refuses for this shape is not checked."""
    try:
        return method(value)
    except InputError as refusal:
        skip(str(refusal))
