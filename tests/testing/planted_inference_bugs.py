"""Likelihoods with one bug each: in gradients, in what they infer, in their spectrum."""

from __future__ import annotations

import attrs
import torch
from planted_density_bugs import gamma, noise, randn
from small_parts import Gamma, Square, planted, rows, without

from invprob.testing.reference import WhiteNoise

no_density = "log_prob"


def double_prox(self, y, v, step, /):
    return WhiteNoise.prox(self, y, v, 2 * step)


def wrong_valley(self, y, v, step, /):
    return list(self.valleys(y, v, step))[1]


def nan_prox(self, y, v, step, /):
    return v.sqrt() ** 2 + 0 * WhiteNoise.prox(self, y, v, step)


def rejecting(self, y, v, rho, g, /):
    x, width = v.clone(), rows(rho, v).expand_as(v)
    left = torch.ones_like(v, dtype=torch.bool)
    while bool(left.any()):
        tried = v[left] + width[left] * randn(v[left], g)
        likely = (-((y[left] - tried) ** 2) / 0.18).exp()
        kept = torch.rand(tried.shape, generator=g, dtype=v.dtype) < likely
        x[left] = torch.where(kept, tried, x[left])
        left[left.clone()] = ~kept
    return x


def thin_spectrum(self, shape, /):
    return attrs.evolve(WhiteNoise.spectrum(self, shape), sd=torch.full(shape, 0.09).double())


def scaled_observation(self, shape, /):
    return attrs.evolve(WhiteNoise.spectrum(self, shape), observe=lambda y: 0.3 * y)


def skew_basis(self, shape, /):
    return attrs.evolve(WhiteNoise.spectrum(self, shape), v=lambda z: 1.01 * z)


def surrogate_with(**change):
    return planted(
        noise,
        surrogate=lambda self, y, x, s, /: attrs.evolve(
            WhiteNoise.surrogate(self, y, x, s), **{n: f(x, y) for n, f in change.items()}
        ),
    )


def linearised_with(**change):
    return planted(
        noise,
        linearised=lambda self, y, x, s, /: attrs.evolve(
            WhiteNoise.linearised(self, y, x, s), **{n: f(x, y) for n, f in change.items()}
        ),
    )


def annealed(self, y, x, prior, sigma, /, *, gap_sign=-1, before=0.0, keep=1.0, pull=1.0):
    level = rows(sigma, x)
    gap = 0.09 + gap_sign * level**2
    late = keep * prior + pull * (y - x) / gap
    return torch.where(0.09 > level**2, late, (x - y) / (0.09 - level**2) + before * prior)


def annealed_with(**change):
    return planted(
        noise, annealed_score=lambda self, y, x, p, s, /: annealed(self, y, x, p, s, **change)
    )


