"""Every method of a part as a call with drawn arguments, for checks that hold for all methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from attrs import evolve, frozen
from torch import Generator, Tensor

from ..compatibility import lacks
from ..contracts import (
    Annealed,
    Denoises,
    Differentiable,
    HasLatent,
    HasLikelihood,
    HasLogProb,
    HasSVD,
    Invertible,
    LocallyGaussian,
    LocallyLinear,
    MatchesScore,
    Proximal,
    SamplesGivenGaussian,
    SamplesPosterior,
    Scores,
    ScoresData,
    ScoresMeasurement,
    Spectral,
    Stabilises,
    StatesEquation,
)
from ..errors import InputError
from .case import Case
from .verdict import skip


@frozen(eq=False)
class Call:
    """One method with arguments for it.

    Attributes:
        name: the method's name.
        method: takes the arguments, and a generator if it is random.
        given: the arguments, one row per image; the last may be a noise level `(B,)`.
        random: whether it draws.
        level: whether the last argument may as well have shape `()`.
        image: whether it answers with an image, which must never be infinite.
        at: which argument is an image that may be black, white or beyond.
        view: what of an answer is determined; an ill-conditioned one is judged by what it solves.
    """

    name: str
    method: Callable[..., Any]
    given: tuple[Tensor, ...]
    random: bool = False
    level: bool = False
    image: bool = False
    at: int | None = None
    view: Callable[[Tensor], Tensor] = lambda answer: answer

    def __call__(self, generator: Generator | None = None) -> tuple[Tensor, ...]:
        """The answers; a random method draws from a fresh generator unless one is given."""
        stream = (generator or Generator().manual_seed(0),) if self.random else ()
        answer = self.method(*self.given, *stream)
        return answer if isinstance(answer, tuple) else (answer,)

    def with_arguments(self, change: Callable[[Tensor], Tensor], /) -> Call:
        """The same call, every argument changed."""
        return evolve(self, given=tuple(change(a) for a in self.given))

    def with_image(self, pixel: float) -> Call:
        """The same call, with all pixels of the image argument (if it has one) of this value."""
        return evolve(
            self,
            given=tuple(
                torch.full_like(a, pixel) if k == self.at else a for k, a in enumerate(self.given)
            ),
        )

    def row(self, index: int) -> Call:
        """The same call for one row of the batch."""
        return self.with_arguments(lambda a: a[index : index + 1])


def calls(part: Any, case: Case, /) -> list[Call]:
    """Every method that a part has, with arguments it can take."""
    make = {"likelihood": _likelihood, "prior": _prior, "operator": _operator}[case.kind]
    return list(make(part, case))


def score_equation(part: Any, /) -> Callable[[Tensor, Tensor], Tensor]:
    """The f(x, y) that `match_score` inverts, as a function of y and x; a skip without one."""
    if _has(part, StatesEquation):
        return part.equation  # type: ignore[no-any-return]
    if _has(part, ScoresData):
        return part.score_y  # type: ignore[no-any-return]
    skip("it has neither score_y nor equation(y, x) to compare match_score with")


def _likelihood(part: Any, case: Case) -> Iterator[Call]:
    x = case.image()
    v = case.image("v")
    y = part.sample(x.clone(), case.generator())  # a clone: a call may clamp it in place
    sigma = case.sigma(low=0.05, high=0.3)
    yield Call("sample", part.sample, (x,), random=True)
    if _has(part, HasLikelihood):
        yield Call("log_prob", part.log_prob, (y, x), at=1)
    if _has(part, Differentiable):
        yield Call("grad_x", part.grad_x, (y, x), at=1)
    if _has(part, ScoresData):
        yield Call("score_y", part.score_y, (y, x), at=1)
    if _has(part, MatchesScore) and (_has(part, StatesEquation) or _has(part, ScoresData)):
        f = score_equation(part)
        s = f(y.clone(), v.clone())
        yield Call(
            "match_score",
            part.match_score,
            (y, s, x),
            image=True,
            at=2,
            view=lambda image: f(y, image.to(y)),
        )
    if _has(part, StatesEquation):
        yield Call("equation", part.equation, (y, x), at=1)
    if _has(part, Stabilises):
        even = part.stabilise(y.clone()).value
        yield Call("stabilise", lambda y: part.stabilise(y).value, (y,))
        yield Call("stabilise(y).inverse", lambda y, t: part.stabilise(y).inverse(t), (y, even))
    if _has(part, Proximal):
        yield Call("prox", part.prox, (y, v, sigma**2), level=True, image=True, at=1)
    if _has(part, SamplesGivenGaussian):
        given = (y, v, sigma)
        yield Call("sample_given", part.sample_given, given, True, level=True, image=True, at=1)
    if _has(part, Annealed):
        score = case.normal(tuple(x.shape), "score")
        yield Call("annealed_score", part.annealed_score, (y, x, score, sigma), level=True, at=1)
    if _has(part, Spectral):
        yield Call("spectrum.observe", part.spectrum(case.shape).observe, (y,))
    if _has(part, LocallyGaussian):
        yield Call(
            "surrogate", lambda *given: _drawn_by(part, *given), (y, v, sigma), level=True, at=1
        )
    if _has(part, LocallyLinear):
        yield Call(
            "linearised", lambda *given: _pulled_by(part, *given), (y, v, sigma), level=True, at=1
        )


def _pulled_by(part: Any, y: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
    """Hᵀ of where N(w; u', sd²) N(u'; H x, sigma²) has its mean, less H x; as in `_drawn_by`."""
    data = part.linearised(y, x, sigma)
    u = data.forward(x)
    level = sigma.reshape(-1, *[1] * (u.ndim - 1)) if sigma.ndim else sigma
    gain = 1 / (1 + (data.sd / level).square())
    answer: Tensor = data.adjoint(torch.where(gain > 0, gain * (data.w - u), 0))
    return answer


def _drawn_by(part: Any, y: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
    """Where the surrogate draws x: to the mean of N(w; Vᵀx', sd²) N(x'; x, sigma²) over x'.

    Where sd is large this is determined, and w is not.
    """
    near = part.surrogate(y, x, sigma)
    z = near.vt(x)
    level = sigma.reshape(-1, *[1] * (z.ndim - 1)) if sigma.ndim else sigma
    gain = 1 / (1 + (near.sd / level).square())
    answer: Tensor = near.v(torch.where(gain > 0, z + gain * (near.w - z), z))
    return answer


def _prior(part: Any, case: Case) -> Iterator[Call]:
    x = case.image()
    sigma = case.sigma()
    if _has(part, Denoises):
        yield Call("denoise", part.denoise, (x, sigma), level=True, image=True, at=0)
    if _has(part, Scores):
        yield Call("score", part.score, (x, sigma), level=True, at=0)
    if _has(part, HasLogProb):
        yield Call("log_prob", part.log_prob, (x,), at=0)
    if _has(part, HasLatent):
        yield Call("encode", part.encode, (x,), at=0)
        yield Call("decode", part.decode, (part.encode(x.clone())[0],), image=True)
    if _has(part, ScoresMeasurement):
        yield Call("measurement_score", part.measurement_score, (x,), at=0)
    if _has(part, SamplesPosterior):
        yield Call("posterior_sample", partial(_drawn, part, 1.0), (x,), True, image=True, at=0)
        fixed = partial(_drawn, part, 0.0, generator=Generator().manual_seed(0))
        yield Call("posterior_sample at temperature 0", fixed, (x,), image=True, at=0)


def _drawn(part: Any, temperature: float, y: Tensor, generator: Generator) -> Tensor:
    answer: Tensor = part.posterior_sample(y, temperature, generator)
    return answer


def _operator(part: Any, case: Case) -> Iterator[Call]:
    x = case.normal((case.batch, *case.shape), "x")
    y = case.normal((case.batch, *part.out_shape(case.shape)), "y")
    yield Call("forward", part.forward, (x,))
    yield Call("adjoint", part.adjoint, (y,))
    if _has(part, HasSVD):
        svd = part.svd(case.shape)
        z = case.normal((case.batch, *svd.s.shape), "z")
        yield Call("svd.vt", svd.vt, (x,))
        yield Call("svd.v", svd.v, (z,))
        yield Call("svd.ut", svd.ut, (y,))
        yield Call("svd.u", svd.u, (z,))
    if _has(part, Invertible):
        try:
            part.inverse(y.clone())
        except InputError:  # this operator can't be inverted at this shape, and says so
            return
        yield Call("inverse", part.inverse, (y,))
        yield Call("inverse_adjoint", part.inverse_adjoint, (x,))


def _has(part: object, capability: type) -> bool:
    return lacks(part, capability) is None
