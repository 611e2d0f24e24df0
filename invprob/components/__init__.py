"""The built-in parts, by name: our own contribution, through the same door as any plugin's."""

from __future__ import annotations

from collections.abc import Iterable

from ..catalogue import Component
from ..hookspecs import hookimpl
from .likelihoods import likelihoods
from .operators import operators
from .priors import priors
from .solvers import solvers


@hookimpl
def invprob_components() -> Iterable[Component]:
    """Everything that comes with invprob itself."""
    return [*priors(), *likelihoods(), *operators(), *solvers()]
