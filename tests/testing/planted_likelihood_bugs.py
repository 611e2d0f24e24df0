"""Likelihoods with one bug each."""

from __future__ import annotations

import math

import attrs
import torch
from small_parts import Gamma, Poisson, Square, planted, rows, without

from invprob.contracts import Proximal
from invprob.errors import InputError
from invprob.testing.reference import WhiteNoise

noise, gamma, counts = WhiteNoise(sigma=0.3), Gamma(), Poisson()
no_density = "log_prob"


def randn(x, generator):
    return torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)


def mutating_sample(self, x, generator, /):
    return x.add_(0.3 * randn(x, generator))


def double_prox(self, y, v, step, /):
    return WhiteNoise.prox(self, y, v, 2 * step)


def wrong_valley(self, y, v, step, /):
    return list(self.valleys(y, v, step))[1]


def nan_prox(self, y, v, step, /):
    return v.sqrt() ** 2 + 0 * WhiteNoise.prox(self, y, v, step)


def nan_density(self, y, x, /):
    constant = self.a * math.log(self.a) - math.lgamma(self.a)
    value = constant + (self.a - 1) * y.log() - self.a * (x.log() + y / x)
    return value.flatten(1).sum(1)


@attrs.frozen
class Closed(WhiteNoise):
    helper: object = attrs.field(factory=lambda: lambda z: z)


class Counting:
    calls = 0

    def grad_x(self, y, x, /):
        Counting.calls += 1
        return (y - x) / 0.09 * (1 + 1e-3 * Counting.calls)


def thin_spectrum(self, shape, /):
    return attrs.evolve(WhiteNoise.spectrum(self, shape), sd=torch.full(shape, 0.09).double())


def scaled_observation(self, shape, /):
    return attrs.evolve(WhiteNoise.spectrum(self, shape), observe=lambda y: 0.3 * y)


def skew_basis(self, shape, /):
    return attrs.evolve(WhiteNoise.spectrum(self, shape), v=lambda z: 1.01 * z)


def annealed(self, y, x, prior, sigma, /, *, gap_sign=-1, before=0.0, keep=1.0, pull=1.0):
    level = rows(sigma, x)
    gap = 0.09 + gap_sign * level**2
    late = keep * prior + pull * (y - x) / gap
    return torch.where(0.09 > level**2, late, (x - y) / (0.09 - level**2) + before * prior)


def annealed_with(**change):
    return planted(
        noise, annealed_score=lambda self, y, x, p, s, /: annealed(self, y, x, p, s, **change)
    )


HARD = torch.full((1,), 0.3, dtype=torch.float64)
SAMPLING = {
    "variance for deviation": (
        planted(noise, sample=lambda self, x, g, /: x + 0.09 * randn(x, g)),
        "log_prob_fits_the_measurements_of_a_pixel",
    ),
    "one noise for the whole batch": (
        planted(noise, sample=lambda self, x, g, /: x + 0.3 * randn(x[:1], g)),
        "measurements_of_a_batch_are_independent",
    ),
    "global random state": (
        planted(noise, sample=lambda self, x, g, /: x + 0.3 * torch.randn_like(x)),
        "measurements_depend_on_the_generator_alone",
    ),
    "the generator is not used up": (
        planted(
            noise,
            sample=lambda self, x, g, /: (
                x + 0.3 * randn(x, torch.Generator().manual_seed(g.initial_seed()))
            ),
        ),
        "measurements_depend_on_the_generator_alone",
    ),
    "float32 whatever comes": (
        planted(noise, sample=lambda self, x, g, /: x.float() + 0.3 * randn(x.float(), g)),
        "measurements_have_the_promised_form",
    ),
    "a channel lost": (
        planted(noise, sample=lambda self, x, g, /: (x + 0.3 * randn(x, g)).mean(1)),
        "measurements_have_the_promised_form",
    ),
    "refuses its own measurements": (
        planted(noise, check_measurement=lambda self, y, /: refuse()),
        "measurements_have_the_promised_form",
    ),
    "noise added in place": (planted(noise, sample=mutating_sample), "arguments_are_left_alone"),
}


def refuse():
    raise InputError("y is not what I like")


