"""What a sampler that comes down from noise begins with: the prior's centre and size, and levels.

A diffusion starts at so much noise that the prior is forgotten: ten times the prior's radius, the
root of E ‖x - mean‖², around the prior's mean. An uncentred start keeps its error to the end. A
prior that knows its mean and radius says so (`HasMoments`). Otherwise images
live in [0, 1]: the mean is grey, and the radius about 0.15 sqrt(d), the deviation of the pixels of
a photograph around their common mean.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

from attrs import frozen
from torch import Tensor

from ..compatibility import lacks
from ..contracts import HasMoments, LocallyGaussian, Spectral, Spectrum, Surrogate
from ..counts import real
from ..errors import InputError
from ..problem import Problem, domain_of

P = TypeVar("P")

GREY = 0.5
DEVIATION = 0.15
NEARER = 3.0
APART = 1 - 1e-6
"""Levels whose ratio is closer to 1 are one: `sd` is in y's precision."""


def centre(problem: Problem[Any, Any], x0: Tensor | None) -> Tensor:
    """Images around which to start, `(B, *image)`: x0, the prior's mean, or grey."""
    if x0 is not None:
        return x0
    if isinstance(problem.prior, HasMoments):
        return problem.zeros() + problem.prior.moments()[0].to(problem.y)
    return problem.zeros() + GREY


def linear(problem: Problem[P, Any]) -> Problem[P, Spectral] | None:
    """The same problem, if its noise is Gaussian and its measurement linear."""
    return None if lacks(problem.likelihood, Spectral) else problem


def near(problem: Problem[Any, Spectral | LocallyGaussian], x: Tensor, sigma: float) -> Surrogate:
    """What y says of images within about sigma of x: exactly, or by the likelihood's surrogate."""
    if exact := linear(problem):
        found = spectrum(exact)
        return Surrogate(found.observe(problem.y), found.sd, found.v, found.vt)
    likelihood: Any = problem.likelihood
    surrogate: Surrogate = likelihood.surrogate(problem.y, x, x.new_tensor(sigma))
    return surrogate


@frozen
class Range:
    """Noise levels, of a measurement and of what a prior can denoise.

    Attributes:
        least: of the coordinate that was measured best, not below `low`.
        greatest: of the one that was measured worst; inf where one was not measured at all.
        low: the lowest that the prior can denoise.
        high: the highest that the prior can denoise.
    """

    least: float
    greatest: float
    low: float
    high: float


def noise_range(problem: Problem[Any, Spectral | LocallyGaussian]) -> Range:
    """The noise levels of a problem.

    Of noise that is not Gaussian, they are those of its surrogate around the mean image, less a
    tenth of the coordinates that were measured at either end, and the least is divided by 3:
    within that distance the surrogate and the likelihood are nearly the same. The deviation of the
    pixels lies between, since noise that tells little of a coordinate may yet say where it can't
    be. Of several measurements the least and the greatest are taken: all go through the same
    levels.

    Raises:
        InputError: nothing was measured, or all is noisier than the prior can denoise.
    """
    low, high = domain_of(problem.prior).sigma
    sd = near(problem, centre(problem, None), deviation(problem)).sd
    least, greatest = (float(value) for value in sd.aminmax())
    if not linear(problem):
        rows, most = sd.flatten(1), deviation(problem)
        tenth = int(rows.isfinite().sum(1).min()) // 10
        if math.isfinite(least):
            least = min(float(rows.kthvalue(1 + tenth).values.min()), most) / NEARER
        if math.isfinite(greatest):
            greatest = max(float(rows.kthvalue(rows.shape[1] - tenth).values.max()), most)
    if math.isinf(least):
        raise InputError(
            f"nothing was measured: {problem.likelihood!r} sees no coordinate of the image; to "
            "draw from the prior take Unobserved() and PriorSampling()"
        )
    check_known(problem, least)
    return Range(max(least, low), max(greatest, low), low, high)


def check_known(problem: Problem[Any, Any], least: float) -> None:
    """Raise `InputError` if even the least noise of the data is more than the prior denoises."""
    high = domain_of(problem.prior).sigma[1]
    if least > high:
        raise InputError(
            f"the least noise of this measurement is {least:.4g} (in units of the image, whose "
            f"range is [0, 1]), but {problem.prior!r} denoises only up to {high:.4g}; is y scaled "
            "to [0, 1], and sigma with it?"
        )


def first_level(problem: Problem[Any, Any], noise: Range, sigma_max: float | None) -> float:
    """The noise level to start at.

    Where every coordinate was measured, that is the noisiest one's: there the measurement is
    itself a sample of the noisy image. Otherwise sigma_max; by default ten times the prior's
    radius, or the most that the prior can denoise.

    Raises:
        InputError: sigma_max is needed, and more than the prior can denoise; or it is less than
            the least noise, where levels end.
    """
    if sigma_max is None:
        return max(min(10 * radius(problem), noise.high, noise.greatest), noise.least)
    if min(sigma_max, noise.greatest) > noise.high:
        raise InputError(
            f"sigma_max={sigma_max:.4g}, but {problem.prior!r} denoises only up to "
            f"{noise.high:.4g}; leave it out to start there: "
            "attrs.evolve(solver, sigma_max=None)"
        )
    if sigma_max < noise.least * APART:
        raise InputError(
            f"sigma_max={sigma_max:.4g}, but no noise level is below {noise.least:.4g}, "
            f"{_bound(noise)}; leave it out, or give more than that"
        )
    return max(min(sigma_max, noise.greatest), noise.least)


