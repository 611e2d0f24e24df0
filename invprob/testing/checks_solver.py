"""Checks on solvers, run on a small Gaussian problem of which everything is known."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import torch
from torch import Tensor

from ..contracts import Needs, Shape
from ..errors import InputError
from ..problem import Problem
from ..streams import Streams
from .case import Case
from .registry import check
from .verdict import CheckFailure, Figure, below, close, holds, looks_like, skip

SHORT = 6
"""Steps of a run that is not about its end."""


def _problem(case: Case, samples: int = 1) -> Problem[Any, Any]:
    if case.problem is None:
        raise InputError("a solver is checked on a problem; give problem=")
    problem = case.problem
    typed = attrs.evolve(problem, y=problem.y.to(case.dtype))
    return typed.repeat(samples)


def _streams(case: Case, problem: Problem[Any, Any], offset: int = 0) -> Streams:
    return Streams(case.seed + offset, problem.samples, problem.measurements)


def _run(
    solver: Any, problem: Problem[Any, Any], streams: Streams, steps: int | None = SHORT
) -> tuple[Any, Tensor]:
    """The state after some steps, or after a full run, and its estimate."""
    with torch.no_grad():
        state = solver.init(problem, streams, None)
        whole = solver.steps(problem)
        for _ in range(whole if steps is None else min(steps, whole)):
            state = solver.step(problem, state, streams)
        return state, solver.estimate(state)


def _fields(state: Any) -> dict[str, Any]:
    holds(
        attrs.has(type(state)),
        f"the state is a {type(state).__name__}, not an attrs class, so no checkpoint can hold it",
    )
    return {field.name: getattr(state, field.name) for field in attrs.fields(type(state))}


def _copy(state: Any) -> dict[str, Any]:
    return {
        name: value.clone() if isinstance(value, Tensor) else value
        for name, value in _fields(state).items()
    }


def _same(one: dict[str, Any], other: dict[str, Any], otherwise: str) -> Figure:
    for name, value in one.items():
        twin = other[name]
        equal = (
            torch.equal(value, twin) if isinstance(value, Tensor) else value == twin
        )
        holds(bool(equal), f"{otherwise}: field {name} differs")
    return Figure(0.0, 1.0)


@check("solver")
def needs_are_capabilities(part: Any, case: Case) -> Figure:
    """`needs` is a Needs of protocols, `stochastic` is a bool, `steps` a positive integer."""
    holds(isinstance(part.needs, Needs), f"needs is a {type(part.needs).__name__}, not a Needs")
    holds(isinstance(part.stochastic, bool), f"stochastic is {part.stochastic!r}, not a bool")
    for capability in (*part.needs.prior, *part.needs.likelihood):
        holds(
            bool(getattr(capability, "_is_runtime_protocol", False)),
            f"{capability!r} in needs is no runtime-checkable protocol",
        )
    steps = part.steps(_problem(case))
    return holds(isinstance(steps, int) and steps >= 1, f"steps(problem) is {steps!r}")


@check("solver", once=True)
def needs_are_complete(part: Any, case: Case) -> Figure:
    """A prior and a likelihood with the methods that `needs` names, and no others, suffice."""
    problem = _problem(case)
    always = ("domain", "withdrawn", "sample", "check_measurement", "image_shape")
    bare = attrs.evolve(
        problem,
        prior=_only(problem.prior, part.needs.prior, always[:2]),
        likelihood=_only(problem.likelihood, part.needs.likelihood, always[1:]),
    )
    try:
        _run(part, bare, _streams(case, bare), steps=None)
    except AttributeError as error:
        raise CheckFailure(f"{error}; name the capability in `needs`") from error
    return Figure(0.0, 1.0)


def _only(part: Any, capabilities: tuple[type, ...], always: tuple[str, ...]) -> Any:
    """The part with the methods of these capabilities and no others."""
    names = {name for c in capabilities for name in vars(c) if not name.startswith("_")}
    methods = {
        name: staticmethod(getattr(part, name))
        for name in (*names, *always)
        if callable(getattr(part, name, None))
    }
    return type(f"Only{type(part).__name__}", (), methods)()


@check("solver", once=True)
def a_full_run_is_better_than_the_measurement(part: Any, case: Case) -> Figure:
    """After steps(problem) steps, the estimate is much nearer to E[x | y] than y is.

    A sample of the posterior is half as far, a point estimate less; three quarters are allowed.
    """
    problem = _problem(case)
    _, x = _run(part, problem, _streams(case, problem), steps=None)
    figure = looks_like(x, (len(problem.y), *problem.image_shape), problem.y.dtype, "the estimate")
    if type(problem.prior).__name__ != "GaussianImages":
        return figure
    prior, noise = problem.prior, problem.likelihood
    weight = prior.deviation**2 / (prior.deviation**2 + noise.sigma**2)
    best = prior.mean + weight * (problem.y - prior.mean)
    found = float((x - best).square().mean().sqrt())
    return figure | below(
        found, 0.75 * float((problem.y - best).square().mean().sqrt()), "the way to E[x | y]"
    )


@check("solver")
def states_are_flat_and_keep_their_shapes(part: Any, case: Case) -> Figure:
    """A state holds tensors and numbers whose shapes and types never change."""
    problem = _problem(case)
    streams = _streams(case, problem)
    with torch.no_grad():
        state = part.init(problem, streams, None)
        first = _form(state)
        for _ in range(min(SHORT, part.steps(problem))):
            state = part.step(problem, state, streams)
            now = _form(state)
            holds(now == first, f"the state changed its form from {first} to {now}")
    return Figure(0.0, 1.0)


def _form(state: Any) -> dict[str, object]:
    form: dict[str, object] = {}
    for name, value in _fields(state).items():
        if isinstance(value, Tensor):
            form[name] = (tuple(value.shape), value.dtype)
        else:
            holds(
                value is None or isinstance(value, bool | int | float | str),
                f"the state's field {name} is a {type(value).__name__}; a checkpoint holds tensors "
                "and numbers",
            )
            form[name] = type(value).__name__
    return form


@check("solver")
def step_leaves_its_state_alone(part: Any, case: Case) -> Figure:
    """step returns a new state; the old one, the problem and the global random state stay."""
    problem = _problem(case)
    streams = _streams(case, problem)
    y, random = problem.y.clone(), torch.random.get_rng_state()
    with torch.no_grad():
        state = part.init(problem, streams, None)
        for _ in range(min(SHORT, part.steps(problem))):
            before = _copy(state)
            following = part.step(problem, state, streams)
            _same(before, _fields(state), "step changed the state that it was given")
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
    problem = _problem(case)
    _, one = _run(part, problem, _streams(case, problem))
    _, same = _run(part, problem, _streams(case, problem))
    return close(same, one, 1e-12, "the estimate of a second run with the same seed")


@check("solver", once=True)
def stochastic_tells_the_truth(part: Any, case: Case) -> Figure:
    """Full runs with two seeds differ if and only if `stochastic` is true."""
    problem = _problem(case)
    _, one = _run(part, problem, _streams(case, problem), steps=None)
    _, other = _run(part, problem, _streams(case, problem, 1), steps=None)
    difference = float((one - other).abs().max())
    if part.stochastic:
        return holds(difference > 1e-9, "two seeds give one result, but stochastic is True")
    return below(difference, 1e-6, "the difference of two seeds' results, stochastic being False,")


@check("solver", once=True)
def a_sample_does_not_depend_on_how_many(part: Any, case: Case) -> Figure:
    """Sample i is the same whether two or three were asked for, and in whatever batch."""
    problem = _problem(case)
    few, many = problem.repeat(2), problem.repeat(3)
    _, two = _run(part, few, _streams(case, few))
    _, three = _run(part, many, _streams(case, many))
    return close(three[: len(two)], two, 1e-6, "the first samples of three")


@check("solver", once=True)
def a_run_can_be_resumed(part: Any, case: Case) -> Figure:
    """State and streams hold all there is: a fresh solver goes on from them, bit for bit."""
    problem = _problem(case)
    streams = _streams(case, problem)
    steps = min(SHORT, part.steps(problem))
    with torch.no_grad():
        state, _ = _run(part, problem, streams, steps // 2)
        random = streams.state()
        saved = type(state)(**_arguments(state))
        for _ in range(steps - steps // 2):
            state = part.step(problem, state, streams)
        twin, resumed = pickle.loads(pickle.dumps(part)), _streams(case, problem, 7)
        resumed.restore(random)
        for _ in range(steps - steps // 2):
            saved = twin.step(problem, saved, resumed)
    return _same(_copy(state), _copy(saved), "a resumed run went another way")


def _arguments(state: Any) -> dict[str, Any]:
    aliases = {field.name: field.alias for field in attrs.fields(type(state)) if field.init}
    return {aliases[name]: value for name, value in _copy(state).items() if name in aliases}


@check("solver", once=True)
def a_start_is_taken_or_refused(part: Any, case: Case) -> Figure:
    """init takes x0 `(B, *image)`, or refuses one with InputError; it leaves x0 alone."""
    problem = _problem(case)
    x0 = problem.zeros() + 0.5
    before = x0.clone()
    try:
        state = part.init(problem, _streams(case, problem), x0)
    except InputError as refusal:
        skip(f"it takes no x0: {refusal}")
    with torch.no_grad():
        state = part.step(problem, state, _streams(case, problem))
    holds(bool(torch.equal(x0, before)), "the run changed x0")
    shape: Shape = (len(problem.y), *problem.image_shape)
    return looks_like(part.estimate(state), shape, problem.y.dtype, "the estimate")


@check("solver", once=True)
def single_precision_runs(part: Any, case: Case) -> Figure:
    """A float32 problem is solved in float32."""
    problem = _problem(case.as_float32())
    _, x = _run(part, problem, _streams(case, problem), steps=None)
    shape: Shape = (len(problem.y), *problem.image_shape)
    return looks_like(x, shape, torch.float32, "the estimate")
