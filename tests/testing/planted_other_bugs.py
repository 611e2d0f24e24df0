"""Operators, priors and solvers with one bug each."""

from __future__ import annotations

import attrs
import torch
from small_parts import Descent, Langevin, Matrix, Regular, Walked, a_matrix, planted, rows

from invprob.contracts import Denoises, Needs
from invprob.operators.blur import CircularBlur
from invprob.operators.mask import Mask
from invprob.testing.reference import GaussianImages

wide, low_rank = Matrix(a_matrix(4, 6)), Matrix(a_matrix(8, 6, 4))
square = Regular(a_matrix(6, 6))
blur = CircularBlur(torch.tensor([[0.1, 0.3, 0.0], [0.0, 0.4, 0.1], [0.0, 0.0, 0.1]]))
mask = Mask.random((8, 8), keep=0.6)
images = GaussianImages()


def svd_with(part, **change):
    def svd(self, shape, /):
        exact = type(part).svd(part, shape)
        return attrs.evolve(exact, **{name: make(exact) for name, make in change.items()})

    return planted(part, svd=svd)


def adjoint_in_place(self, y, /):
    return Matrix.adjoint(self, y.mul_(1.5))


OPERATORS = {
    "forward for adjoint": (
        planted(blur, adjoint=lambda self, y, /: CircularBlur.forward(blur, y)),
        "adjoint_is_the_transpose",
    ),
    "kernel off centre in the adjoint": (
        planted(blur, adjoint=lambda self, y, /: CircularBlur.adjoint(blur, y).roll(1, -1)),
        "adjoint_is_the_transpose",
    ),
    "kernel off centre in the svd": (
        svd_with(blur, u=lambda exact: lambda z: exact.u(z).roll(1, -2)),
        "svd_gives_forward_and_adjoint",
    ),
    "the mask's other half": (
        planted(mask, adjoint=lambda self, y, /: y - Mask.forward(mask, y)),
        "adjoint_is_the_transpose",
    ),
    "brightness added": (
        planted(wide, forward=lambda self, x, /: Matrix.forward(wide, x) + 0.01),
        "forward_is_linear",
    ),
    "clamped": (
        planted(wide, forward=lambda self, x, /: Matrix.forward(wide, x).clamp(-1, 1)),
        "forward_is_linear",
    ),
    "float32 whatever comes": (
        planted(wide, forward=lambda self, x, /: Matrix.forward(wide, x.float())),
        "out_shape_is_the_shape_of_forward",
    ),
    "one row too many": (
        planted(wide, out_shape=lambda self, shape, /: (Matrix.out_shape(wide, shape)[0] + 1,)),
        "out_shape_is_the_shape_of_forward",
    ),
    "height and width swapped": (
        planted(wide, image_shape=lambda self, shape, /: (1, 3, 2)),
        "image_shape_undoes_out_shape",
    ),
    "the batch's mean removed": (
        planted(wide, forward=lambda self, x, /: Matrix.forward(wide, x - x.mean(0))),
        "rows_do_not_mix",
    ),
    "adjoint in place": (planted(wide, adjoint=adjoint_in_place), "arguments_are_left_alone"),
    "v and vt swapped": (
        svd_with(
            square,
            v=lambda exact: lambda z: exact.vt(z).reshape(-1, 1, 2, 3),
            vt=lambda exact: lambda x: exact.v(x.flatten(1)).flatten(1),
        ),
        "svd_gives_forward_and_adjoint",
    ),
    "eigenvalues for singular values": (
        svd_with(
            wide,
            s=lambda exact: exact.s * torch.tensor([1, -1, 1, 1, 1, 1]),
            u=lambda exact: lambda z: exact.u(z * torch.tensor([1, -1, 1, 1, 1, 1])),
        ),
        "singular_values_are_one_per_pixel",
    ),
    "only the values that are not zero": (
        svd_with(wide, s=lambda exact: exact.s[:4]),
        "singular_values_are_one_per_pixel",
    ),
    "transform without its norm": (
        svd_with(
            wide,
            v=lambda exact: lambda z: exact.v(z) * 2,
            vt=lambda exact: lambda x: exact.vt(x) / 2,
        ),
        "right_basis_is_orthogonal",
    ),
    "blind coordinates are not zeroed": (
        svd_with(
            low_rank,
            ut=lambda exact: lambda y: exact.ut(y) + (exact.s == 0) * y[:, :6],
        ),
        "left_basis_is_orthonormal_where_seen",
    ),
    "a regularised inverse": (
        planted(
            square,
            inverse=lambda self, y, /: Regular.inverse(
                Regular(square.matrix + 1e-6 * torch.eye(6).double()), y
            ),
        ),
        "inverse_undoes_forward",
    ),
    "inverse for its adjoint": (
        planted(
            square,
            inverse_adjoint=lambda self, x, /: Regular.inverse(square, x.flatten(1)).flatten(1),
        ),
        "inverse_adjoint_is_the_transpose_of_inverse",
    ),
    "log|det| of the inverse": (
        planted(square, log_abs_det=lambda self, shape, /: -Regular.log_abs_det(square, shape)),
        "log_abs_det_is_that_of_the_matrix",
    ),
    "log|det| of one channel": (
        planted(
            CircularBlur(torch.tensor([[0.6, 0.2]])),
            log_abs_det=lambda self, shape, /: CircularBlur.log_abs_det(self, (1, *shape[1:])) / 2,
        ),
        "log_abs_det_is_that_of_the_matrix",
    ),
}


