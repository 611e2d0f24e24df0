"""The prox of a pixelwise noise behind a linear operator, by splitting.

Wanted is the minimum over x of step f(H x) + ½ ‖x - v‖², where f = -log p(y | .) treats every
entry of u = H x by itself and H = U S Vᵀ. Two maps are easy: with H's singular vectors the image
near v with H x near a, and with the noise's own prox the u near z that explains y,

    X(a) = argmin ½ ‖x - v‖² + rho / 2 ‖H x - a‖²,   u(z) = argmin step f(u) + rho / 2 ‖u - z‖².

The alternating direction method of multipliers, relaxed by 1.6 (Eckstein and Bertsekas), is the
iteration of one variable

    z <- z + r(z),    r(z) = 1.6 (H X(2 u(z) - z) - u(z)),

whose residual r is zero exactly where H x = u and x is stationary. That is a root to be found, so
what is iterated is Anderson's mixing of the last eight rounds: from the changes of z and r it
extrapolates to where r vanishes. A row whose residual doubles forgets its history. Rows do not
see each other.

* Convex f: the minimum, also where it lies on the edge of the support, as for entries without a
  photon. Others: a stationary point. u(z) is the global minimum of its entry, which may jump, and
  then a row stands still; its penalty rho is raised fourfold, until step f(u) + rho / 2 u² is
  convex where it matters. A row that has not settled after all rounds is told apart, and has to
  be finished by another method.
* rho starts at six times the geometric mean of 1 + step f'', at least 15, both over s_max².
* Rounds, by measurement, for residuals of 1e-10, 32 x 32 pixels behind a 5 x 5 box, steps of 1e-4
  to 1: 40 to 55 for Poisson(30) and Poisson(1000), 40 to 105 for Gamma(26) and Rayleigh(0.3), 50
  to 175 for one photon per pixel, 45 to 195 where f is far from convex, Gamma(3). In single
  precision, 3e-5 and 256 x 256 pixels, steps of 0.01 to 0.15: 12 to 31, 23 to 37, 23 to 44 and 71
  to 97. Each costs one U and one Uᵀ, the noise's prox and some 20 passes over memory.
* Where all singular values are the same s, and every measured entry of u can be had (masks,
  averages of blocks, gray, subsampled orthogonal transforms), nothing is iterated:
  x = v + Hᵀ (u - H v) / s², with u the noise's own prox at H v for step s². That is exact, and the
  global minimum.
* An entry of u that was not measured has f = 0 and u(z) = z. Where H makes it 0 (a mask) it stays
  so; where H makes more of an image than was measured (a crop of a blur) it follows H x.

J. Eckstein, D. P. Bertsekas (1992). On the Douglas-Rachford splitting method and the proximal
point algorithm for maximal monotone operators. Math. Programming 55. D. G. Anderson (1965).
Iterative Procedures for Nonlinear Integral Equations. J. ACM 12. A. Fu, J. Zhang, S. Boyd (2020).
Anderson Accelerated Douglas-Rachford Splitting. SIAM J. Sci. Comput. 42.
https://arxiv.org/abs/1908.11482
"""

from __future__ import annotations

from typing import Protocol

import torch
from attrs import frozen
from torch import Tensor

from ..contracts import SVD
from .derived import gradient
from .rows import per_row, total

ROUNDS, PATIENCE = 400, 20
MEMORY = 8
RELAXATION = 1.6
LEAST_PENALTY, STEEPER, STIFFER = 15.0, 6.0, 4.0


def accuracy(dtype: torch.dtype, /) -> float:
    """How small a residual of H x = u is reached, in units of the image.

    >>> accuracy(torch.float64)
    1e-10
    """
    return max(1e-10, 256 * torch.finfo(dtype).eps)


class Solvable(Protocol):
    """A pixelwise noise with what it takes to split its prox off."""

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """∇ log p(y | u), entry by entry; torch must be able to differentiate it."""

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """Argmin of -step log p(y | u) + ½ ‖u - v‖², entry by entry."""


def second_derivative(noise: Solvable, y: Tensor, u: Tensor, /) -> Tensor:
    """That of -log p(y | u) in u, entry by entry; 0 where there is none."""
    slope = gradient(lambda at, y: noise.grad_x(y, at), u, y)
    return slope.neg().nan_to_num(0.0, 0.0, 0.0)


