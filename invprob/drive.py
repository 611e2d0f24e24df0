"""The driver: the only place with a loop, and with files, time and progress around it.

`iterate` turns a problem and a solver into a stream of events; `solve` is a for-loop over it. A
solver is a pure recursion `state → state`; randomness comes from one generator per row, spawned
from the seed, so sample i is the same however many are asked for. An event holds all that is
needed to go on from it, the generators' states included: a resumed run is bit-identical to one
that was never interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from attrs import field, frozen
from torch import Tensor

from .asked import check_calls, check_samples, starting
from .checkpoint import Identity, load_checkpoint
from .compatibility import check
from .contracts import AnySolver, EndsEarly, Remarks, Solver
from .errors import InputError
from .explained import explained
from .problem import Problem
from .progress import Progress, Watch
from .recommendation import recommend
from .result import Record, Result
from .streams import Streams
from .trace import Trace

P = TypeVar("P")
L = TypeVar("L")
S = TypeVar("S")


@frozen(eq=False)
class Event:
    """A run after some step; callbacks and stop rules see it and change nothing.

    Attributes:
        step: steps done so far; 0, or where the checkpoint was, in the first event of a run.
        steps: steps of a full run.
        seconds: time since the run's first event.
        state: the solver's state.
        random: the generators' states `(rows, n)`, captured with the state.
        identity: what is being solved, with which seed; checkpoints carry it.
    """

    step: int
    steps: int
    seconds: float
    state: Any = field(repr=False)
    random: Tensor = field(repr=False)
    identity: Identity = field(repr=False)

    @property
    def problem(self) -> Problem[Any, Any]:
        """The problem being solved, one row per sample and measurement."""
        return self.identity.problem

    @property
    def solver(self) -> AnySolver:
        """The solver."""
        return self.identity.solver

    @property
    def sigma(self) -> float | None:
        """The run's present noise level, where the solver's state has one."""
        sigma = getattr(self.state, "sigma", None)
        return None if sigma is None else float(sigma)

    @property
    def finished(self) -> str:
        """Why the run is over; empty if it is not."""
        if self.step == self.steps:
            return f"ran all {self.steps} steps" if self.steps > 1 else "ran its only step"
        solver = self.solver
        why = solver.finished(self.state) if isinstance(solver, EndsEarly) else ""
        return f"{why}, after step {self.step} of {self.steps}" if why else ""

    def estimate(self) -> Tensor:
        """The image that this state stands for, `(rows, *image)`."""
        with torch.no_grad():
            return self.solver.estimate(self.state)


@runtime_checkable
class HandlesStop(Protocol):
    """A callback that wants to know of the event at which a stop rule ends a run."""

    def stopped(self, event: Event, /) -> None:
        """Do what is to be done."""


@runtime_checkable
class HandlesInterrupt(Protocol):
    """A callback that has something to save when the run is interrupted."""

    def interrupted(self, event: Event, /) -> str:
        """Save it, and say in a sentence how to go on."""


Callback = Callable[[Event], object]
StopRule = Callable[[Event], bool]


def iterate(
    problem: Problem[P, L],
    solver: Solver[P, L, S],
    *,
    seed: int = 0,
    x0: Tensor | None = None,
    resume: str | PathLike[str] | None = None,
) -> Iterator[Event]:
    """A run as a stream of events, for people who want to hold the loop themselves.

    Everything that can be refused is refused at the call. The first event is the start; the last
    one is `finished`, after all steps or, where the solver says so, before.

    Args:
        problem: what to solve; `problem.repeat(n)` for n samples.
        solver: how.
        seed: of all randomness.
        x0: where to start, `(B, *image)`; by default the solver's choice.
        resume: a checkpoint of the same problem and solver to go on from.

    Raises:
        IncompatibleError: the prior or the likelihood lacks what the solver needs.
        InputError: an impossible value.
        CheckpointError: the checkpoint is damaged, or of something else.

    >>> import invprob as ip, torch
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.rand(1, 1, 4, 4))
    >>> [event.step for event in ip.iterate(problem, ip.PnP(iterations=2))]
    [0, 1, 2]
    """
    check(problem, solver)
    identity = Identity(problem, solver, seed)
    streams = Streams(seed, problem.samples, problem.measurements)
    steps, first = solver.steps(problem), 0
    with torch.no_grad(), explained(problem):
        state = _given(solver, "init", solver.init(problem, streams, starting(problem, x0)))
    if resume is not None:
        state, first = load_checkpoint(resume, identity, state, steps, streams)
    return _events(identity, state, streams, range(first, steps + 1))


def _events(
    identity: Identity,
    state: Any,
    streams: Streams,
    span: range,
) -> Iterator[Event]:
    steps, begin = span.stop - 1, time.perf_counter()
    event = Event(span.start, steps, 0.0, state, streams.state(), identity)
    yield event
    for step in span[1:]:
        if event.finished:
            return
        with torch.no_grad(), explained(identity.problem):
            made = identity.solver.step(identity.problem, state, streams)
        state = _given(identity.solver, "step", made)
        seconds = time.perf_counter() - begin
        event = Event(step, steps, seconds, state, streams.state(), identity)
        yield event


def solve(
    problem: Problem[P, L],
    solver: Solver[P, L, S] | None = None,
    *,
    samples: int | None = None,
    seed: int = 0,
    x0: Tensor | None = None,
    resume: str | PathLike[str] | None = None,
    stop: StopRule | None = None,
    callbacks: Sequence[Callback] = (),
    progress: Progress = None,
) -> Result:
    """Solve a problem: one estimate, or posterior samples.

    Args:
        problem: what to solve.
        solver: how; by default what `recommend` says, a sampler if `samples` is given.
        samples: how many posterior samples of each measurement; by default one result.
        seed: of all randomness; sample i depends on (seed, i), not on how many are asked for.
        x0: where to start, `(B, *image)`; by default the solver's choice.
        resume: a checkpoint (see `SaveEvery`) of the same problem, solver, samples and seed.
        stop: a rule that ends the run early when it returns true, such as `StopAfter(60)`.
        callbacks: called with every event.
        progress: whether to show a bar on standard error, by default if that is a terminal;
            `"lines"` is a line every 30 seconds instead, with the time that is left.

    Raises:
        IncompatibleError: the prior or the likelihood lacks what the solver needs, or no solver
            accepts both.
        InputError: an impossible value.
        CheckpointError: the checkpoint is damaged, or of something else.
        DivergenceError: the run produced values that are not finite, or ended far beyond what
            images are; `best` is the last sensible estimate.

    >>> import invprob as ip, torch
    >>> prior = ip.GaussianPrior(mean=torch.full((1, 4, 4), 0.5), sd=0.2)
    >>> problem = ip.Problem(prior, ip.Gaussian(sigma=0.1), torch.rand(2, 1, 4, 4))
    >>> result = ip.solve(problem, ip.Restart(), samples=3, seed=0)
    >>> result.samples.shape, result.std.shape
    (torch.Size([3, 2, 1, 4, 4]), torch.Size([2, 1, 4, 4]))
    """
    check_calls(callbacks, stop)
    if solver is None:
        solver = recommend(problem, samples=samples is not None).solver
    check(problem, solver, samples=samples is not None)
    if samples is not None:
        check_samples(problem, solver, samples)
        problem = problem.repeat(samples)
    events = iterate(problem, solver, seed=seed, x0=x0, resume=resume)
    history: list[Record] = []
    event, stopped = next(events), ""
    trace = Trace(event)
    with Watch(event, trace, show=progress) as watch:
        try:
            while True:
                for callback in callbacks:
                    callback(event)
                if stop is not None and stop(event):
                    stopped = f"stopped by {stop!r} after step {event.step} of {event.steps}"
                    _tell_of_the_stop(event, callbacks)
                    break
                following = next(events, None)
                if following is None:
                    stopped = event.finished
                    break
                event = following
                with explained(problem):
                    change = trace.see(event)
                history.append(Record(event.step, event.seconds, event.sigma, change))
                watch.see(event)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_interrupted(event, callbacks)) from None
        watch.finish(event)
        trace.finish(event)
    shape = (problem.samples, problem.measurements, *problem.image_shape)
    with explained(problem):
        found = event.estimate().reshape(shape)
    return Result(
        found,
        event.step,
        stopped,
        tuple(history),
        solver=solver,
        problem=problem,
        mixing=trace.mixing(),
        remark=solver.remark(event.state) if isinstance(solver, Remarks) else "",
        finished=bool(event.finished),
    )


def _given(solver: AnySolver, method: str, state: Any) -> Any:
    if state is None:
        raise InputError(f"`{method}` of {solver!r} returned None; it has to return the state")
    return state


def _tell_of_the_stop(event: Event, callbacks: Sequence[Callback]) -> None:
    parts: Sequence[object] = callbacks
    for part in parts:
        if isinstance(part, HandlesStop):
            part.stopped(event)


def _interrupted(event: Event, callbacks: Sequence[Callback]) -> str:
    parts: Sequence[object] = callbacks
    said = [part.interrupted(event) for part in parts if isinstance(part, HandlesInterrupt)]
    where = f"interrupted after step {event.step} of {event.steps}; "
    return where + (
        " ".join(said) or "nothing was saved: add callbacks=[SaveEvery(50, 'run.ckpt')]"
    )
