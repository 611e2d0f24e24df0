"""Priors with one bug each."""

from __future__ import annotations

import attrs
import torch
from small_parts import planted, rows
from torch import nn
from torch.nn.functional import avg_pool2d

from invprob.contracts import Domain
from invprob.priors.denoiser import DenoiserPrior
from invprob.testing.reference import GaussianImages

images = GaussianImages()
DROPOUT = nn.Dropout(0.5)


@attrs.frozen
class Windows:
    """A mean over 3 x 3 pixels, weighed by sigma, that knows no images to draw."""

    blind: bool = False

    def denoise(self, x, s, /):
        mean = avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return mean if self.blind else x + rows(s.clamp(max=0.5), x) * 2 * (mean - x)


def denoise_with(change):
    return planted(images, denoise=change)


def sampling(change):
    return planted(images, posterior_sample=change)


draw = GaussianImages.posterior_sample

BUGS = {
    "sigma for sigma squared": (
        denoise_with(lambda self, x, s, /: x + rows(s, x) * self.score(x, s)),
        "score_and_denoiser_obey_tweedie",
    ),
    "half the shrinkage": (
        denoise_with(lambda self, x, s, /: x + rows(s, x) ** 2 * self.score(x, s) / 2),
        "denoiser_leaves_no_explainable_error",
    ),
    "a denoiser for rounder images": (
        denoise_with(lambda self, x, s, /: GaussianImages(deviation=0.2).denoise(x, s)),
        "denoiser_leaves_no_explainable_error",
    ),
    "the first sigma for all": (
        denoise_with(lambda self, x, s, /: GaussianImages.denoise(images, x, s.reshape(-1)[0])),
        "rows_do_not_mix",
    ),
    "blur however little the noise": (
        denoise_with(lambda self, x, s, /: (x + x.roll(1, -1)) / 2),
        "little_noise_is_little_change",
    ),
    "clamped in place": (
        denoise_with(lambda self, x, s, /: GaussianImages.denoise(self, x.clamp_(0, 1), s)),
        "arguments_are_left_alone",
    ),
    "always as for 0.1": (
        denoise_with(lambda self, x, s, /: GaussianImages.denoise(self, x, 0 * s + 0.1)),
        "little_noise_is_little_change",
    ),
    "a little too bright": (
        denoise_with(lambda self, x, s, /: GaussianImages.denoise(self, x, s) + 0.05),
        "little_noise_is_little_change",
    ),
    "the noisy image itself": (
        planted(Windows(), denoise=lambda self, x, s, /: x),
        "noise_is_taken_away",
    ),
    "noise twice": (
        planted(Windows(), denoise=lambda self, x, s, /: 2 * x - Windows.denoise(self, x, s)),
        "noise_is_taken_away",
    ),
    "channels squeezed": (
        denoise_with(lambda self, x, s, /: GaussianImages.denoise(images, x, s).flatten(1)),
        "denoised_images_have_the_promised_form",
    ),
    "the score of clean images": (
        planted(images, score=lambda self, x, s, /: (self.mean - x) / self.deviation**2),
        "smoothed_score_fits_noisy_images",
    ),
    "sign of the score": (
        planted(images, score=lambda self, x, s, /: (x - self.mean) / self.deviation**2),
        "score_without_noise_is_the_gradient",
    ),
    "a float32 score": (
        planted(images, score=lambda self, x, s, /: GaussianImages.score(images, x, s).float()),
        "score_has_the_promised_form",
    ),
    "the density's constant": (
        planted(images, log_prob=lambda self, x, /: -((x - 0.5) ** 2 / 0.045).flatten(1).sum(1)),
        "log_prob_fits_the_images",
    ),
    "one number for the batch": (
        planted(images, log_prob=lambda self, x, /: GaussianImages.log_prob(images, x)[:1]),
        "log_prob_of_images_has_the_promised_form",
    ),
    "sign of log|det|": (
        planted(
            images,
            encode=lambda self, x, /: (
                GaussianImages.encode(images, x)[0],
                -GaussianImages.encode(images, x)[1],
            ),
        ),
        "log_det_is_that_of_the_jacobian",
    ),
    "the mean forgotten": (
        planted(images, decode=lambda self, z, /: self.deviation * z),
        "decode_undoes_encode",
    ),
    "images twice as contrasted": (
        planted(
            images,
            sample=lambda self, shape, g, /: 0.5 + 0.3 * torch.randn(shape, generator=g),
        ),
        "log_prob_fits_the_images",
    ),
    "the same image in every row": (
        planted(
            images,
            sample=lambda self, shape, g, /: torch.randn(shape[1:], generator=g).expand(shape),
        ),
        "images_have_the_promised_form",
    ),
    "a seed of its own": (
        planted(
            images,
            sample=lambda self, shape, g, /: GaussianImages.sample(
                images, shape, torch.Generator().manual_seed(0)
            ),
        ),
        "images_depend_on_the_generator_alone",
    ),
    "the score of one number": (
        planted(images, measurement_score=lambda self, y, /: y.flatten(1).sum(1)),
        "measurement_score_has_the_promised_form",
    ),
    "one posterior sample for all": (
        sampling(lambda self, y, t, g, /: draw(images, y[:1], t, g)),
        "posterior_samples_have_the_promised_form",
    ),
    "as hot at every temperature": (
        sampling(lambda self, y, t, g, /: draw(images, y, 1.0, g)),
        "temperature_scales_what_is_random",
    ),
    "the mean instead of samples": (
        sampling(lambda self, y, t, g, /: draw(images, y, 0.0, g)),
        "temperature_scales_what_is_random",
    ),
    "the batch in every sample": (
        sampling(lambda self, y, t, g, /: draw(images, y, t, g) + y.mean(0)),
        "rows_do_not_mix",
    ),
    "a network that still trains": (
        DenoiserPrior(lambda x, s: DROPOUT(x)),
        "networks_are_at_rest",
    ),
    "a quotient of nothing at sigma 0": (
        planted(
            Windows(),
            denoise=lambda self, x, s, /: Windows.denoise(self, x, s) + rows(0 * s / s, x),
            domain=lambda self: Domain(sigma=(0.0, 0.5)),
        ),
        "no_noise_leads_to_no_nan",
    ),
    "sigma over 255": (
        planted(Windows(), denoise=lambda self, x, s, /: Windows.denoise(self, x, s / 255)),
        "noise_is_taken_away",
    ),
    "a domain in grey levels": (
        DenoiserPrior(Windows().denoise, Domain(sigma=(12.0, 75.0))),
        "levels_are_those_of_images",
    ),
    "a refusal without words": (
        planted(images, refusal=lambda self, likelihood, /: None),
        "refusals_are_in_words",
    ),
}
