"""Checks on what a solver says of its own run: that it is over, how far it got, what it met."""

from __future__ import annotations

from typing import Any

import torch

from ..contracts import EndsEarly, Remarks, TakesExact
from ..problem import Problem
from .case import Case
from .reference import WhiteNoise
from .registry import check
from .solver_runs import SHORT, problem_of, run, streams_of
from .verdict import Figure, close, holds, skip


@check("solver", EndsEarly, once=True)
def a_finished_run_stands_still(part: Any, case: Case) -> Figure:
    """Where `finished(state)` says that the run is over, the next step changes no estimate."""
    problem = problem_of(case)
    streams = streams_of(case, problem)
    with torch.no_grad():
        state = part.init(problem, streams, None)
        for _ in range(part.steps(problem)):
            if part.finished(state):
                following = part.step(problem, state, streams)
                return holds(
                    bool(torch.equal(part.estimate(following), part.estimate(state))),
                    f"the run was over ({part.finished(state)}), and a step changed the estimate",
                )
            state = part.step(problem, state, streams)
    skip("its run of all steps never finished before")


@check("solver", Remarks, once=True)
def a_remark_is_a_line(part: Any, case: Case) -> Figure:
    """`remark(state)` is one line of text or empty, from the first state on."""
    problem = problem_of(case)
    streams = streams_of(case, problem)
    with torch.no_grad():
        state = part.init(problem, streams, None)
        for _ in range(min(SHORT, part.steps(problem))):
            state = part.step(problem, state, streams)
            said = part.remark(state)
            holds(isinstance(said, str) and "\n" not in said, f"remark(state) is {said!r}")
    return Figure(0.0, 1.0)


@check("solver", TakesExact, once=True)
def data_with_little_noise_are_met(part: Any, case: Case) -> Figure:
    """Where the noise is below `exact_below()`, the result is the data."""
    given = problem_of(case)
    problem = Problem(given.prior, WhiteNoise(sigma=0.1 * part.exact_below()), given.y)
    _, found = run(part, problem, streams_of(case, problem), steps=None)
    return close(found, problem.y, 1e-4, "a result whose data were all met")
