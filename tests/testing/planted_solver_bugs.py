"""Solvers with one bug each."""

from __future__ import annotations

import attrs
import torch
from small_parts import Descent, Langevin, Walked, planted

from invprob.contracts import Denoises, Needs

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


def pooled(self, problem, state, streams, /):
    following = Langevin.step(self, problem, state, streams)
    return Walked(following.x + 0.01 * problem.y.mean(), following.sigma)


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


BUGS = {
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
    "steps as long as all measurements are bright": (
        step_with(walk, pooled),
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
        planted(
            descent,
            init=lambda self, problem, streams, x0, /: Walked(problem.zeros(), 0.3),
            step=lambda self, problem, state, streams, /: state,
        ),
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
    "over while it moves": (
        planted(descent, finished=lambda self, state, /: "no better image"),
        "a_finished_run_stands_still",
    ),
    "a remark of two lines": (
        planted(descent, remark=lambda self, state, /: "far\nfrom it"),
        "a_remark_is_a_line",
    ),
    "says that it meets the data": (
        planted(descent, exact_below=lambda self, /: 0.01),
        "data_with_little_noise_are_met",
    ),
    "divides by a noise level of zero": (
        planted(walk, init=lambda self, problem, streams, x0, /: Walked(problem.y / 0.0, 0.3)),
        "single_precision_runs",
    ),
}
