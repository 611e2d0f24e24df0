"""Checks on likelihoods with a spectrum or a surrogate, or a score along an annealing path."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..contracts import (
    Annealed,
    Differentiable,
    HasLikelihood,
    Likelihood,
    LocallyGaussian,
    Spectral,
    Spectrum,
)
from .case import Case
from .registry import check
from .statistics import COUNT, light_tailed, mean_is
from .verdict import Figure, below, close, finite, holds, looks_like, skip


def _observed(spectrum: Spectrum, *, some: bool = False) -> Tensor:
    seen = spectrum.sd.isfinite()
    if some and not bool(seen.any()):
        skip("it measures nothing: sd is infinite everywhere")
    return seen


@check("likelihood", Likelihood, Spectral)
def spectral_basis_is_orthogonal(part: Any, case: Case) -> Figure:
    """VᵀV = VVᵀ = I, and vt is the adjoint of v."""
    spectrum = part.spectrum(case.shape)
    x = case.image()
    z = case.normal((case.batch, *spectrum.sd.shape), "z")
    figure = close(spectrum.vt(spectrum.v(z)), z, 1e-9, "Vᵀ V z")
    figure |= close(spectrum.v(spectrum.vt(x)), x, 1e-9, "V Vᵀ x")
    left = (spectrum.v(z) * x).flatten(1).sum(1)
    return figure | close(left, (z * spectrum.vt(x)).flatten(1).sum(1), 1e-9, "<V z, x>")


@check("likelihood", HasLikelihood, Spectral)
def spectrum_gives_the_likelihood(part: Any, case: Case) -> Figure:
    """`log p(y | x) + ½ Σ (w - Vᵀx)² / sd²` does not depend on x, for w = observe(y)."""
    spectrum = part.spectrum(case.shape)
    x, other = case.image(), case.image("other")
    y = part.sample(x, case.generator())
    seen, sd = _observed(spectrum), spectrum.sd.to(x)
    holds(bool((spectrum.sd > 0).all()), "sd is not positive everywhere")
    w = spectrum.observe(y)
    figure = close(w[:, ~seen], torch.zeros_like(w[:, ~seen]), 1e-12, "observe(y) where sd is inf")

    def rest(image: Tensor) -> Tensor:
        z = ((w - spectrum.vt(image)) / sd)[:, seen]
        value: Tensor = part.log_prob(y, image) + z.square().flatten(1).sum(1) / 2
        return value

    return figure | close(rest(x), rest(other), 1e-8, "log p(y | x) + ½ Σ (w - Vᵀx)² / sd²")


@check("likelihood", Likelihood, Spectral, once=True)
def pseudo_observations_have_their_spread(part: Any, case: Case) -> Figure:
    """observe(y) - Vᵀx has mean 0, standard deviation sd and no correlation, over samples y."""
    shape = case.several  # one pixel has no other to be correlated with
    spectrum = part.spectrum(shape)
    x = case.image("one", batch=1, shape=shape).expand(COUNT // 4, *shape).clone()
    y = part.sample(x, case.generator("many"))
    seen = _observed(spectrum, some=True)
    z = ((spectrum.observe(y) - spectrum.vt(x)) / spectrum.sd.to(x))[:, seen]
    figure = mean_is(z, 0.0, "the mean of (observe(y) - Vᵀx) / sd")
    figure |= mean_is(z**2, 1.0, "the variance of (observe(y) - Vᵀx) / sd", slack=1e-9)
    if z.shape[1] < 2:
        return figure
    return figure | mean_is(
        z * z.roll(1, 1), 0.0, "the correlation of coordinates of observe(y)", slack=1e-9
    )


@check("likelihood", Spectral, Annealed)
def annealed_score_is_exact_while_noise_is_smaller(part: Any, case: Case) -> Figure:
    """For sigma < min sd, it is ∇ log p + V (w - Vᵀx) / (sd² - sigma²) (Kawar et al. 2021)."""
    spectrum = part.spectrum(case.shape)
    seen, sd = _observed(spectrum, some=True), spectrum.sd
    x = case.image()
    y = part.sample(x, case.generator())
    sigma = 0.7 * sd[seen].min().to(x).expand(case.batch)
    prior_score = case.normal(tuple(x.shape), "prior")
    gap = torch.where(seen, sd.to(x) ** 2 - sigma[0] ** 2, 1.0)
    pull = (spectrum.observe(y) - spectrum.vt(x)) / gap * seen
    expected = prior_score + spectrum.v(pull)
    found = part.annealed_score(y, x, prior_score, sigma)
    return close(found, expected, 1e-8, "annealed_score at sigma = 0.7 min sd")


@check("likelihood", Spectral, Annealed)
def annealed_score_is_exact_where_noise_is_larger(part: Any, case: Case) -> Figure:
    """Along coordinates with sd < sigma, it is (w - Vᵀx) / (sigma² - sd²), whatever the prior."""
    spectrum = part.spectrum(case.shape)
    seen, sd = _observed(spectrum, some=True), spectrum.sd
    x = case.image()
    y = part.sample(x, case.generator())
    sigma = _between(sd[seen]).to(x)
    before = seen & (sd < sigma)
    prior_score = case.normal(tuple(x.shape), "prior")
    score = part.annealed_score(y, x, prior_score, sigma.expand(case.batch))
    expected = (spectrum.observe(y) - spectrum.vt(x)) / (sigma**2 - sd.to(x) ** 2)
    return close(
        spectrum.vt(score)[:, before], expected[:, before], 1e-8, "annealed_score where sd < sigma"
    )


def _between(levels: Tensor) -> Tensor:
    """A noise level above some of these and as far from all of them as can be."""
    ordered = torch.cat([levels.flatten().sort().values, 2 * levels.max()[None]])
    widest = (ordered[1:] / ordered[:-1]).argmax()
    return (ordered[widest] * ordered[widest + 1]).sqrt()


@check("likelihood", Spectral, Annealed)
def annealed_score_is_finite_where_levels_meet(part: Any, case: Case) -> Figure:
    """For sigma equal to an sd, where 1 / (sd² - sigma²) has its pole, it is finite."""
    x = case.image()
    y = part.sample(x, case.generator())
    sd = part.spectrum(case.shape).sd.flatten().to(x)
    for sigma in sd[sd.isfinite()][:4]:
        score = part.annealed_score(y, x, torch.zeros_like(x), sigma.expand(case.batch))
        finite(score, f"annealed_score at sigma = {float(sigma):.4g}, an sd,")
    return Figure(0.0, 1.0)


@check("likelihood", Differentiable, Annealed)
def annealed_score_ends_at_the_posterior(part: Any, case: Case) -> Figure:
    """As sigma → 0, it tends to ∇ log p(x) + ∇ₓ log p(y | x)."""
    x = case.image()
    y = part.sample(x, case.generator())
    prior_score = case.normal(tuple(x.shape), "prior")
    sigma = torch.full((case.batch,), 1e-7, dtype=x.dtype)
    expected = prior_score + part.grad_x(y, x)
    if not bool(expected.isfinite().all()):
        skip("grad_x is infinite here")
    return close(
        part.annealed_score(y, x, prior_score, sigma), expected, 1e-5, "annealed_score at 1e-7"
    )


@check("likelihood", Likelihood, LocallyGaussian)
def a_surrogate_is_a_gaussian(part: Any, case: Case) -> Figure:
    """Both w and sd have the shape of Vᵀx, w is finite, sd > 0, and V is orthogonal."""
    x, other = case.image(), case.image("other")
    y = part.sample(x, case.generator())
    near = part.surrogate(y, other, case.sigma())
    z = near.vt(other)
    figure = looks_like(near.w, tuple(z.shape), x.dtype, "w") | looks_like(
        torch.where(near.sd == torch.inf, 1, near.sd), tuple(z.shape), x.dtype, "sd"
    )
    holds(bool((near.sd > 0).all()), "sd is not positive everywhere")
    figure |= close(near.v(z), other, 1e-9, "V Vᵀ x")
    return figure | close((z * z).sum(), (other * other).sum(), 1e-9, "‖Vᵀx‖²")


@check("likelihood", Differentiable, LocallyGaussian)
def a_surrogate_has_the_gradient(part: Any, case: Case) -> Figure:
    """As sigma → 0, V (w - Vᵀx) / sd² tends to ∇ₓ log p(y | x)."""
    x = case.image()
    y = part.sample(x, case.generator())
    near = part.surrogate(y, x, x.new_full((case.batch,), 1e-5))
    pull = torch.where(near.sd == torch.inf, 0, (near.w - near.vt(x)) / near.sd.square())
    return close(near.v(pull), part.grad_x(y, x), 1e-3, "the gradient of the surrogate")


def sharpness_on_gray(part: Any, case: Case) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gray images x, measurements y, a direction u, and the mean of (uᵀ∇ₓ log p)²."""
    gray = torch.full(case.small, (case.low + case.high) / 2, dtype=case.dtype)
    x = gray.expand(COUNT // 4, *case.small).clone()
    y = part.sample(x, case.generator())
    u = case.normal(case.small, "direction").expand_as(x)
    square = (u * part.grad_x(y, x)).flatten(1).sum(1) ** 2
    light_tailed(square, "the squared gradient")
    if not bool(square.any()):
        skip("the measurement says nothing about this image")
    return x, y, u, square.mean()


@check("likelihood", Differentiable, LocallyGaussian, once=True)
def a_surrogate_is_as_sharp_as_the_likelihood(part: Any, case: Case) -> Figure:
    """On a gray image, the mean of ‖Vᵀu / sd‖² over y is E (uᵀ∇ₓ log p)², within a factor of 3."""
    x, y, u, wanted = sharpness_on_gray(part, case)
    near = part.surrogate(y, x, x.new_tensor(1e-3))
    sharpness = (near.vt(u) / near.sd).flatten(1).square().sum(1).mean()
    ratio = float(sharpness / wanted)
    return below(max(ratio, 1 / ratio), 3.0, "the surrogate's curvature over the likelihood's")
