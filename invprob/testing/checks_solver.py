"""Checks on solvers, run on a small Gaussian problem of which everything is known."""

from __future__ import annotations

import copy
import math
import pickle
from itertools import chain
from typing import Any

import attrs
import torch

from ..compatibility import accepts, any_of, lacks
from ..contracts import Capability, Needs, SamplesPosterior, Shape, Spectral
from ..errors import InputError
from ..problem import Problem
from .case import Case
from .reference import GaussianImages, blocks, counts, posterior
from .registry import check
from .solver_runs import (
    SHORT,
    arguments_of,
    copied,
    fields_of,
    form_of,
    problem_of,
    run,
    same_state,
    streams_of,
)
from .verdict import CheckFailure, Figure, below, close, holds, looks_like, skip

ALIKE = 0.3
"""Results that are nearer to one another, in distances of samples, are no samples."""


@check("solver")
def needs_are_capabilities(part: Any, case: Case) -> Figure:
    """`needs` is a Needs of protocols, `stochastic` is a bool, `steps` a positive integer."""
    holds(isinstance(part.needs, Needs), f"needs is a {type(part.needs).__name__}, not a Needs")
    holds(isinstance(part.stochastic, bool), f"stochastic is {part.stochastic!r}, not a bool")
    for capability in chain(*map(any_of, (*part.needs.prior, *part.needs.likelihood))):
        holds(
            bool(getattr(capability, "_is_runtime_protocol", False)),
            f"{capability!r} in needs is no runtime-checkable protocol",
        )
    steps = part.steps(problem_of(case))
    return holds(isinstance(steps, int) and steps >= 1, f"steps(problem) is {steps!r}")


@check("solver", once=True)
def needs_are_complete(part: Any, case: Case) -> Figure:
    """A prior and a likelihood with the methods that `needs` names, and no others, suffice."""
    problem = problem_of(case)
    always = ("domain", "withdrawn", "sample", "check_measurement", "image_shape")
    bare = attrs.evolve(
        problem,
        prior=_only(problem.prior, part.needs.prior, always[:2]),
        likelihood=_only(problem.likelihood, part.needs.likelihood, always[1:]),
    )
    try:
        run(part, bare, streams_of(case, bare), steps=None)
    except AttributeError as error:
        raise CheckFailure(f"{error}; name the capability in `needs`") from error
    return Figure(0.0, 1.0)


def _only(part: Any, capabilities: tuple[Capability, ...], always: tuple[str, ...]) -> Any:
    """The part with the methods of these capabilities and no others."""
    bases = {base for c in capabilities for one in any_of(c) for base in one.__mro__}
    names = {name for base in bases for name in vars(base) if not name.startswith("_")}
    methods = {
        name: staticmethod(getattr(part, name))
        for name in (*names, *always)
        if callable(getattr(part, name, None))
    }
    return type(f"Only{type(part).__name__}", (), methods)()


@check("solver", once=True)
def a_full_run_is_as_near_as_a_sample(part: Any, case: Case) -> Figure:
    """After steps(problem) steps, the estimate is about as near to E[x | y] as a sample is.

    A sample of the posterior is one standard deviation away and a point estimate less; one and a
    half are allowed.
    """
    return _as_near_as_a_sample(part, problem_of(case), case)


@check("solver", once=True)
def measurements_may_have_another_shape(part: Any, case: Case) -> Figure:
    """Behind an operator that halves the sides, the estimate is as near to E[x | y]."""
    if SamplesPosterior in part.needs.prior:
        skip("the kit's prior draws posterior samples of white noise alone")
    problem = blocks(problem_of(case).image_shape)
    if problem is None or not _accepts(part, problem, case):
        skip("it does not take means of 2 x 2 pixels of these images")
    return _as_near_as_a_sample(part, problem, case)


