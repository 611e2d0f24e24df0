"""Parts with one bug each that a single pixel, or a single plane, does not show."""

from __future__ import annotations

import math

import torch
from planted_density_bugs import noise, randn
from planted_operator_bugs import blur
from planted_prior_bugs import images
from planted_solver_bugs import descent, walk
from small_parts import Langevin, Walked, planted, rows, without

from invprob.operators.valid_blur import Blur
from invprob.testing.reference import GaussianImages, WhiteNoise

cropping = Blur(torch.full((3, 3), 1 / 9))


def densities(self, y, x, /):
    return -((y - x) ** 2) / 0.18 - math.log(0.3 * math.sqrt(2 * math.pi))


def gray_noise(self, x, g, /):
    return x + 0.3 * randn(x[:, :1], g)


def one_draw(self, y, v, rho, g, /):
    """The right law in each pixel, by one number for the whole image."""
    width = (1 / (1 / 0.09 + 1 / rows(rho, v) ** 2)).sqrt()
    number = randn(v.flatten(1)[:, 0], g).reshape(-1, *[1] * (v.ndim - 1))
    return WhiteNoise.prox(noise, y, v, rho**2) + width * number


def gray_images(self, shape, g, /):
    number = torch.randn(shape[0], *[1] * (len(shape) - 1), generator=g)
    return (0.5 + 0.15 * number).expand(shape).clone()


def mean_density(self, x, /):
    return GaussianImages.log_prob(images, x) / x[0].numel()


def det_of_a_pixel(self, x, /):
    z, log_det = GaussianImages.encode(images, x)
    return z, log_det / x[0].numel()


def gains(self, x, /):
    return x * torch.arange(1, x.shape[1] + 1).to(x).reshape(-1, 1, 1)


def moments(mean, size):
    return planted(images, moments=lambda self: (torch.full((1, 2, 2), mean), size))


def of_the_measurement(self, problem, streams, x0, /):
    return Walked(problem.y.clone(), 0.3)


def as_bright_as_the_first(self, problem, state, streams, /):
    following = Langevin.step(self, problem, state, streams)
    return Walked(following.x + 0.01 * problem.y[:1].mean(), following.sigma)


LIKELIHOODS = {
    "noise that channels share": (
        planted(noise, sample=gray_noise, log_density=densities),
        "noise_of_a_pixel_is_its_own",
        "the covariance of neighbouring entries of y along axis 1",
    ),
    "the same, without a density": (
        without(planted(noise, sample=gray_noise), "log_prob"),
        "grad_x_obeys_the_information_identity",
        "E g² [+] E g'",
    ),
    "draws that pixels share": (
        planted(noise, sample_given=one_draw, log_density=densities),
        "posterior_draws_of_a_pixel_are_its_own",
        "in sample_given along axis",
    ),
    "densities without their sum": (
        without(planted(noise, log_density=densities), "log_prob"),
        "log_density_adds_up_to_log_prob",
        "but no log_prob",
    ),
    "a measurement stabilised in place": (
        planted(noise, stabilise=lambda self, y, /: WhiteNoise.stabilise(noise, y.clamp_(0, 1))),
        "arguments_are_left_alone",
        "stabilise changed one of its arguments",
    ),
}
PRIORS = {
    "images of one gray, denoised pixel by pixel": (
        planted(images, sample=gray_images),
        "denoiser_leaves_no_explainable_error",
        "of pixels and their neighbours",
    ),
    "a score of each pixel of these": (
        planted(images, sample=gray_images),
        "smoothed_score_fits_noisy_images",
        "along a direction",
    ),
    "the mean of pixels' densities": (
        planted(images, log_prob=mean_density),
        "log_prob_fits_the_images",
        r"exp\(log_prob\) of images \(1, 1, 2\)",
    ),
    "log|det| of one pixel": (
        planted(images, encode=det_of_a_pixel),
        "log_det_is_that_of_the_jacobian",
        r"of an image \(1, 1, 2\)",
    ),
    "a mean of other images": (
        moments(0.4, 0.3),
        "moments_are_those_of_samples",
        "the mean of samples",
    ),
    "the size of a pixel": (
        moments(0.5, 0.15),
        "moments_are_those_of_samples",
        "E ‖x - mean‖²",
    ),
}
OPERATORS = {
    "a gain for each channel": (
        planted(blur, forward=gains),
        "acts_on_tells_the_truth",
        "turned over",
    ),
    "a plane taken for channels": (
        planted(blur, acts_on=lambda self: "channels"),
        "acts_on_tells_the_truth",
        "upside down",
    ),
    "a row too few": (
        planted(cropping, crop=lambda self, x, /: Blur.crop(cropping, x)[..., 1:, :]),
        "crop_shows_what_is_measured",
        "H x has",
    ),
}
SOLVERS = {
    "what is known of the first measurement said of all": (
        planted(walk, step=as_bright_as_the_first),
        "a_sample_does_not_depend_on_how_many",
        "of a measurement beside another",
    ),
    "the measurement taken for an image": (
        planted(walk, init=of_the_measurement),
        "measurements_may_have_another_shape",
        "raised RuntimeError",
    ),
    "uphill behind an operator": (
        planted(
            descent,
            drift=lambda self, problem, x, sigma: (
                type(descent).drift(self, problem, x, sigma)
                * (1 if problem.y.shape == x.shape else -1)
            ),
        ),
        "measurements_may_have_another_shape",
        "the distance from",
    ),
}
