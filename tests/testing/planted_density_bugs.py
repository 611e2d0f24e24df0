"""Likelihoods with one bug each: in drawing, in the density, in being a value."""

from __future__ import annotations

import math

import attrs
import torch
from small_parts import Gamma, Poisson, planted

from invprob.contracts import Proximal
from invprob.errors import InputError
from invprob.testing.reference import WhiteNoise

noise, gamma, counts = WhiteNoise(sigma=0.3), Gamma(), Poisson()


def randn(x, generator):
    return torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)


def mutating_sample(self, x, generator, /):
    return x.add_(0.3 * randn(x, generator))


def nan_density(self, y, x, /):
    constant = self.a * math.log(self.a) - math.lgamma(self.a)
    value = constant + (self.a - 1) * y.log() - self.a * (x.log() + y / x)
    return value.flatten(1).sum(1)


@attrs.frozen
class Forgetful(WhiteNoise):
    def __reduce__(self):
        return Forgetful, ()


class Counting:
    calls = 0

    def grad_x(self, y, x, /):
        Counting.calls += 1
        return (y - x) / 0.09 * (1 + 1e-3 * Counting.calls)


def refuse():
    raise InputError("y is not what I like")


HARD = torch.full((1,), 0.3, dtype=torch.float64)
SAMPLING = {
    "variance for deviation": (
        planted(noise, sample=lambda self, x, g, /: x + 0.09 * randn(x, g)),
        "log_prob_fits_the_measurements_of_a_pixel",
    ),
    "noise that is two per cent too wide": (
        planted(noise, sample=lambda self, x, g, /: x + 0.306 * randn(x, g)),
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
    "an image clamped in place": (
        planted(noise, sample=lambda self, x, g, /: WhiteNoise.sample(self, x.clamp_(0, 1), g)),
        "arguments_are_left_alone",
    ),
    "dark pixels clamped in place": (
        planted(noise, sample=lambda self, x, g, /: WhiteNoise.sample(self, x.clamp_(0.15), g)),
        "arguments_are_left_alone",
    ),
    "a measurement clamped in place": (
        planted(noise, grad_x=lambda self, y, x, /: (y.clamp_(-5, 5) - x) / 0.09),
        "arguments_are_left_alone",
    ),
}
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
    "a log_density without its constant": (
        planted(noise, log_density=lambda self, y, x, /: -((y - x) ** 2) / 0.18),
        "log_density_adds_up_to_log_prob",
    ),
    "a log_density that is spread over the pixels": (
        planted(
            noise,
            log_density=lambda self, y, x, /: (
                (WhiteNoise.log_prob(self, y, x) / y[0].numel())
                .reshape(-1, *[1] * (y.ndim - 1))
                .expand(y.shape)
            ),
        ),
        "log_density_adds_up_to_log_prob",
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
    "a copy without its fields": (Forgetful(sigma=0.2), "survives_pickling"),
    "a tensor in repr": (
        planted(noise, __repr__=lambda self: f"WhiteNoise({HARD})"),
        "repr_is_short",
    ),
    "someone else's repr": (planted(noise, __repr__=lambda self: "noise"), "repr_is_short"),
    "withdrawn without a word": (
        planted(noise, withdrawn=lambda self: {Proximal: ""}),
        "withdrawals_have_reasons",
    ),
    "withdraws a word": (
        planted(counts, withdrawn=lambda self: {"Proximal": "counts have no prox"}),
        "withdrawals_have_reasons",
    ),
}
BUGS = SAMPLING | DENSITY | VALUES
