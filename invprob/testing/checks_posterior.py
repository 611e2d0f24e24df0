"""Checks on what a likelihood infers: its proximal map, posterior draws and score equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..contracts import (
    Differentiable,
    HasLikelihood,
    Likelihood,
    MatchesScore,
    Proximal,
    SamplesGivenGaussian,
    Stabilises,
)
from ..likelihoods.pixelwise import Pixelwise
from .calls import score_equation
from .case import Case
from .quadrature import integrate
from .registry import check
from .statistics import COUNT, distribution_is, mean_is, stein, unrelated
from .verdict import Figure, below, close, holds, looks_like, skip

SWEEPS = 30


def _measured(part: Any, case: Case) -> tuple[Tensor, Tensor, Tensor]:
    """y, an image v that is near the one y was made of, and a step `(B,)`."""
    x = case.image()
    y = part.sample(x, case.generator())
    v = (x + 0.1 * case.normal(tuple(x.shape), "v")).clamp(case.low, case.high)
    return y, v, case.sigma(low=0.02, high=0.5) ** 2


def _objective(part: Any, y: Tensor, v: Tensor, step: Tensor) -> Callable[[Tensor], Tensor]:
    def value(x: Tensor) -> Tensor:
        misfit: Tensor = step.double() * part.log_prob(y, x).double()
        return (x - v).double().square().flatten(1).sum(1) / 2 - misfit

    return value


@check("likelihood", HasLikelihood, Proximal)
def prox_can_not_be_improved(part: Any, case: Case) -> Figure:
    """`prox` minimises -step log p(y | x) + ½ ‖x - v‖²: no move, small or large, lowers it."""
    y, v, step = _measured(part, case)
    best = part.prox(y, v, step)
    figure = looks_like(best, tuple(v.shape), v.dtype, "prox")
    value = _objective(part, y, v, step)
    lowest = value(best)
    holds(bool(lowest.isfinite().all()), "the likelihood of prox's answer is 0")
    moves = [case.normal(tuple(v.shape), f"move {k}") for k in range(6)] + [v - best]
    if isinstance(part, Differentiable):
        moves += [step.reshape(-1, *[1] * (v.ndim - 1)) * part.grad_x(y, best) + v - best]
    gain = torch.zeros(())
    for move in moves:
        move = move / move.flatten(1).norm(dim=1).clamp(min=1e-12).reshape(-1, *[1] * (v.ndim - 1))
        for size in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0):
            for sign in (1, -1):
                moved = torch.nan_to_num(value(best + sign * size * move), nan=torch.inf)
                gain = torch.maximum(gain, ((lowest - moved) / (1 + lowest.abs())).max())
    # rounding of an objective of size 1 is 1e-16; a move of 1e-5 finds errors of 1e-5 through it
    return figure | below(float(gain), 1e-12, "what a move from prox's answer gains, relatively,")


@check("likelihood", Likelihood, Differentiable, Proximal)
def prox_has_the_gradient(part: Any, case: Case) -> Figure:
    """At p = prox(y, v, step), where p moves with v, p - v = step ∇ₓ log p(y | p).

    It needs no density. At a kink or an edge of the support p stays while v moves, and the slope
    jumps: such pixels are left out, and elsewhere it is the slope on the way down that must not
    be negative. Images beside p that are impossible, by `log_prob`, are left out too.
    """
    y, v, step = _measured(part, case)
    best = part.prox(y, v, step)
    free = torch.ones_like(v, dtype=torch.bool)
    for way in (1e-4, -1e-4):
        free &= (part.prox(y, v + way, step) - best).abs() > 1e-12
    wide = step.reshape(-1, *[1] * (v.ndim - 1))

    def slope(x: Tensor) -> Tensor:
        value: Tensor = x - v - wide * part.grad_x(y, x)
        return value

    size = (best - v).flatten(1).norm(dim=1) + (wide * part.grad_x(y, best)).flatten(1).norm(dim=1)
    down = torch.where(free, -slope(best), 0.0)
    down = down / down.flatten(1).norm(dim=1).clamp(min=1e-12).reshape(-1, *[1] * (v.ndim - 1))
    beside = best + 1e-6 * down
    descent = -(slope(beside) * down).flatten(1).sum(1)
    if isinstance(part, HasLikelihood):
        descent = torch.where(part.log_prob(y, beside).isfinite(), descent, 0.0)
    if not bool(free.any()):
        skip("prox stays where it is while v moves: at a kink or at an edge of the support")
    steepest = float((descent / (1e-3 + size)).max())
    # a step twice as long is off by a third or more; descents inside prox leave 1e-6
    return below(steepest, 0.01, "the slope of prox's objective at prox's answer, relatively,")


@check("likelihood", HasLikelihood, Proximal)
def prox_is_the_global_minimum_for_a_pixel(part: Any, case: Case) -> Figure:
    """For a single pixel, no point of a grid over [-0.5, 1.5] has a lower objective than prox."""
    x = case.image("one", batch=1, shape=case.small)
    y = part.sample(x, case.generator())
    if x[0].numel() != 1:
        skip(f"the smallest image it takes has {x[0].numel()} pixels, not one")
    v = case.image("v", batch=1, shape=case.small)
    step = case.sigma(low=0.02, high=0.5)[:1] ** 2
    lowest = _objective(part, y, v, step)(part.prox(y, v, step))
    grid = torch.linspace(-0.5, 1.5, 4001, dtype=case.dtype).reshape(-1, *[1] * len(case.small))
    values = _objective(part, y.expand(4001, *y.shape[1:]).clone(), v, step)(grid)
    least = torch.nan_to_num(values, nan=torch.inf).min()
    return below(
        float((lowest - least) / (1 + least.abs())), 1e-9, "the gain of a point of a grid"
    )


@check("likelihood", Likelihood, Proximal)
def prox_of_a_tiny_step_stays(part: Any, case: Case) -> Figure:
    """prox(y, v, step) → v as step → 0, for the image v that y was made of."""
    v = case.image()
    y = part.sample(v, case.generator())
    way = (part.prox(y, v, v.new_full((case.batch,), 1e-12)) - v).abs().max()
    return below(float(way), 1e-6, "the way of prox from v for a step of 1e-12")


@check("likelihood", HasLikelihood, SamplesGivenGaussian, once=True)
def posterior_draws_of_a_pixel_fit_log_prob(part: Any, case: Case) -> Figure:
    """For a single pixel, sample_given draws x with density p(y | x) N(x; v, rho²)."""
    x = case.image("one", batch=1, shape=case.small)
    if x[0].numel() != 1:
        skip(f"the smallest image it takes has {x[0].numel()} pixels, not one")
    y = part.sample(x, case.generator())
    v, rho = case.image("v", batch=1, shape=case.small), float(case.sigma(low=0.03, high=0.3)[0])
    draws = _draws(part, y, v, rho, case)

    def log_joint(points: Tensor) -> Tensor:
        like = points.reshape(-1, *case.small)
        log_prior = -((like - v).flatten(1).sum(1) ** 2) / (2 * rho**2)
        log_p = part.log_prob(y.expand(len(points), *y.shape[1:]).clone(), like)
        return log_prior + torch.nan_to_num(log_p, nan=-torch.inf)

    values = draws.flatten().double()
    highest = log_joint(values[:64]).max()
    line = integrate(lambda t: log_joint(t) - highest, values, y.flatten().double().tolist())
    shares = torch.searchsorted(values.sort().values, line.edges, right=True) / len(values)
    figure = distribution_is(shares, line.cumulative / line.whole, len(values), "sample_given")
    figure |= mean_is(values, line.mean, "the mean of sample_given", slack=1e-4 * rho)
    square = (values - line.mean) ** 2
    return figure | mean_is(
        square, line.variance, "the variance of sample_given", slack=1e-3 * rho**2
    )


@check("likelihood", Differentiable, SamplesGivenGaussian, once=True)
def posterior_draws_of_an_image_obey_stein(part: Any, case: Case) -> Figure:
    """E[φ(x) s + φ'(x)] = 0 over sample_given, for s = grad_x(y, x) + (v - x) / rho²."""
    shape = case.several
    x = case.image("one", batch=1, shape=shape)
    y = part.sample(x, case.generator())
    v, rho = case.image("v", batch=1, shape=shape), float(case.sigma(low=0.03, high=0.3)[0])
    draws = _draws(part, y, v, rho, case)
    score = part.grad_x(y.expand(len(draws), *y.shape[1:]).clone(), draws) + (v - draws) / rho**2
    return stein(score.double().flatten(1), draws.double().flatten(1), "sample_given")


@check("likelihood", Likelihood, Pixelwise, SamplesGivenGaussian, once=True)
def posterior_draws_of_a_pixel_are_its_own(part: Any, case: Case) -> Figure:
    """Where noise is that of each pixel alone, neighbours in sample_given have covariance 0."""
    x = case.image("one", batch=1, shape=case.block)
    y = part.sample(x, case.generator())
    if y.shape != x.shape:
        skip(f"a measurement of shape {tuple(y.shape[1:])} mixes pixels of {tuple(x.shape[1:])}")
    v, rho = case.image("v", batch=1, shape=case.block), case.sigma(low=0.03, high=0.3)
    draws = _draws(part, y, v, float(rho[0]), case)
    return unrelated(draws, draws, "the covariance of neighbouring pixels in sample_given")


@check("likelihood", Likelihood, SamplesGivenGaussian)
def posterior_draws_have_the_promised_form(part: Any, case: Case) -> Figure:
    """sample_given is a finite image of v's type, near v for a tiny rho if v explains y."""
    x = case.image()
    y = part.sample(x, case.generator())
    rho = case.sigma(low=0.03, high=0.3)
    drawn = part.sample_given(y, case.image("v"), rho, case.generator())
    figure = looks_like(drawn, tuple(x.shape), x.dtype, "sample_given")
    near = part.sample_given(y, x, torch.full_like(rho, 1e-6), case.generator())
    return figure | below(float((near - x).abs().max()), 1e-4, "the way from v for rho = 1e-6")


@check("likelihood", Likelihood, SamplesGivenGaussian)
def posterior_draws_follow_v_and_rho(part: Any, case: Case) -> Figure:
    """Equal generators draw neighbours for neighbouring v and rho, far nearer than other draws."""
    y = part.sample(case.image(), case.generator())
    v, rho = case.image("v"), case.sigma(low=0.03, high=0.3)
    wide = rho.reshape(-1, *[1] * (v.ndim - 1))
    aside = v + 0.05 * wide * case.normal(tuple(v.shape), "aside")
    one, other = (part.sample_given(y, v, rho, case.generator(name)) for name in ("one", "two"))
    beside = part.sample_given(y, aside, 1.05 * rho, case.generator("one"))
    apart = float(((one - other) / wide).square().mean())
    near = float(((one - beside) / wide).square().mean())
    if apart < 1e-9:
        skip("its draws never vary")
    return below(near / apart, 0.25, "the squared change of a draw, over that of another draw,")


@check("likelihood", Likelihood, Stabilises, once=True)
def stabilised_noise_is_as_strong_everywhere(part: Any, case: Case) -> Figure:
    """T(y) has the deviation `sd` at any brightness, within a third, and `inverse` has no bias.

    Entries that never vary were not measured, and are left out.
    """
    shape = case.several
    worst_sd, worst_mean = 0.0, 0.0
    for level in (0.2, 0.5, 0.9):
        x = torch.full((COUNT // 4, *shape), level, dtype=case.dtype)
        even = part.stabilise(part.sample(x, case.generator(f"level {level}")))
        figure = looks_like(even.value, tuple(x.shape), x.dtype, "stabilise(y).value")
        deviation, value = even.value.double().std(0), even.value.double().mean(0)
        seen = deviation > 0
        holds(bool(seen.any()), "stabilise(y).value never varies")
        worst_sd = max(worst_sd, abs(float(deviation[seen].mean()) / even.sd - 1))
        back = float(even.inverse(value[None].to(x))[0][seen].mean())
        worst_mean = max(worst_mean, abs(back / level - 1))
    figure |= below(worst_sd, 0.35, "the deviation of stabilise(y).value over its sd, less 1,")
    return figure | below(worst_mean, 0.03, "the relative error of the inverse of its mean")


def _draws(part: Any, y: Tensor, v: Tensor, rho: float, case: Case) -> Tensor:
    rows = COUNT // 4
    drawn: Tensor = part.sample_given(
        y.expand(rows, *y.shape[1:]).clone(),
        v.expand(rows, *v.shape[1:]).clone(),
        v.new_tensor(rho),
        case.generator("draws"),
    )
    return drawn


@check("likelihood", Likelihood, MatchesScore)
def match_score_solves_the_score_equation(part: Any, case: Case) -> Figure:
    """Sweeps of x ← match_score(y, s, x), from y where shapes allow, reach f(x, y) = s."""
    f, x = score_equation(part), case.image()
    y = part.sample(x, case.generator())
    s = f(y, x)
    guess = y.clone() if y.shape == x.shape else torch.full_like(x, 0.5)
    for _ in range(SWEEPS):
        guess = part.match_score(y, s, guess)
    figure = looks_like(guess, tuple(x.shape), x.dtype, "match_score")
    return figure | close(f(y, guess), s, 1e-8, "f of match_score's image")


@check("likelihood", Likelihood, MatchesScore)
def match_score_stays_a_solution(part: Any, case: Case) -> Figure:
    """One sweep from a solution x of f(x, y) = s gives a solution."""
    f, x = score_equation(part), case.image()
    y = part.sample(x, case.generator())
    s = f(y, x)
    swept = part.match_score(y, s, x)
    return close(f(y, swept), s, 1e-8, "f after a sweep from a solution")
