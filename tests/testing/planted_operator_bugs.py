"""Operators with one bug each."""

from __future__ import annotations

import attrs
import torch
from small_parts import Matrix, Regular, a_matrix, planted

from invprob.operators.blur import CircularBlur
from invprob.operators.identity import Identity
from invprob.operators.mask import Mask

wide, low_rank = Matrix(a_matrix(4, 6)), Matrix(a_matrix(8, 6, 4))
square = Regular(a_matrix(6, 6))
blur = CircularBlur(torch.tensor([[0.1, 0.3, 0.0], [0.0, 0.4, 0.1], [0.0, 0.0, 0.1]]))
mask = Mask.random((8, 8), keep=0.6)


def svd_with(part, **change):
    def svd(self, shape, /):
        exact = type(part).svd(part, shape)
        return attrs.evolve(exact, **{name: make(exact) for name, make in change.items()})

    return planted(part, svd=svd)


def adjoint_in_place(self, y, /):
    return Matrix.adjoint(self, y.mul_(1.5))


BUGS = {
    "forward for adjoint": (
        planted(blur, adjoint=lambda self, y, /: CircularBlur.forward(blur, y)),
        "adjoint_is_the_transpose",
    ),
    "kernel off centre in the adjoint": (
        planted(blur, adjoint=lambda self, y, /: CircularBlur.adjoint(blur, y).roll(1, -1)),
        "adjoint_is_the_transpose",
    ),
    "kernel off centre in the svd": (
        svd_with(blur, u=lambda exact: lambda z: exact.u(z).roll(1, -2)),
        "svd_gives_forward_and_adjoint",
    ),
    "the mask's other half": (
        planted(mask, adjoint=lambda self, y, /: y - Mask.forward(mask, y)),
        "adjoint_is_the_transpose",
    ),
    "brightness added": (
        planted(wide, forward=lambda self, x, /: Matrix.forward(wide, x) + 0.01),
        "forward_is_linear",
    ),
    "clamped": (
        planted(wide, forward=lambda self, x, /: Matrix.forward(wide, x).clamp(-1, 1)),
        "forward_is_linear",
    ),
    "float32 whatever comes": (
        planted(wide, forward=lambda self, x, /: Matrix.forward(wide, x.float())),
        "out_shape_is_the_shape_of_forward",
    ),
    "one row too many": (
        planted(wide, out_shape=lambda self, shape, /: (Matrix.out_shape(wide, shape)[0] + 1,)),
        "out_shape_is_the_shape_of_forward",
    ),
    "height and width swapped": (
        planted(wide, image_shape=lambda self, shape, /: (1, 3, 2)),
        "image_shape_undoes_out_shape",
    ),
    "the batch's mean removed": (
        planted(wide, forward=lambda self, x, /: Matrix.forward(wide, x - x.mean(0))),
        "rows_do_not_mix",
    ),
    "adjoint in place": (planted(wide, adjoint=adjoint_in_place), "arguments_are_left_alone"),
    "v and vt swapped": (
        svd_with(
            square,
            v=lambda exact: lambda z: exact.vt(z).reshape(-1, 1, 2, 3),
            vt=lambda exact: lambda x: exact.v(x.flatten(1)).flatten(1),
        ),
        "svd_gives_forward_and_adjoint",
    ),
    "eigenvalues for singular values": (
        svd_with(
            wide,
            s=lambda exact: exact.s * torch.tensor([1, -1, 1, 1, 1, 1]),
            u=lambda exact: lambda z: exact.u(z * torch.tensor([1, -1, 1, 1, 1, 1])),
        ),
        "singular_values_are_one_per_pixel",
    ),
    "only the values that are not zero": (
        svd_with(wide, s=lambda exact: exact.s[:4]),
        "singular_values_are_one_per_pixel",
    ),
    "transform without its norm": (
        svd_with(
            wide,
            v=lambda exact: lambda z: exact.v(z) * 2,
            vt=lambda exact: lambda x: exact.vt(x) / 2,
        ),
        "right_basis_is_orthogonal",
    ),
    "blind coordinates are not zeroed": (
        svd_with(
            low_rank,
            ut=lambda exact: lambda y: exact.ut(y) + (exact.s == 0) * y[:, :6],
        ),
        "left_basis_is_orthonormal_where_seen",
    ),
    "twice an orthogonal operator": (
        planted(
            Identity(),
            forward=lambda self, x, /: 2 * x,
            adjoint=lambda self, y, /: 2 * y,
            is_orthogonal=lambda self, /: True,
        ),
        "is_orthogonal_tells_the_truth",
    ),
    "part of an orthogonal operator": (
        planted(mask, is_orthogonal=lambda self, /: True),
        "is_orthogonal_tells_the_truth",
    ),
    "a diagonal of ones": (
        planted(mask, diagonal=lambda self, shape, /: torch.ones(shape).double()),
        "diagonal_is_that_of_forward",
    ),
    "holes and pixels swapped": (
        planted(mask, observed=lambda self, shape, /: ~mask.mask),
        "what_is_not_observed_is_zero",
    ),
    "a regularised inverse": (
        planted(
            square,
            inverse=lambda self, y, /: Regular.inverse(
                Regular(square.matrix + 1e-6 * torch.eye(6).double()), y
            ),
        ),
        "inverse_undoes_forward",
    ),
    "inverse for its adjoint": (
        planted(
            square,
            inverse_adjoint=lambda self, x, /: Regular.inverse(square, x.flatten(1)).flatten(1),
        ),
        "inverse_adjoint_is_the_transpose_of_inverse",
    ),
    "log|det| of the inverse": (
        planted(square, log_abs_det=lambda self, shape, /: -Regular.log_abs_det(square, shape)),
        "log_abs_det_is_that_of_the_matrix",
    ),
    "log|det| of one channel": (
        planted(
            CircularBlur(torch.tensor([[0.6, 0.2]])),
            log_abs_det=lambda self, shape, /: CircularBlur.log_abs_det(self, (1, *shape[1:])) / 2,
        ),
        "log_abs_det_is_that_of_the_matrix",
    ),
}
