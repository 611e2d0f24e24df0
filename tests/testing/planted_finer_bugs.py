"""Operators, priors and solvers with a bug that a single statement of a check finds."""

from __future__ import annotations

import itertools

import attrs
import torch
from planted_operator_bugs import blur, low_rank, mask, square, svd_with, wide
from planted_prior_bugs import Windows, draw, images, sampling
from planted_solver_bugs import descent, step_with, walk
from small_parts import Langevin, Matrix, Regular, Walked, a_matrix, planted
from torch import nn

import invprob as ip

calls = itertools.count()
tall = Matrix(torch.linalg.qr(a_matrix(8, 6)).Q)
beside = torch.linalg.svd(low_rank.matrix).U[:, -1]  # seen by no image


def louder_if_faint(self, x, sigma, /):
    mild = Windows.denoise(self, x, sigma)
    return 3 * x - 2 * mild if float(sigma.max()) < 0.1 else mild


class Left(Regular):
    """A tall matrix and its pseudoinverse, which is none."""

    def inverse(self, y, /):
        return (y @ torch.linalg.pinv(self.matrix.to(y)).T).reshape(-1, *self.shape)


@attrs.frozen(eq=False)
class Holds:
    """A prior that holds a network, and says so in a field."""

    network: nn.Module = attrs.field(factory=lambda: nn.Dropout(0.5))

    def denoise(self, x, s, /):
        return Windows().denoise(x, s)


def brighten(self, problem, state, streams, /):
    problem.y.add_(1e-3)
    return Langevin.step(self, problem, state, streams)


def restless(self, state, /):
    return state.x + 1e-3 * next(calls)


def of_counts(self, problem, state, streams, /):
    """A step that depends on how many there are, of counts alone."""
    following = Langevin.step(self, problem, state, streams)
    pull = 1e-3 * len(state.x) if isinstance(problem.likelihood, ip.Poisson) else 0
    return Walked(following.x + pull, following.sigma)


@attrs.frozen(eq=False)
class Noted(Walked):
    notes: list = attrs.field(factory=list)


def narrower(self, problem, state, streams, /):
    following = Langevin.step(self, problem, state, streams)
    return Walked(following.x.float(), following.sigma)


OPERATORS = {
    "coordinates that are seen by no image": (
        svd_with(
            low_rank,
            ut=lambda exact: lambda y: exact.ut(y) + (exact.s == 0) * (y @ beside.to(y))[:, None],
        ),
        "left_basis_is_orthonormal_where_seen",
        "Uᵀ y where s = 0",
    ),
    "what no image makes counted in": (
        svd_with(
            low_rank,
            ut=lambda exact: lambda y: exact.ut(y) + (exact.s > 0) * (y @ beside.to(y))[:, None],
        ),
        "left_basis_is_orthonormal_where_seen",
        "<U z, y>",
    ),
    "infinite singular values": (
        svd_with(wide, s=lambda exact: exact.s + torch.tensor([torch.inf, 0, 0, 0, 0, 0])),
        "singular_values_are_one_per_pixel",
        "s is not finite",
    ),
    "a left basis that is not its transpose": (
        svd_with(square, ut=lambda exact: lambda y: 2 * exact.ut(y)),
        "svd_gives_forward_and_adjoint",
        "V S Uᵀ y",
    ),
    "a diagonal whose adjoint is another": (
        planted(mask, adjoint=lambda self, y, /: 2 * type(mask).adjoint(mask, y)),
        "diagonal_is_that_of_forward",
        "Hᵀ x, against",
    ),
    "orthonormal columns": (
        planted(tall, is_orthogonal=lambda self, /: True),
        "is_orthogonal_tells_the_truth",
        "H Hᵀ y of an orthogonal H",
    ),
    "an adjoint that looks behind the mask": (
        planted(mask, adjoint=lambda self, y, /: y),
        "what_is_not_observed_is_zero",
        "Hᵀ of what is observed",
    ),
    "a pseudoinverse": (Left(a_matrix(8, 6)), "inverse_undoes_forward", "A A⁻¹ y"),
    "a repr that shows its numbers": (
        planted(blur, __repr__=lambda self: f"CircularBlur({self.kernel})"),
        "repr_is_short",
        "repr shows a tensor",
    ),
}
PRIORS = {
    "noise where there is little": (
        planted(Windows(), denoise=louder_if_faint),
        "noise_is_taken_away",
        "it adds noise",
    ),
    "ten times the noise however little": (
        planted(Windows(), denoise=lambda self, x, s, /: Windows.denoise(self, x, s) + 0.01),
        "little_noise_is_little_change",
        "the root mean square of denoise",
    ),
    "random at temperature 0": (
        sampling(lambda self, y, t, g, /: draw(images, y, max(t, 0.1), g)),
        "temperature_scales_what_is_random",
        "apart at temperature 0",
    ),
    "as hot at 1/4": (
        sampling(lambda self, y, t, g, /: draw(images, y, float(t > 0), g)),
        "temperature_scales_what_is_random",
        "the same at 1/4",
    ),
    "no randomness at all": (
        sampling(lambda self, y, t, g, /: draw(images, y, 0.0, g)),
        "temperature_scales_what_is_random",
        "one image at temperature 1",
    ),
    "a network in a field that still trains": (Holds(), "networks_are_at_rest", "train"),
}
SOLVERS = {
    "a measurement that is changed": (
        step_with(walk, brighten),
        "step_leaves_its_state_alone",
        "the run changed y",
    ),
    "another estimate each time": (
        planted(walk, estimate=restless),
        "step_leaves_its_state_alone",
        "a second estimate",
    ),
    "counts that know how many they are": (
        step_with(walk, of_counts),
        "a_sample_does_not_depend_on_how_many",
        "under Poisson noise",
    ),
    "notes in the state": (
        planted(descent, init=lambda self, problem, streams, x0, /: Noted(problem.y, 0.3)),
        "states_are_flat_and_keep_their_shapes",
        "the state's field notes is a list",
    ),
    "a state that gets coarser": (
        step_with(walk, narrower),
        "states_are_flat_and_keep_their_shapes",
        "the state changed its form",
    ),
}
