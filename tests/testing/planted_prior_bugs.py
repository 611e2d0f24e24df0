"""Priors with one bug each."""

from __future__ import annotations

import torch
from small_parts import planted, rows

from invprob.testing.reference import GaussianImages

images = GaussianImages()


def denoise_with(change):
    return planted(images, denoise=change)


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
}