@frozen(eq=False)
class Behind:
    """A pixelwise noise behind a linear operator, for one measurement.

    Attributes:
        noise: p(y | u).
        svd: of H, for the image's shape.
        seen: true where an entry of y was measured, `(*measurement)`.
        y: the measurement.
    """

    noise: Solvable
    svd: SVD
    seen: Tensor
    y: Tensor

    def prox(self, v: Tensor, step: Tensor, /) -> tuple[Tensor, Tensor]:
        """Where step f(H x) + ½ ‖x - v‖² is stationary, and which rows got there, `(B,)`.

        Args:
            v: the images to stay near to.
            step: one number for each row, `(B,)`.
        """
        s = self.svd.s.to(v)
        told = s[s > 0]
        if not told.numel():
            return v, torch.ones_like(step, dtype=torch.bool)
        flat = bool(told.max() - told.min() <= 16 * torch.finfo(v.dtype).eps * told.max())
        if flat and told.numel() == int(self.seen.sum()):
            return self._at_once(v, step, told.max()), torch.ones_like(step, dtype=torch.bool)
        return self._in_rounds(v, step, s)

    def _at_once(self, v: Tensor, step: Tensor, s: Tensor) -> Tensor:
        change = self._explain(hv := self.svd.u(s * self.svd.vt(v)), step * s.square()) - hv
        return v + self.svd.v(self.svd.ut(torch.where(self.seen, change, 0)) / s)

    def _explain(self, z: Tensor, step: Tensor) -> Tensor:
        """The noise's own prox, where something was measured."""
        return torch.where(self.seen, self.noise.prox(self.y, z, step), z)

    def _in_rounds(self, v: Tensor, step: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        svd, near = self.svd, self.svd.vt(v)
        hv = svd.u(s * near)
        penalty, z = self._begin(hv, step, s.max().square())
        goal = accuracy(v.dtype) * hv.flatten(1).abs().amax(1).clamp_min(1)
        x, mixing = near, Mixing(hv)
        settled = step <= 0
        best, since = torch.full_like(step, torch.inf), torch.zeros_like(step)
        for _ in range(ROUNDS):
            u, rho = self._explain(z, step / penalty), per_row(penalty, near)
            found = (near + rho * s * svd.ut(2 * u - z)) / (1 + rho * s.square())
            residual = RELAXATION * (svd.u(s * found) - u)
            x = torch.where(per_row(settled, x) > 0, x, found)
            size = residual.flatten(1).abs().amax(1)
            settled = settled | (size <= goal)
            if bool(settled.all()):
                break
            better = size < best / 2
            best, since = torch.where(better, size, best), torch.where(better, 0, since + 1)
            mixed, stuck = mixing.next(z, residual), ~settled & (since >= PATIENCE)
            if bool(stuck.any()):  # a stiffer penalty, and the z that means the same to it
                mixed = torch.where(per_row(stuck, z) > 0, u + (z - u) / STIFFER, mixed)
                penalty = torch.where(stuck, STIFFER * penalty, penalty)
                best, since = torch.where(stuck, torch.inf, best), torch.where(stuck, 0, since)
                mixing.forget(stuck)
            z = torch.where(per_row(settled, z) > 0, z, mixed)
        return svd.v(x), settled

    def _begin(self, hv: Tensor, step: Tensor, square: Tensor) -> tuple[Tensor, Tensor]:
        """The penalty rho of each row, and the z at which the noise alone would find its u."""
        u = self._explain(hv, step * square)
        curved = torch.where(self.seen, second_derivative(self.noise, self.y, u), 0).clamp_min(0)
        curved = per_row(step * square, u) * curved
        typical = total(curved.log1p()) / self.seen.sum()
        penalty = (STEEPER * typical.expm1()).clamp_min(LEAST_PENALTY) / square
        pull = self.noise.grad_x(self.y, u).nan_to_num(0.0, 0.0, 0.0)
        z = u - per_row(step / penalty, u) * torch.where(self.seen, pull, 0)
        return penalty, z


class Mixing:
    """Anderson's mixing of the last rounds of z <- z + r(z), each row of a batch by itself.

    Args:
        like: a z; the history takes twice `MEMORY` times its size.
    """

    def __init__(self, like: Tensor, /) -> None:
        history = like.shape[0], MEMORY, like[0].numel()
        self.answered = like.new_zeros(history)  # changes of r
        self.reached = like.new_zeros(history)  # changes of z + r
        self.last = like.new_zeros(history[::2]), like.new_zeros(history[::2])
        self.least = like.new_full(history[:1], torch.inf)  # inf: there is no last round
        self.slot = 0

    def next(self, z: Tensor, r: Tensor, /) -> Tensor:
        """The next z, after one with residual r."""
        r, reached = r.flatten(1), (z + r).flatten(1)
        known = per_row(self.least < torch.inf, r) > 0
        self.answered[:, self.slot] = torch.where(known, r - self.last[0], 0)
        self.reached[:, self.slot] = torch.where(known, reached - self.last[1], 0)
        self.slot, self.last = (self.slot + 1) % MEMORY, (r, reached)
        size = r.square().sum(1)
        self.forget(size > 4 * self.least)
        self.least = torch.minimum(size, self.least)
        products = self.answered @ self.answered.mT
        ridge = torch.finfo(z.dtype).eps ** 0.75 * products.diagonal(dim1=1, dim2=2).amax(1)
        ridge = ridge.clamp_min(torch.finfo(z.dtype).tiny)
        eye = torch.eye(MEMORY, dtype=z.dtype, device=z.device)
        shares = torch.linalg.solve(
            products + per_row(ridge, products) * eye, self.answered @ r[:, :, None]
        )
        step: Tensor = reached - (self.reached.mT @ shares)[:, :, 0]
        return step.reshape(z.shape)

    def forget(self, rows: Tensor, /) -> None:
        """Drop the history of some rows, `(B,)`."""
        if bool(rows.any()):
            self.answered[rows] = 0
            self.reached[rows] = 0
            self.least = torch.where(rows, torch.inf, self.least)
