"""Likelihoods with a bug that a single statement of a check finds, and in which words."""

from __future__ import annotations

import itertools
import math

import attrs
import torch
from planted_operator_bugs import mask
from small_parts import Gamma, planted

from invprob.contracts import Stabilised
from invprob.errors import InputError
from invprob.likelihoods.gaussian import Gaussian
from invprob.testing.reference import WhiteNoise

noise = WhiteNoise()
masked = Gaussian(0.2, operator=mask)
calls = itertools.count()


def answer(part, method, **change):
    """The part with fields of one method's answer replaced, by functions of the exact one."""

    def changed(self, *given):
        exact = getattr(part, method)(*given)
        return attrs.evolve(exact, **{name: make(exact) for name, make in change.items()})

    return planted(part, **{method: changed})


def noisy(change):
    """White noise whose normal numbers are changed."""

    def sample(self, x, generator, /):
        return x + self.sigma * change(torch.randn(x.shape, generator=generator, dtype=x.dtype))

    return planted(noise, sample=sample)


def pairs(n):
    return n[: (len(n) + 1) // 2].repeat_interleave(2, 0)[: len(n)]


def counted(self, x, generator, /):
    return WhiteNoise.sample(noise, x, generator) + 1e-3 * next(calls)


def global_state(self, x, generator, /):
    torch.rand(1)
    return WhiteNoise.sample(noise, x, generator)


def refusing(self, y, /):
    raise InputError("never")


def spread(self, y, /):
    return Stabilised(0 * y, 0.3, lambda value: value)


def brighter(self, y, /):
    return Stabilised(y, 0.3, lambda value: 1.1 * value)


BUGS = {
    "a gradient of nearly the same noise": (
        planted(noise, grad_x=lambda self, y, x, /: (y - x) / 0.09 * (1 + 1e-6)),
        "grad_x_is_the_gradient_of_log_prob",
        "against autograd",
    ),
    "observations where there are none": (
        answer(masked, "spectrum", observe=lambda exact: lambda y: exact.observe(y) + 0.1),
        "spectrum_gives_the_likelihood",
        r"observe\(y\) where sd is inf",
    ),
    "negative deviations": (
        answer(noise, "spectrum", sd=lambda exact: -exact.sd),
        "spectrum_gives_the_likelihood",
        "sd is not positive",
    ),
    "noise that neighbours share": (
        noisy(lambda n: (n + n.flatten(1).roll(1, 1).reshape(n.shape)) / math.sqrt(2)),
        "pseudo_observations_have_their_spread",
        "the correlation of coordinates",
    ),
    "a surrogate twice as wide": (
        answer(noise, "surrogate", sd=lambda exact: 2 * exact.sd),
        "a_surrogate_is_as_sharp_as_the_likelihood",
        "the surrogate's curvature",
    ),
    "a surrogate half as wide": (
        answer(noise, "surrogate", sd=lambda exact: exact.sd / 2),
        "a_surrogate_is_as_sharp_as_the_likelihood",
        "the surrogate's curvature",
    ),
    "a linear measurement twice as wide": (
        answer(noise, "linearised", sd=lambda exact: 2 * exact.sd),
        "a_linearised_measurement_is_as_sharp_as_the_likelihood",
        "its curvature",
    ),
    "a linear measurement half as wide": (
        answer(noise, "linearised", sd=lambda exact: exact.sd / 2),
        "a_linearised_measurement_is_as_sharp_as_the_likelihood",
        "its curvature",
    ),
    "a linear measurement of negative deviation": (
        answer(noise, "linearised", sd=lambda exact: -exact.sd),
        "a_linearised_measurement_is_linear",
        "sd is not positive",
    ),
    "a measurement that is not linear": (
        answer(noise, "linearised", forward=lambda exact: lambda x: x + 0.1),
        "a_linearised_measurement_is_linear",
        r"H \(a - 2 b\)",
    ),
    "a preconditioner that turns back": (
        answer(noise, "linearised", inverse=lambda exact: lambda rate: lambda d: -d),
        "a_preconditioner_is_symmetric_and_positive",
        "is not positive",
    ),
    "a prox that is impossible": (
        planted(Gamma(), prox=lambda self, y, v, step, /: -v),
        "prox_can_not_be_improved",
        "the likelihood of prox's answer is 0",
    ),
    "a stabilised measurement of one number": (
        planted(noise, stabilise=spread),
        "stabilised_noise_is_as_strong_everywhere",
        "never varies",
    ),
    "a way back that is too bright": (
        planted(noise, stabilise=brighter),
        "stabilised_noise_is_as_strong_everywhere",
        "the inverse of its mean",
    ),
    "a sample that moves the global state": (
        planted(noise, sample=global_state),
        "measurements_depend_on_the_generator_alone",
        "global random state",
    ),
    "a sample that counts its calls": (
        planted(noise, sample=counted),
        "measurements_depend_on_the_generator_alone",
        "drew something else",
    ),
    "the same noise in pairs of rows": (
        noisy(pairs),
        "measurements_of_a_batch_are_independent",
        "the correlation of neighbouring rows",
    ),
    "the same noise in all rows": (
        noisy(lambda n: n[:1].expand_as(n)),
        "measurements_of_a_batch_are_independent",
        "all rows of a batch have the very same noise",
    ),
    "a density without a bound": (
        planted(
            noise,
            log_prob=lambda self, y, x, /: torch.where(
                (y > 50).flatten(1).any(1), torch.inf, WhiteNoise.log_prob(noise, y, x)
            ),
        ),
        "strange_measurements_are_refused_or_harmless",
        "is [+]inf",
    ),
    "a measurement of its own refused": (
        planted(noise, check_measurement=refusing),
        "measurements_have_the_promised_form",
        "never",
    ),
    "an answer on another device": (
        planted(noise, grad_x=lambda self, y, x, /: torch.zeros(x.shape, dtype=x.dtype)),
        "constants_follow_the_device",
        "answers on cpu, not where it was asked",
    ),
    "a repr as long as a page": (
        planted(noise, __repr__=lambda self: "WhiteNoise(" + 300 * "3" + ")"),
        "repr_is_short",
        "repr has 312 characters",
    ),
}
