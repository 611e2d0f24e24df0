"""A check of several statements makes each of them: one bug for one, found in its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

import attrs
import planted_finer_bugs as bugs
import planted_finer_likelihood_bugs as likelihoods
import planted_neighbour_bugs as neighbours
import pytest
import torch
from planted_prior_bugs import Windows
from small_parts import Descent, Langevin, Poisson, planted

import invprob as ip
from invprob.contracts import Domain
from invprob.errors import InputError
from invprob.operators.mask import Mask
from invprob.priors.denoiser import DenoiserPrior
from invprob.testing import CheckFailure, Skip, check, checks, run_check, subject
from invprob.testing.reference import GaussianImages, WhiteNoise
from invprob.testing.report import Outcome, Report
from invprob.testing.traces import where

CHECKS = {entry.name: entry for entry in checks()}
TABLES = {
    "likelihood": likelihoods.BUGS | neighbours.LIKELIHOODS,
    "operator": bugs.OPERATORS | neighbours.OPERATORS,
    "prior": bugs.PRIORS | neighbours.PRIORS,
    "solver": bugs.SOLVERS | neighbours.SOLVERS,
}


@pytest.mark.parametrize(
    ("kind", "part", "name", "said"),
    [
        pytest.param(kind, *row, id=f"{kind}: {bug}")
        for kind, table in TABLES.items()
        for bug, row in table.items()
    ],
)
def test_a_bug_is_found_in_the_words_of_its_statement(kind, part, name, said):
    with pytest.raises(CheckFailure, match=said):
        run_check(CHECKS[name], subject(part, kind=kind), examples=1)


@attrs.frozen
class NearlyTheSame(Descent):
    """Samples that are all the estimate, but for a millionth."""

    stochastic: ClassVar[bool] = True

    def step(self, problem, state, streams, /):
        following = super().step(problem, state, streams)
        return attrs.evolve(following, x=following.x + 1e-6 * streams.normal(following.x))


def test_samples_that_are_all_alike_are_worth_a_look():
    check = CHECKS["stochastic_tells_the_truth"]
    with pytest.raises(Skip, match="times as far apart as two samples"):
        run_check(check, subject(NearlyTheSame()))
    assert run_check(check, subject(Langevin()))


@pytest.mark.parametrize("count", [1, 3])
def test_a_problem_of_the_callers_has_as_many_measurements_as_it_likes(count):
    prior = GaussianImages()
    x = prior.sample((count, 1, 8, 8), ip.generator(0)).double()
    problem = ip.Problem(prior, WhiteNoise(), WhiteNoise().sample(x, ip.generator(1)))
    whom = subject(Langevin(), problem=problem)
    assert run_check(CHECKS["a_sample_does_not_depend_on_how_many"], whom)


@attrs.frozen
class Unpicklable(Descent):
    """A solver that holds a function of no module."""

    change: Callable = lambda x: x

    def estimate(self, state, /):
        return self.change(state.x)


def test_a_solver_that_can_not_be_pickled_is_copied():
    assert run_check(CHECKS["a_run_can_be_resumed"], subject(Unpicklable()))


@pytest.mark.parametrize("change", [lambda x, s: x * (1 - 3 * s), lambda x, s: x + 3 * s])
def test_an_answer_farther_from_the_image_than_the_noise_is_worth_a_look(change):
    def denoise(self, x, s, /):
        return change(Windows.denoise(Windows(), x, s), s.reshape(-1, *[1] * (x.ndim - 1)))

    check = CHECKS["noise_is_taken_away"]
    with pytest.raises(Skip, match="times as far from the clean image"):
        run_check(check, subject(planted(Windows(), denoise=denoise)))


def test_a_prior_of_hardly_any_knowledge_takes_hardly_any_noise():
    """Its own samples tell that this is right."""
    assert run_check(CHECKS["noise_is_taken_away"], subject(GaussianImages(deviation=50.0)))


def test_a_denoiser_that_begins_at_a_level_is_not_asked_for_less():
    part = planted(Windows(), domain=lambda self: Domain(sigma=(0.05, 0.5)))
    with pytest.raises(Skip, match="denoises from 0.05 on"):
        run_check(CHECKS["no_noise_leads_to_no_nan"], subject(part))


def single(function):
    return lambda self, *given: function(self, *(t.float() for t in given)).double()


def test_a_likelihood_that_calculates_in_single_precision_has_its_gradient():
    part = planted(
        WhiteNoise(), log_prob=single(WhiteNoise.log_prob), grad_x=single(WhiteNoise.grad_x)
    )
    assert run_check(CHECKS["grad_x_is_the_gradient_of_log_prob"], subject(part), examples=3)


@pytest.mark.parametrize("name", ["score_y_is_the_gradient_of_log_prob", "score_y_obeys_stein"])
def test_a_score_between_the_points_of_a_lattice_is_the_parts_own_affair(name):
    part = planted(Poisson(), score_y=lambda self, y, x, /: x)
    with pytest.raises(Skip, match="y lives on a lattice"):
        run_check(CHECKS[name], subject(part), examples=1)


def test_a_draw_leaves_the_global_random_state_as_it_was():
    entry = CHECKS["measurements_depend_on_the_generator_alone"]
    with torch.random.fork_rng():
        torch.manual_seed(1234)
        state = torch.random.get_rng_state()
        run_check(entry, subject(WhiteNoise()), examples=1)
        assert torch.equal(torch.random.get_rng_state(), state)


class Loose:
    """A denoiser whose attributes can be set."""

    def denoise(self, x, sigma, /):
        return Windows().denoise(x, sigma)


def test_a_part_is_left_without_what_was_tried_on_it():
    part = Loose()
    with pytest.raises(Skip, match="attributes can be set"):
        run_check(CHECKS["is_frozen"], subject(part))
    assert not vars(part)


def test_what_passed_is_in_the_table():
    report = Report(
        "part", "prior", (Outcome("one", "passed", "3"), Outcome("two", "failed", "a"))
    )
    assert "  one  passed  3\n  two  failed  a\n" in str(report)


def again(x, sigma, /):
    return x if float(sigma.max()) < 1e-3 else again(x, sigma / 2)


def test_a_function_that_calls_itself_holds_no_network():
    assert run_check(CHECKS["networks_are_at_rest"], subject(DenoiserPrior(again)))


def test_two_checks_of_one_name_are_refused():
    def is_frozen(part, case):
        """Another one."""

    with pytest.raises(ValueError, match="two checks are called is_frozen"):
        check("prior")(is_frozen)


def test_where_nobody_else_raised_a_line_of_the_library_is_named():
    with pytest.raises(InputError) as refused:
        Mask(torch.ones(2, 2)).out_shape((3, 3))
    error = refused.value.with_traceback(refused.value.__traceback__.tb_next)
    assert re.match(r", at mask.py:\d+, in out_shape", where(error, subject(Windows()).case(0)))
