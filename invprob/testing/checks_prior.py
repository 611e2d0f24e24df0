"""Checks on priors: denoisers, scores, densities and flows, each against the others."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import attrs
import torch
from torch import Tensor

from ..contracts import (
    Denoises,
    HasDomain,
    HasLatent,
    HasLogProb,
    HasMoments,
    MadeForLikelihood,
    SamplesPosterior,
    SamplesPrior,
    Scores,
    ScoresMeasurement,
    Shape,
)
from ..errors import InputError
from ..likelihoods.checks import LOUDEST
from ..priors.own_network import check_at_rest
from .case import Case
from .checks_gradients import gradient_matches
from .registry import check
from .statistics import COUNT, mean_is, stein, unrelated
from .verdict import CheckFailure, Figure, below, close, holds, looks_like, skip

NOISY = 0.5
"""A prior that can denoise nothing below this noise level may mean grey levels."""


def _noisy(case: Case, sigma: Tensor) -> Tensor:
    x = case.image()
    return x + sigma.reshape(-1, *[1] * (x.ndim - 1)) * case.normal(tuple(x.shape), "noise")


def _rows(part: Any, case: Case, sigma: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Thousands of images of the prior and the same with noise, float64: small ones, blocks."""
    for shape in dict.fromkeys((case.small, case.block)):
        x = part.sample((COUNT // 2, *shape), case.generator("many")).double()
        yield x, x + sigma * case.normal(tuple(x.shape), "noise")


@check("prior", Denoises)
def denoised_images_have_the_promised_form(part: Any, case: Case) -> Figure:
    """denoise(x, sigma) is a finite tensor of x's shape and type, for sigma `()` and `(B,)`."""
    sigma = case.sigma()
    x = _noisy(case, sigma)
    figure = looks_like(part.denoise(x, sigma), tuple(x.shape), x.dtype, "denoise(x, sigma)")
    one = part.denoise(x, sigma[0])
    figure |= looks_like(one, tuple(x.shape), x.dtype, "denoise(x, sigma[0])")
    return figure | close(
        one, part.denoise(x, sigma[0].expand(case.batch)), 1e-6, "denoise for sigma of shape ()"
    )


@check("prior", Denoises, Scores)
def score_and_denoiser_obey_tweedie(part: Any, case: Case) -> Figure:
    """score(x, sigma) = (denoise(x, sigma) - x) / sigma² (Miyasawa 1961, Robbins 1956)."""
    sigma = case.sigma()
    x = _noisy(case, sigma)
    level = sigma.reshape(-1, *[1] * (x.ndim - 1))
    step = part.denoise(x, sigma) - x
    return close(level**2 * part.score(x, sigma), step, 1e-8, "sigma² score(x, sigma)")


@check("prior", Scores)
def score_has_the_promised_form(part: Any, case: Case) -> Figure:
    """score(x, sigma) is a finite tensor of x's shape and type, for sigma `()` and `(B,)`."""
    sigma = case.sigma()
    x = _noisy(case, sigma)
    figure = looks_like(part.score(x, sigma), tuple(x.shape), x.dtype, "score(x, sigma)")
    one, each = part.score(x, sigma[0]), part.score(x, sigma[0].expand(case.batch))
    return figure | close(one, each, 1e-6, "score for sigma of shape ()")


@check("prior", HasLogProb, Scores)
def score_without_noise_is_the_gradient(part: Any, case: Case) -> Figure:
    """score(x, 0) = ∇ log p(x)."""
    x = case.image()
    return gradient_matches(part.log_prob, part.score(x, x.new_zeros(())), x, "score(x, 0)")


@check("prior", HasLogProb)
def log_prob_of_images_has_the_promised_form(part: Any, case: Case) -> Figure:
    """log_prob(x) is one finite number per row."""
    x = case.image()
    return looks_like(part.log_prob(x), (case.batch,), x.dtype, "log_prob")


@check("prior", SamplesPrior, Denoises, once=True)
def denoiser_leaves_no_explainable_error(part: Any, case: Case) -> Figure:
    """E[(x₀ - D(x)) f(x)] = 0 for every f, for x = x₀ + sigma n: D is the posterior mean."""
    sigma = float(case.sigma(low=0.05)[0])
    figure = Figure(0.0, 1.0)
    for x0, x in _rows(part, case, sigma):
        error, centred = x0 - part.denoise(x, x.new_tensor(sigma)), x - x.mean(0)
        wave = (centred / sigma).sin()
        figure |= mean_is(error, 0.0, "E[x₀ - D]")
        figure |= mean_is(error * centred, 0.0, "E[(x₀ - D) x]")
        figure |= mean_is(error * centred**3, 0.0, "E[(x₀ - D) x³]")
        figure |= mean_is(error * wave, 0.0, "E[(x₀ - D) sin(x / sigma)]")
        figure |= unrelated(error, x, "E[(x₀ - D) x] of pixels and their neighbours")
    return figure


@check("prior", SamplesPrior, Scores, once=True)
def smoothed_score_fits_noisy_images(part: Any, case: Case) -> Figure:
    """E[φ(x) s + φ'(x)] = 0 for s = score(x, sigma), over x = x₀ + sigma n."""
    sigma = float(case.sigma(low=0.05)[0])
    figure = Figure(0.0, 1.0)
    for _, x in _rows(part, case, sigma):
        score = part.score(x, x.new_tensor(sigma)).double().flatten(1)
        direction = case.normal((score.shape[1], 1), "direction")
        direction = direction / direction.norm()
        figure |= stein(score, x.flatten(1), "score(x, sigma)")
        what = "score(x, sigma) along a direction"
        figure |= stein(score @ direction, x.flatten(1) @ direction, what)
    return figure


@check("prior", SamplesPrior, HasMoments, once=True)
def moments_are_those_of_samples(part: Any, case: Case) -> Figure:
    """moments() are the mean image and the root of E ‖x - mean‖²."""
    mean, size = part.moments()
    x = part.sample((COUNT // 2, *mean.shape), case.generator("many")).double()
    figure = mean_is(x, mean.double(), "the mean of samples, by moments(),")
    square = (x - mean.double()).square().flatten(1).sum(1) / size**2
    return figure | mean_is(square, 1.0, "E ‖x - mean‖² over the square of that of moments()")


@check("prior", HasLatent)
def decode_undoes_encode(part: Any, case: Case) -> Figure:
    """decode(encode(x)) = x, and log |det| is one finite number per row."""
    x = case.image()
    z, log_det = part.encode(x)
    figure = looks_like(log_det, (case.batch,), x.dtype, "log |det| of encode")
    back = part.decode(z)
    looks_like(back, tuple(x.shape), x.dtype, "decode(z)")
    return figure | close(back, x, 1e-4, "decode(encode(x))")


@check("prior", HasLatent, once=True)
def log_det_is_that_of_the_jacobian(part: Any, case: Case) -> Figure:
    """The log |det| of encode is that of its Jacobian, written out for a small image."""
    figure = Figure(0.0, 1.0)
    for shape in dict.fromkeys((case.small, case.several)):
        x = case.image(batch=1, shape=shape)

        def flat(image: Tensor, shape: Shape = shape) -> Tensor:
            latent: Tensor = part.encode(image.reshape(1, *shape))[0]
            return latent.flatten()

        jacobian = torch.func.jacrev(flat)(x.flatten())
        expected = torch.linalg.slogdet(jacobian.double()).logabsdet
        what = f"log |det| of encode, of an image {shape},"
        figure |= close(part.encode(x)[1][0], expected, 1e-4, what)
    return figure


@check("prior", ScoresMeasurement)
def measurement_score_has_the_promised_form(part: Any, case: Case) -> Figure:
    """measurement_score(y) is a finite tensor of y's shape and type."""
    y = case.image()
    return looks_like(part.measurement_score(y), tuple(y.shape), y.dtype, "measurement_score(y)")


@check("prior", SamplesPosterior)
def posterior_samples_have_the_promised_form(part: Any, case: Case) -> Figure:
    """posterior_sample(y, t, generator) is a finite tensor of y's rows and type, at any t."""
    y, figure = case.image(), Figure(0.0, 1.0)
    for temperature in (1.0, 0.5, 0.0):
        x = part.posterior_sample(y, temperature, case.generator())
        holds(x.ndim > 1 and len(x) == len(y), f"{tuple(x.shape)} are not {len(y)} images")
        figure |= looks_like(x, tuple(x.shape), y.dtype, f"posterior_sample at {temperature}")
    return figure


@check("prior", SamplesPosterior)
def temperature_scales_what_is_random(part: Any, case: Case) -> Figure:
    """Two generators make other images at temperature 1, nearer ones at 1/4, the same at 0."""
    y = case.image()

    def apart(temperature: float) -> float:
        one, other = (
            part.posterior_sample(y, temperature, case.generator(name)) for name in ("a", "b")
        )
        return float((one - other).square().mean().sqrt())

    whole = apart(1.0)
    holds(whole > 1e-9, "two generators make one image at temperature 1; draw from generator")
    figure = below(apart(0.0), 1e-9, "how far two generators' images are apart at temperature 0")
    return figure | below(apart(0.25) / whole, 0.9, "the same at 1/4, over that at 1,")


@check("prior", MadeForLikelihood, once=True)
def refusals_are_in_words(part: Any, case: Case) -> Figure:
    """refusal(likelihood) is a text, empty or a reason, whatever it is asked about."""
    reason = part.refusal(object())
    return holds(isinstance(reason, str), f"refusal(likelihood) is {reason!r}, not a text")


@check("prior", HasDomain, once=True)
def levels_are_those_of_images(part: Any, case: Case) -> Figure:
    """The least level of domain() is one of images in [0, 1], not of 0..255.

    One above 0.5, where hardly anything is seen of an image, is a recommendation to look.
    """
    least = part.domain().sigma[0]
    said = (
        f"domain() says that it denoises from sigma={least:.4g} on, in the unit of images in "
        f"[0, 1]; if these are grey levels of 0..255, give Domain(sigma=({least:.4g} / 255, ...))"
    )
    holds(least <= LOUDEST, said)
    if least > NOISY:
        skip(f"{said}; recommended to look: weaker noise is denoised as if it were as strong")
    return below(least, NOISY, "the least level of domain()")


@check("prior", once=True)
def networks_are_at_rest(part: Any, case: Case) -> Figure:
    """No network in it, or in a function of its own, is in training mode where that matters."""
    for value in _held(part, {}):
        try:
            check_at_rest(value)
        except InputError as error:
            raise CheckFailure(str(error)) from None
    return Figure(0.0, 1.0)


def _held(value: Any, seen: dict[int, Any]) -> Iterator[object]:
    """A value, the fields of a frozen class, and what functions among them refer to."""
    if id(value) in seen:
        return
    seen[id(value)] = value
    yield value
    within: list[object] = []
    if isinstance(value, FunctionType):
        found = inspect.getclosurevars(value)
        within = [*found.nonlocals.values(), *found.globals.values()]
    elif attrs.has(type(value)):
        within = [getattr(value, field.name, None) for field in attrs.fields(type(value))]
    for one in within:
        yield from _held(one, seen)