GRADIENTS = {
    "sign of grad_x": (
        planted(noise, grad_x=lambda self, y, x, /: (x - y) / 0.09),
        "grad_x_is_the_gradient_of_log_prob",
    ),
    "sigma for sigma squared": (
        without(planted(noise, grad_x=lambda self, y, x, /: (y - x) / 0.3), no_density),
        "grad_x_obeys_the_information_identity",
    ),
    "factor two, no density to compare": (
        without(
            planted(gamma, grad_x=lambda self, y, x, /: 2 * Gamma.grad_x(self, y, x)), no_density
        ),
        "grad_x_obeys_the_information_identity",
    ),
    "the second term forgotten": (
        without(planted(gamma, grad_x=lambda self, y, x, /: self.a * y / x**2), no_density),
        "grad_x_has_mean_zero",
    ),
    "sign of score_y": (
        planted(noise, score_y=lambda self, y, x, /: (y - x) / 0.09),
        "score_y_is_the_gradient_of_log_prob",
    ),
    "a for a - 1": (
        planted(gamma, score_y=lambda self, y, x, /: self.a / y - self.a / x),
        "score_y_is_the_gradient_of_log_prob",
    ),
    "a for a - 1, no density to compare": (
        without(planted(gamma, score_y=lambda self, y, x, /: self.a / y - self.a / x), no_density),
        "score_y_obeys_stein",
    ),
    "half the score, no density to compare": (
        without(planted(noise, score_y=lambda self, y, x, /: (x - y) / 0.18), no_density),
        "score_y_obeys_stein",
    ),
    "NaN at every other measurement": (
        without(
            planted(noise, score_y=lambda self, y, x, /: (x - y) / (0.09 * (y < x) / (y < x))),
            no_density,
        ),
        "score_y_obeys_stein",
    ),
    "score_y of one number": (
        planted(noise, score_y=lambda self, y, x, /: ((x - y) / 0.09).sum(1)),
        "score_y_is_finite",
    ),
}
IMAGES = {
    "inverted step": (
        planted(noise, prox=lambda self, y, v, step, /: WhiteNoise.prox(self, y, v, 1 / step)),
        "prox_can_not_be_improved",
    ),
    "no half in the prox": (planted(noise, prox=double_prox), "prox_can_not_be_improved"),
    "no half in the prox, no density to compare": (
        without(planted(noise, prox=double_prox), no_density),
        "prox_has_the_gradient",
    ),
    "prox in the wrong valley": (
        planted(Square(), prox=wrong_valley),
        "prox_is_the_global_minimum_for_a_pixel",
    ),
    "projection for prox": (
        planted(noise, prox=lambda self, y, v, step, /: y.clone()),
        "prox_of_a_tiny_step_stays",
    ),
    "one step for all rows": (
        planted(noise, prox=lambda self, y, v, step, /: WhiteNoise.prox(self, y, v, step.mean())),
        "rows_do_not_mix",
    ),
    "prox of a negative pixel": (planted(noise, prox=nan_prox), "extreme_images_give_no_nan"),
    "a step must have rows": (
        planted(noise, prox=lambda self, y, v, step, /: WhiteNoise.prox(self, y, v, step[:])),
        "one_level_serves_all_rows",
    ),
    "sign of s": (
        planted(noise, match_score=lambda self, y, s, x, /: y - 0.09 * s),
        "match_score_solves_the_score_equation",
    ),
    "sigma for sigma squared in s": (
        planted(noise, match_score=lambda self, y, s, x, /: y + 0.3 * s),
        "match_score_solves_the_score_equation",
    ),
    "a sweep that drifts": (
        planted(noise, match_score=lambda self, y, s, x, /: (x + y + 0.09 * s) / 2 + 1e-3),
        "match_score_stays_a_solution",
    ),
    "the posterior's variance for its deviation": (
        planted(
            noise,
            sample_given=lambda self, y, v, rho, g, /: (
                self.prox(y, v, rho**2) + randn(v, g) / (1 / 0.09 + 1 / rows(rho, v) ** 2)
            ),
        ),
        "posterior_draws_of_a_pixel_fit_log_prob",
    ),
    "the posterior's mean for a draw": (
        planted(noise, sample_given=lambda self, y, v, rho, g, /: self.prox(y, v, rho**2)),
        "posterior_draws_of_a_pixel_fit_log_prob",
    ),
    "draws ignore y": (
        without(
            planted(
                noise,
                sample_given=lambda self, y, v, rho, g, /: v + rows(rho, v) * randn(v, g),
            ),
            no_density,
        ),
        "posterior_draws_of_an_image_obey_stein",
    ),
    "draws by rejection": (
        planted(noise, sample_given=rejecting),
        "posterior_draws_follow_v_and_rho",
    ),
    "draws from the likelihood": (
        planted(noise, sample_given=lambda self, y, v, rho, g, /: y + 0.3 * randn(v, g)),
        "posterior_draws_have_the_promised_form",
    ),
}
LINEAR = {
    "variance for sd": (
        planted(noise, spectrum=thin_spectrum),
        "pseudo_observations_have_their_spread",
    ),
    "y / s forgotten": (
        planted(noise, spectrum=scaled_observation),
        "spectrum_gives_the_likelihood",
    ),
    "a basis that is not orthogonal": (
        planted(noise, spectrum=skew_basis),
        "spectral_basis_is_orthogonal",
    ),
    "a surrogate with one sd for all": (
        surrogate_with(sd=lambda x, y: torch.tensor(0.3)),
        "a_surrogate_is_a_gaussian",
    ),
    "a surrogate that stays where it is": (
        surrogate_with(w=lambda x, y: x),
        "a_surrogate_has_the_gradient",
    ),
    "a surrogate of half the deviation": (
        surrogate_with(w=lambda x, y: x + (y - x) / 4, sd=lambda x, y: torch.full_like(x, 0.15)),
        "a_surrogate_is_as_sharp_as_the_likelihood",
    ),
    "a linear measurement with another adjoint": (
        linearised_with(adjoint=lambda x, y: lambda r: r.flip(-1)),
        "a_linearised_measurement_is_linear",
    ),
    "a linear measurement of the image itself": (
        linearised_with(w=lambda x, y: x),
        "a_linearised_measurement_has_the_gradient",
    ),
    "a linear measurement of half the deviation": (
        linearised_with(w=lambda x, y: x + (y - x) / 4, sd=lambda x, y: torch.full_like(x, 0.15)),
        "a_linearised_measurement_is_as_sharp_as_the_likelihood",
    ),
    "a preconditioner that is not symmetric": (
        linearised_with(inverse=lambda x, y: lambda rate: lambda d: d + 0.1 * d.roll(1, -1)),
        "a_preconditioner_is_symmetric_and_positive",
    ),
    "evened to half the deviation": (
        planted(
            noise,
            stabilise=lambda self, y, /: attrs.evolve(WhiteNoise.stabilise(self, y), sd=0.15),
        ),
        "stabilised_noise_is_as_strong_everywhere",
    ),
    "evened, and no way back": (
        planted(
            noise,
            stabilise=lambda self, y, /: attrs.evolve(WhiteNoise.stabilise(self, y), value=2 * y),
        ),
        "stabilised_noise_is_as_strong_everywhere",
    ),
    "noise added, not carved out": (
        annealed_with(gap_sign=+1),
        "annealed_score_is_exact_while_noise_is_smaller",
    ),
    "no prior while noise is small": (
        annealed_with(keep=0.0),
        "annealed_score_ends_at_the_posterior",
    ),
    "pull away from y": (annealed_with(pull=-1.0), "annealed_score_ends_at_the_posterior"),
    "divides by zero where levels meet": (
        annealed_with(),
        "annealed_score_is_finite_where_levels_meet",
    ),
    "the prior twice where y decides": (
        annealed_with(before=1.0),
        "annealed_score_is_exact_where_noise_is_larger",
    ),
}
BUGS = GRADIENTS | IMAGES | LINEAR