def _as_near_as_a_sample(part: Any, problem: Problem[Any, Any], case: Case) -> Figure:
    _, x = run(part, problem, streams_of(case, problem), steps=None)
    figure = looks_like(x, (len(problem.y), *problem.image_shape), problem.y.dtype, "the estimate")
    if not _is_known(problem):
        return figure
    best, deviation = posterior(problem)
    found = float((x - best).square().mean().sqrt())
    return figure | below(found, 1.5 * deviation, "the distance from E[x | y]")


def _is_known(problem: Problem[Any, Any]) -> bool:
    """Whether the posterior is; of a problem of the caller's it mostly is not."""
    return isinstance(problem.prior, GaussianImages) and not lacks(problem.likelihood, Spectral)


@check("solver")
def states_are_flat_and_keep_their_shapes(part: Any, case: Case) -> Figure:
    """A state holds tensors and numbers whose shapes and types never change."""
    problem = problem_of(case)
    streams = streams_of(case, problem)
    with torch.no_grad():
        state = part.init(problem, streams, None)
        first = form_of(state)
        for _ in range(min(SHORT, part.steps(problem))):
            state = part.step(problem, state, streams)
            now = form_of(state)
            holds(now == first, f"the state changed its form from {first} to {now}")
    return Figure(0.0, 1.0)


@check("solver")
def step_leaves_its_state_alone(part: Any, case: Case) -> Figure:
    """`step` returns a new state; the old one, the problem and the global random state stay."""
    problem = problem_of(case)
    streams = streams_of(case, problem)
    y, random = problem.y.clone(), torch.random.get_rng_state()
    with torch.no_grad():
        state = part.init(problem, streams, None)
        for _ in range(min(SHORT, part.steps(problem))):
            before = copied(state)
            following = part.step(problem, state, streams)
            same_state(before, fields_of(state), "step changed the state that it was given")
            estimate = part.estimate(following)
            close(part.estimate(following), estimate, 1e-12, "a second estimate(state)")
            state = following
    holds(bool(torch.equal(y, problem.y)), "the run changed y")
    return holds(
        bool(torch.equal(random, torch.random.get_rng_state())),
        "torch's global random state moved; draw from streams",
    )


@check("solver")
def the_seed_decides(part: Any, case: Case) -> Figure:
    """Equal seeds give equal runs."""
    problem = problem_of(case)
    _, one = run(part, problem, streams_of(case, problem))
    _, same = run(part, problem, streams_of(case, problem))
    return close(same, one, 1e-12, "the estimate of a second run with the same seed")


@check("solver", once=True)
def stochastic_tells_the_truth(part: Any, case: Case) -> Figure:
    """Full runs with two seeds differ if and only if `stochastic` is true.

    Samples of two seeds are apart by √2 standard deviations of the posterior. Of those that are
    much nearer to one another, a recommendation says so: they tell of less doubt than there is.
    """
    problem = problem_of(case)
    _, one = run(part, problem, streams_of(case, problem), steps=None)
    _, other = run(part, problem, streams_of(case, problem, 1), steps=None)
    difference = float((one - other).abs().max())
    if part.stochastic:
        figure = holds(difference > 1e-9, "two seeds give one result, but stochastic is True")
        if _is_known(problem):
            apart = float((one - other).square().mean().sqrt())
            share = apart / (math.sqrt(2) * posterior(problem)[1])
            if share < ALIKE:
                skip(
                    f"two seeds' results are {share:.2g} times as far apart as two samples of "
                    "the posterior (recommended to look: their spread would tell of less doubt "
                    "than there is)"
                )
        return figure
    return below(difference, 1e-6, "the difference of two seeds' results, stochastic being False,")


