"""Solvers: what joins a prior and a likelihood, and what it needs of them."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

from attrs import frozen
from torch import Tensor

if TYPE_CHECKING:
    from ..problem import Problem
    from ..streams import Streams

Capability = type | UnionType


@frozen
class Needs:
    """The capabilities that a solver asks of a prior and of a likelihood.

    Each is a protocol, or several joined by `|` of which one is enough.
    """

    prior: tuple[Capability, ...] = ()
    likelihood: tuple[Capability, ...] = ()


S = TypeVar("S")
P_contra = TypeVar("P_contra", contravariant=True)
L_contra = TypeVar("L_contra", contravariant=True)


class Solver(Protocol[P_contra, L_contra, S]):
    """A method that joins a prior and a likelihood: `init` → `step` → `estimate`.

    A state is a flat `attrs.frozen` class of tensors and numbers, so that a checkpoint is a plain
    file; its shapes never change from one step to the next. A field called `sigma` is shown as the
    run's noise level. `init` calls no denoiser: what is impossible is refused there, for free.
    Generic in the prior's and the likelihood's capabilities, so that a type checker refuses an
    impossible line in the editor; `needs` says the same at run time.
    """

    needs: ClassVar[Needs]
    stochastic: ClassVar[bool]
    """Whether the result depends on the seed, so that asking for several samples makes sense."""

    def steps(self, problem: Problem[P_contra, L_contra], /) -> int:
        """How many steps a full run takes on this problem.

        Raises:
            InputError: it can't be solved for what was measured; the solver is then not offered
                in the place of another.
        """

    def init(
        self, problem: Problem[P_contra, L_contra], streams: Streams, x0: Tensor | None, /
    ) -> S:
        """The state before the first step, from `x0` `(B, *image)` where one is given."""

    def step(self, problem: Problem[P_contra, L_contra], state: S, streams: Streams, /) -> S:
        """The next state; `state` itself is left alone."""

    def estimate(self, state: S, /) -> Tensor:
        """The image `(B, *image)` that this state stands for."""


@runtime_checkable
class EndsEarly(Protocol):
    """A solver that knows when the steps that are left would change nothing."""

    def finished(self, state: Any, /) -> str:
        """Why the run is over, in words that "after step 7 of 9" may follow; empty if not."""


@runtime_checkable
class Remarks(Protocol):
    """A solver whose state tells how far a run got."""

    def remark(self, state: Any, /) -> str:
        """How far, and what to type to get farther, in a line for `print(result)`; or empty."""


@runtime_checkable
class TakesExact(Protocol):
    """A solver that meets its data, so that its results leave nothing of their noise."""

    def exact_below(self, /) -> float:
        """Data with less noise than this are met exactly; others are ignored."""


class AnySolver(Solver[Any, Any, Any], Protocol):
    """A solver of whatever it joins: what a list of different ones holds, for a type checker."""
