"""Any noise on a linear measurement: y ~ p(y | u) with u = H x.

Photon counts of a blurred image, speckle on a coarse one: the noise knows u alone, so

    log p(y | x) = log p_u(y | H x),      ∇ₓ = Hᵀ ∇_u log p_u(y | u),      ∇_y as for u,

all exact. H comes before the noise here; in `Correlated` a filter comes after it. Gaussian noise
has more structure, which `Gaussian(sigma, operator=H)` uses.

The prox is split between H, whose singular vectors make its half diagonal, and the noise, whose
own prox is pixelwise: see `splitting`. Where -log p is convex (Poisson, Rayleigh up to a scale of
2.77) it is the minimum; elsewhere (Gamma, SignalDependent, mixtures with them) a local one. What
is found is moved into the support where rounding has left it outside, by as little as that takes.
A row that has not settled, or is no better than v, is finished by Newton's method (`descent`).

The Gaussian that stands in for it near x (`surrogate`) has the curvature Hᵀ diag(J) H, if 1 / J is
the variance of the noise's own surrogate near u. A decomposition diagonalises that only where J is
one number, so its median j over the entries takes its place,

    sd = 1 / (s sqrt(j)),     w = Vᵀx + sd² Vᵀ Hᵀ J (w_u - u),

which keeps the gradient. What is approximate is the curvature, and by as much as J varies. So that
iterations are stable, entries that are known better than most, and better than sigma tells apart,
count as known as well as that: J <= max(j, 1 / (sigma max s)²).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from attrs import evolve, field, frozen
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import (
    SVD,
    ChecksMeasurement,
    Differentiable,
    Linearised,
    LocallyGaussian,
    LocallyLinear,
    Map,
    MatchesScore,
    Proximal,
    Shape,
    Stabilised,
    Stabilises,
    Surrogate,
)
from ..errors import InputError
from ..operators.mask import Mask
from ..operators.memo import Memo
from ..operators.structure import Observes, PartOf
from .delegation import (
    a_likelihood,
    a_linear_operator,
    demand,
    image_shape_behind,
    refuse_other_shapes,
    why_no_svd,
    withdrawn_by,
)
from .descent import minimise
from .draws import basis_of, largest_gain
from .pixelwise import Pixelwise
from .rows import per_row, total
from .spectral import inverse, spectrum_of
from .splitting import Behind, second_derivative

GREY = 0.5
"""Any possible measurement, where there is none."""


@frozen
class Observed:
    """y ~ p(y | H x): a noise model that sees a linear measurement of the image.

    Args:
        noise: p(y | u), a noise that treats every entry of u by itself: Poisson, Gamma, Rayleigh,
            SignalDependent, Mixture, or one of your own with `log_density(y, x)`.
        operator: H, a linear operator.

    Raises:
        InputError: noise has no `log_density`, or operator is no linear operator.

    >>> import torch, invprob as ip
    >>> noise = ip.Observed(ip.Poisson(peak=30), ip.CircularBlur.named("uniform5"))
    >>> noise.grad_x(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 8, 8)).shape
    torch.Size([1, 1, 8, 8])

    Formulas: help("invprob.likelihoods.observed").
    """

    noise: Any = field(validator=a_likelihood)
    operator: Any = field(validator=a_linear_operator)
    _memo: Memo[float] = field(factory=Memo, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if lack := lacks(self.noise, Pixelwise):
            raise InputError(
                f"noise={self.noise!r} can't be put behind an operator: {lack}. It takes a "
                "log_density(y, x) of every entry by itself; write it if there is one. For "
                "Gaussian noise write Gaussian(sigma, operator=H), and a filter after the noise "
                "goes around it, Correlated(Observed(noise, H), A)"
            )

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        """A draw from p(y | H x); 0 where nothing was measured."""
        return self._of_seen(self.noise.sample(self.operator.forward(x), generator))

    def log_prob(self, y: Tensor, x: Tensor, /) -> Tensor:
        """The sum of log p(y_i | u_i) over what was measured, at u = H x."""
        return total(self._of_seen(self.noise.log_density(y, self.operator.forward(x))))

    def grad_x(self, y: Tensor, x: Tensor, /) -> Tensor:
        """Hᵀ ∇_u log p(y | u)."""
        slope = self.noise.grad_x(y, self.operator.forward(x))
        gradient: Tensor = self.operator.adjoint(self._of_seen(slope))
        return gradient

    def score_y(self, y: Tensor, x: Tensor, /) -> Tensor:
        """∇_y log p(y | u); 0 where nothing was measured."""
        return self._of_seen(self.noise.score_y(y, self.operator.forward(x)))

    def surrogate(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Surrogate:
        """The Gaussian that stands in for p(y | x) near x, in the singular basis of H."""
        demand(self, LocallyGaussian)
        svd: SVD = self.operator.svd(tuple(x.shape[1:]))
        s = svd.s.to(x)
        u = self.operator.forward(x)
        w, sharp, middle = self._near(y, u, sigma.to(x) * s.max())
        told = s > torch.finfo(s.dtype).tiny ** 0.5
        undo = torch.where(told, 1 / s, 0)
        j = per_row(middle, svd.vt(x))
        step = svd.ut(sharp * (w - u)) * undo / j
        w = torch.where(told, svd.vt(x) + step, 0)
        return Surrogate(w, torch.where(told, undo / j.sqrt(), torch.inf), svd.v, svd.vt)

    def linearised(self, y: Tensor, x: Tensor, sigma: Tensor, /) -> Linearised:
        """The Gaussian that stands in for p(y | u) near H x, seen through H."""
        demand(self, LocallyLinear)
        H, shape = self.operator, tuple(x.shape[1:])
        gain: float = self._memo.get((shape, x.dtype, x.device), lambda: largest_gain(H, x[:1]))
        w, sharp, middle = self._near(y, H.forward(x), sigma.to(x) * gain)
        sd = torch.where(sharp > 0, sharp.rsqrt(), torch.inf)
        if (basis := basis_of(H)) is None:
            return Linearised(w, sd, H.forward, H.adjoint)
        whole = spectrum_of(basis.svd(shape), 1.0, x)
        whole = evolve(whole, sd=whole.sd / per_row(middle, whole.vt(x)).sqrt())
        return Linearised(w, sd, H.forward, H.adjoint, partial(inverse, whole))

    def prox(self, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
        """The minimum of -step log p(y | H x) + ½ ‖x - v‖²; a local one if that is not convex."""
        demand(self, Proximal)
        step = step.to(v).expand(v.shape[0])
        x, settled = self._behind(y, tuple(v.shape[1:])).prox(v, step)
        x = self._into_support(y, x, step)
        value, at_v = self._objective(y, v, step, x), self._objective(y, v, step, v)
        worse = value > at_v + 8 * torch.finfo(x.dtype).eps * at_v.abs()
        rest = ~settled | worse
        if not bool(rest.any()):
            return x
        start = torch.where(per_row(worse, x) > 0, v, x)
        ends = self._downhill(y[rest], v[rest], step[rest], start[rest])
        return x.masked_scatter(per_row(rest, x) > 0, ends)

    def check_measurement(self, y: Tensor, /) -> None:
        """Raise `InputError` if the noise refuses what was measured, or H makes another shape."""
        refuse_other_shapes(self.operator, tuple(y.shape[1:]))
        if isinstance(self.noise, ChecksMeasurement):
            seen = self._seen(y)
            if seen is not None:  # any number that was measured may stand where none was
                y = torch.where(seen, y, per_row(self._entries_seen(y)[:, 0], y))
            self.noise.check_measurement(y)

    def image_shape(self, shape: Shape, /) -> Shape:
        """The image's shape for a measurement of this shape: what H says, or the same."""
        return image_shape_behind(self.operator, shape)

    def stabilise(self, y: Tensor, /) -> Stabilised:
        """The noise's own, behind a mask; 0 where nothing was measured."""
        demand(self, Stabilises)
        even: Stabilised = self.noise.stabilise(torch.where(self._all_seen(y), y, GREY))
        return evolve(even, value=self._of_seen(even.value))

    def withdrawn(self) -> Mapping[type, str]:
        """What the noise does not have, and the surrogate where H has no decomposition."""
        reasons = withdrawn_by(self.noise)
        reasons[MatchesScore] = "a score of y fixes H x, and not x"
        reasons.pop(LocallyLinear, None)
        if LocallyGaussian in reasons:
            reasons[LocallyLinear] = reasons[LocallyGaussian]
        if not isinstance(self.operator, Mask):
            reasons[Stabilises] = "behind operators other than a mask pixels are mixed"
        elif lack := lacks(self.noise, Stabilises):
            reasons[Stabilises] = f"its noise {self.noise!r} is not: {lack}"
        if Differentiable in reasons:
            reasons.setdefault(Proximal, reasons[Differentiable])
        if why := why_no_svd(self.operator):
            reasons.setdefault(LocallyGaussian, why)
            if not isinstance(self.operator, PartOf):
                reasons.setdefault(Proximal, why)
        return reasons

    def _near(self, y: Tensor, u: Tensor, reach: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the noise looks like within reach of u: w, 1 / sd², and its median `(B,)`."""
        near: Surrogate = self.noise.surrogate(y, u, reach)
        sharp = self._of_seen(near.sd.square().reciprocal())
        middle = self._entries_seen(sharp).median(1).values
        cap = torch.maximum(middle, reach.square().reciprocal())
        return near.w, torch.minimum(sharp, per_row(cap, sharp)), middle

    def _behind(self, y: Tensor, shape: Shape) -> Behind:
        """What splits the prox: H's decomposition, or that of the operator H is a part of."""
        if isinstance(self.operator, PartOf):
            placed, seen = self.operator.placed(y)
            whole = self.operator.whole().svd(shape)
            return Behind(self.noise, whole, seen, placed)
        return Behind(self.noise, self.operator.svd(shape), self._all_seen(y), y)

    def _objective(self, y: Tensor, v: Tensor, step: Tensor, x: Tensor) -> Tensor:
        return total(0.5 * (x - v).square()) - step * self.log_prob(y, x)

    def _downhill(self, y: Tensor, v: Tensor, step: Tensor, x: Tensor) -> Tensor:
        """The minimum to which Newton's method comes from x."""
        rate, H = per_row(step, v), self.operator

        def curvature(x: Tensor) -> Map:
            bend = rate * second_derivative(self.noise, y, H.forward(x))
            bend = self._of_seen(bend)
            return lambda d: d + H.adjoint(bend * H.forward(d))

        return minimise(
            lambda x: self._objective(y, v, step, x),
            lambda x: x - v - rate * self.grad_x(y, x),
            curvature,
            x,
        )

    def _into_support(self, y: Tensor, x: Tensor, step: Tensor) -> Tensor:
        """The images, moved towards one that is possible by as little as makes them so.

        Where there is none (counts behind an operator that makes no image bright) they stay.
        """
        outside, result = self.log_prob(y, x) == -torch.inf, x
        if not bool(outside.any()):
            return x
        inner, share = self._possible(y, x, step), 4 * torch.finfo(x.dtype).eps
        while share < 4 and bool(outside.any()):
            moved = x + min(share, 1.0) * (inner - x)
            result = torch.where(per_row(outside, x) > 0, moved, result)
            outside = outside & (self.log_prob(y, result) == -torch.inf)
            share *= 4
        return torch.where(per_row(outside, x) > 0, x, result)

    def _possible(self, y: Tensor, x: Tensor, step: Tensor) -> Tensor:
        """An image of which H makes about the same brightness everywhere, possible for y."""
        one, H = torch.ones_like(x), self.operator
        if not bool((self._entries_seen(H.forward(one)) > 0).all()):
            basis = self._behind(y, tuple(x.shape[1:]))  # the image nearest to being seen as white
            s = basis.svd.s.to(x)
            told = s > torch.finfo(s.dtype).eps * s.max()
            white = basis.svd.ut(torch.ones_like(basis.y))
            one = basis.svd.v(torch.where(told, white / torch.where(told, s, 1), 0))
        white = per_row(self._entries_seen(H.forward(one)).amax(1), one)
        one = torch.where(white > 1e-3, one / white, 0)
        u = self._entries_seen(self.noise.prox(y, H.forward(x), step))
        level = u.mean(1)
        likely = self.log_prob(y, per_row(level, x) * one) > -torch.inf
        return per_row(torch.where(likely, level, u.amin(1) / 2), x) * one

    def _all_seen(self, y: Tensor) -> Tensor:
        seen = self._seen(y)
        return torch.ones_like(y[0], dtype=torch.bool) if seen is None else seen

    def _seen(self, y: Tensor) -> Tensor | None:
        """True where an entry of y was measured; None where all of them were."""
        if not isinstance(self.operator, Observes):
            return None
        seen: Tensor = self.operator.observed(tuple(y.shape[1:])).to(y.device)
        return seen.bool().expand(y.shape[1:])

    def _of_seen(self, values: Tensor) -> Tensor:
        return values if (seen := self._seen(values)) is None else torch.where(seen, values, 0)

    def _entries_seen(self, values: Tensor) -> Tensor:
        seen = self._seen(values)
        return values.flatten(1) if seen is None else values[:, seen]