def last_level(
    problem: Problem[Any, Any], noise: Range, first: float, sigma_min: float | None, usual: float
) -> float:
    """The noise level to end at: sigma_min, or the usual one, or a quarter of the first.

    What is left of noise at a share r of the data's takes r² of a sample's variance away.

    Raises:
        InputError: sigma_min is less than the prior can denoise, or the last level is not below
            the first one, and samples would be all equal.
    """
    if sigma_min is not None and sigma_min < noise.low:
        raise InputError(
            f"sigma_min={sigma_min:.4g}, but {problem.prior!r} denoises from {noise.low:.4g} on; "
            f"leave it out, or give {noise.low:.4g} or more"
        )
    last = max(min(usual, first / 4) if sigma_min is None else sigma_min, noise.low)
    if last < first * APART:
        return last
    if last > noise.low:
        raise InputError(
            f"sigma_min={last:.4g}, but the noise levels fall from {first:.4g}, where the data "
            "begin: leave sigma_min out, or give less than a third of that"
        )
    where = "the data's noise" if noise.greatest * APART <= noise.low else "the level to start at"
    raise InputError(
        f"{where} is not above {noise.low:.4g}, the least level that {problem.prior!r} denoises: "
        "there is no level between to sample at; take PnP() for an estimate",
        typed="-s pnp, without --samples",
    )


def _bound(noise: Range) -> str:
    """What the least level of a run is."""
    if noise.least > noise.low:
        return "the least noise of the data"
    return "the least that the prior can denoise"


def check_reach(problem: Problem[Any, Any], sigma_max: float | None) -> None:
    """Raise `InputError` if noise of this level can't take a grey image to a likely one.

    That is where a coordinate was not measured, or noisier, and the level below the deviation of a
    pixel: what it begins as is what it stays.
    """
    if sigma_max is None or sigma_max >= deviation(problem):
        return
    if noise_range(problem).greatest > sigma_max:
        raise InputError(
            f"sigma_max={sigma_max:.4g} is less than pixels vary by, {deviation(problem):.4g}; "
            "what was not measured would stay as grey as it begins; leave it out, or give x0 to "
            "start near an image"
        )


@frozen(eq=False)
class DiffusionState:
    """A run of a method that brings noisy images from level to level, between two calls.

    Attributes:
        x: the noisy images, `(B, *image)`.
        denoised: what the last call said, `(B, *image)`.
        sigma: the noise level of x.
        calls: how many are done.
    """

    x: Tensor
    denoised: Tensor
    sigma: float
    calls: int


def check_levels(sigma_min: float | None, sigma_max: float | None) -> None:
    """Raise `InputError` unless 0 < sigma_min < sigma_max, where they are not left out."""
    if sigma_min is not None and not 0 < real(sigma_min, "sigma_min") < math.inf:
        raise InputError(f"sigma_min={sigma_min}; it must be > 0, for example 0.005")
    check_highest(sigma_max)
    if sigma_min is not None and sigma_max is not None and not sigma_min < sigma_max:
        raise InputError(
            f"sigma_max={sigma_max}; it must be finite and larger than sigma_min={sigma_min}"
        )


def check_highest(sigma_max: float | None) -> None:
    """Raise `InputError` unless sigma_max is a positive number or left out."""
    if sigma_max is not None and not 0 < real(sigma_max, "sigma_max") < math.inf:
        raise InputError(f"sigma_max={sigma_max}; it must be positive and finite, or left out")


def check_share(kappa: float | None) -> None:
    """Raise `InputError` unless kappa is a share below 1 or left out."""
    if kappa is not None and not 0 <= real(kappa, "kappa", "one in [0, 1)") < 1:
        raise InputError(
            f"kappa={kappa}; a restart, or a sweep, goes down to a share of the next level: 0 "
            "(all the way), or for example 0.7"
        )


def radius(problem: Problem[Any, Any]) -> float:
    """The root of E ‖x - mean‖² under the prior."""
    if isinstance(problem.prior, HasMoments):
        return problem.prior.moments()[1]
    return DEVIATION * math.sqrt(math.prod(problem.image_shape))


def deviation(problem: Problem[Any, Any]) -> float:
    """The standard deviation of a pixel under the prior, from its radius."""
    return radius(problem) / math.sqrt(math.prod(problem.image_shape))


def spectrum(problem: Problem[Any, Spectral]) -> Spectrum:
    """The likelihood's spectrum, with `sd` in y's dtype and on its device."""
    found = problem.likelihood.spectrum(problem.image_shape)
    return Spectrum(found.sd.to(problem.y), found.v, found.vt, found.observe)