def denoise_with(change):
    return planted(images, denoise=change)


PRIORS = {
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

walk, descent = Langevin(), Descent()


def step_with(part, change):
    return planted(part, step=change)


def away(self, problem, x, sigma):
    return -Langevin.drift(self, problem, x, sigma)


def in_place(self, problem, state, streams, /):
    state.x.add_(0.02 * self.drift(problem, state.x, state.sigma))
    return Walked(state.x.clone(), state.sigma)


def together(self, problem, state, streams, /):
    following = Langevin.step(self, problem, state, streams)
    return Walked(following.x - following.x.mean(0), following.sigma)


def global_noise(self, problem, state, streams, /):
    following = Descent.step(descent, problem, state, streams)
    return Walked(following.x + 0.05 * torch.randn_like(following.x), following.sigma)


class Remembering:
    calls = 0

    def step(self, problem, state, streams, /):
        Remembering.calls += 1
        following = Langevin.step(self, problem, state, streams)
        return Walked(following.x * (1 + 1e-6 * Remembering.calls), following.sigma)


def growing(self, problem, state, streams, /):
    following = Langevin.step(self, problem, state, streams)
    return Walked(torch.cat([following.x, following.x[:1]]), following.sigma)


@attrs.frozen(eq=False)
class Diary(Walked):
    history: list = attrs.field(factory=list)


SOLVERS = {
    "not as random as it says": (
        planted(descent, stochastic=True),
        "stochastic_tells_the_truth",
    ),
    "more random than it says": (
        planted(walk, stochastic=False),
        "stochastic_tells_the_truth",
    ),
    "global random state": (step_with(walk, global_noise), "the_seed_decides"),
    "a state changed in place": (step_with(descent, in_place), "step_leaves_its_state_alone"),
    "rows that know each other": (
        step_with(walk, together),
        "a_sample_does_not_depend_on_how_many",
    ),
    "a memory outside the state": (step_with(walk, Remembering.step), "a_run_can_be_resumed"),
    "a need not named": (
        planted(walk, needs=Needs(prior=(Denoises,), likelihood=())),
        "needs_are_complete",
    ),
    "needs by name": (
        planted(walk, needs=Needs(prior=("denoise",), likelihood=())),
        "needs_are_capabilities",
    ),
    "half a step": (planted(walk, steps=lambda self, problem, /: 2.5), "needs_are_capabilities"),
    "a state that grows": (step_with(walk, growing), "states_are_flat_and_keep_their_shapes"),
    "a list in the state": (
        planted(walk, init=lambda self, problem, streams, x0, /: Diary(problem.y, 0.3)),
        "states_are_flat_and_keep_their_shapes",
    ),
    "uphill": (planted(walk, drift=away), "a_full_run_is_as_near_as_a_sample"),
    "does nothing": (
        step_with(descent, lambda self, problem, state, streams, /: state),
        "a_full_run_is_as_near_as_a_sample",
    ),
    "the start changed in place": (
        planted(
            walk,
            init=lambda self, problem, streams, x0, /: Walked(
                problem.y.clone() if x0 is None else x0.mul_(0.5), 0.3
            ),
        ),
        "a_start_is_taken_or_refused",
    ),
    "float64 whatever comes": (
        planted(walk, init=lambda self, problem, streams, x0, /: Walked(problem.y.double(), 0.3)),
        "single_precision_runs",
    ),
    "divides by a noise level of zero": (
        planted(walk, init=lambda self, problem, streams, x0, /: Walked(problem.y / 0.0, 0.3)),
        "single_precision_runs",
    ),
}
BUGS = OPERATORS | PRIORS | SOLVERS