@check("solver", once=True)
def a_sample_does_not_depend_on_how_many(part: Any, case: Case) -> Figure:
    """Sample i is the same whether two or three were asked for, and in whatever batch.

    Also beside another measurement, in full runs; and of counts (Poisson noise), if the solver
    takes them, the same however many were asked for.
    """
    problem = problem_of(case)
    figure = _alike(part, problem, case, "")
    counted = isinstance(problem.prior, GaussianImages) and counts(problem.image_shape)
    if not counted or not _accepts(part, counted, case):
        return figure
    return figure | _alike(part, counted, case, " under Poisson noise", alone=False)


def _alike(
    part: Any, problem: Problem[Any, Any], case: Case, where: str, *, alone: bool = True
) -> Figure:
    few, many = problem.repeat(2), problem.repeat(3)
    others = torch.cat([problem.y[-1:], problem.y[1:]])  # another one in the place of the first
    (_, two), (_, three), (_, one), (_, beside) = (
        run(part, asked, streams_of(case, asked), steps=None)
        for asked in (
            few,
            many,
            attrs.evolve(problem, y=problem.y[:1]),
            attrs.evolve(problem, y=others),
        )
    )
    figure = close(three[: len(two)], two, 1e-6, f"the first samples of three{where}")
    if alone:
        figure |= close(one, two[:1], 1e-6, f"the estimate of a measurement alone{where}")
        second = slice(1, len(problem.y))
        what = f"the estimate of a measurement beside another{where}"
        figure |= close(beside[second], two[second], 1e-6, what)
    return figure


def _accepts(part: Any, problem: Problem[Any, Any], case: Case) -> bool:
    """Whether a solver takes a problem; it refuses one by `needs`, `steps` or `init`."""
    if not accepts(part, prior=problem.prior, likelihood=problem.likelihood):
        return False
    try:
        part.steps(problem)
        part.init(problem, streams_of(case, problem), None)
    except InputError:
        return False
    return True


@check("solver", once=True)
def a_run_can_be_resumed(part: Any, case: Case) -> Figure:
    """State and streams hold all there is: a fresh solver goes on from them, bit for bit."""
    problem = problem_of(case)
    streams = streams_of(case, problem)
    steps = min(SHORT, part.steps(problem))
    with torch.no_grad():
        state, _ = run(part, problem, streams, steps // 2)
        random = streams.state()
        saved = type(state)(**arguments_of(state))
        for _ in range(steps - steps // 2):
            state = part.step(problem, state, streams)
        twin, resumed = _twin(part), streams_of(case, problem, 7)
        resumed.restore(random)
        for _ in range(steps - steps // 2):
            saved = twin.step(problem, saved, resumed)
    return same_state(copied(state), copied(saved), "a resumed run went another way")


def _twin(part: Any) -> Any:
    """A copy, as another process would have it; by `copy` where it can't be pickled."""
    try:
        stored = pickle.dumps(part)
    except Exception:  # pickle has no error of its own for all that it refuses
        return copy.deepcopy(part)
    return pickle.loads(stored)


@check("solver", once=True)
def a_start_is_taken_or_refused(part: Any, case: Case) -> Figure:
    """`init` takes x0 `(B, *image)`, or refuses one with InputError; it leaves x0 alone."""
    problem = problem_of(case)
    x0 = problem.zeros() + 0.5
    before = x0.clone()
    try:
        state = part.init(problem, streams_of(case, problem), x0)
    except InputError as refusal:
        skip(f"it takes no x0: {refusal}")
    with torch.no_grad():
        state = part.step(problem, state, streams_of(case, problem))
    holds(bool(torch.equal(x0, before)), "the run changed x0")
    shape: Shape = (len(problem.y), *problem.image_shape)
    return looks_like(part.estimate(state), shape, problem.y.dtype, "the estimate")


@check("solver", once=True)
def single_precision_runs(part: Any, case: Case) -> Figure:
    """A float32 problem is solved in float32."""
    problem = problem_of(case.as_float32())
    _, x = run(part, problem, streams_of(case, problem), steps=None)
    shape: Shape = (len(problem.y), *problem.image_shape)
    return looks_like(x, shape, torch.float32, "the estimate")