DENSITY = {
    "mean for sum": (
        planted(
            noise, log_prob=lambda self, y, x, /: WhiteNoise.log_prob(self, y, x) / y[0].numel()
        ),
        "log_prob_fits_the_measurements_of_an_image",
    ),
    "no 2 pi": (
        planted(
            noise,
            log_prob=lambda self, y, x, /: (
                WhiteNoise.log_prob(self, y, x) + y[0].numel() * math.log(2 * math.pi) / 2
            ),
        ),
        "log_prob_fits_the_measurements_of_a_pixel",
    ),
    "no log sigma": (
        planted(
            noise,
            log_prob=lambda self, y, x, /: (
                WhiteNoise.log_prob(self, y, x) + y[0].numel() * math.log(0.3)
            ),
        ),
        "log_prob_fits_the_measurements_of_a_pixel",
    ),
    "the constant once per image": (
        planted(
            noise,
            log_prob=lambda self, y, x, /: (
                WhiteNoise.log_prob(self, y, x)
                + (y[0].numel() - 1) * math.log(0.3 * math.sqrt(2 * math.pi))
            ),
        ),
        "log_prob_fits_the_measurements_of_an_image",
    ),
    "sum over the batch too": (
        planted(noise, log_prob=lambda self, y, x, /: WhiteNoise.log_prob(self, y, x).sum()),
        "log_prob_is_finite_on_measurements",
    ),
    "arguments swapped": (
        planted(gamma, log_prob=lambda self, y, x, /: Gamma.log_prob(self, x, y)),
        "log_prob_fits_the_measurements_of_a_pixel",
    ),
    "a factor x forgotten": (
        planted(
            gamma,
            log_prob=lambda self, y, x, /: Gamma.log_prob(self, y, x) + x.log().flatten(1).sum(1),
        ),
        "log_prob_fits_the_measurements_of_a_pixel",
    ),
    "factorial off by one": (
        planted(
            counts,
            log_prob=lambda self, y, x, /: (
                Poisson.log_prob(self, y, x) + (20 * y + 1).clamp_min(1).log().flatten(1).sum(1)
            ),
        ),
        "log_prob_fits_the_measurements_of_a_pixel",
    ),
    "a density where counts have probabilities": (
        planted(
            counts,
            log_prob=lambda self, y, x, /: (
                Poisson.log_prob(self, y, x) + y[0].numel() * math.log(20)
            ),
        ),
        "log_prob_fits_the_measurements_of_an_image",
    ),
    "counts must be exact numbers": (
        planted(
            counts,
            log_prob=lambda self, y, x, /: torch.where(
                (20 * y.double() == (20 * y.double()).round()).flatten(1).all(1),
                Poisson.log_prob(self, y, x),
                -torch.inf,
            ),
        ),
        "single_precision_agrees_with_double",
    ),
    "log of a negative measurement": (
        planted(gamma, log_prob=nan_density),
        "strange_measurements_are_refused_or_harmless",
    ),
    "log of a negative pixel": (
        planted(gamma, log_prob=nan_density),
        "extreme_images_give_no_nan",
    ),
}
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
VALUES = {
    "a float64 constant": (
        planted(noise, grad_x=lambda self, y, x, /: (y - x) / HARD**2),
        "single_precision_agrees_with_double",
    ),
    "a constant on the CPU": (
        planted(noise, grad_x=lambda self, y, x, /: (y - x) / HARD.to(x.dtype) ** 2),
        "constants_follow_the_device",
    ),
    "a part that remembers": (planted(noise, grad_x=Counting.grad_x), "the_same_again"),
    "a closure inside": (Closed(), "survives_pickling"),
    "a tensor in repr": (
        planted(noise, __repr__=lambda self: f"WhiteNoise({HARD})"),
        "repr_is_short",
    ),
    "someone else's repr": (planted(noise, __repr__=lambda self: "noise"), "repr_is_short"),
    "withdrawn without a word": (
        planted(noise, withdrawn=lambda self: {Proximal: ""}),
        "withdrawals_have_reasons",
    ),
    "withdraws what it never had": (
        planted(counts, withdrawn=lambda self: {Proximal: "counts have no prox"}),
        "withdrawals_have_reasons",
    ),
}
BUGS = SAMPLING | DENSITY | GRADIENTS | IMAGES | LINEAR | VALUES
