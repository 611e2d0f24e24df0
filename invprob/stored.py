"""What is left of a part that a file of a pickled result can't hold: a function, for one.

A lambda, a function or class within another one, or an open file can't be pickled. The images and
figures of a result are worth keeping without them, so each such part is replaced by its words.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from typing import Any, get_args

from attrs import frozen

from .contracts import Domain, HasLogProb, Prior, SamplesPosterior
from .problem import Problem, domain_of

KEPT = (HasLogProb, SamplesPosterior)
"""Capabilities of which the text of a result depends."""


@frozen(eq=False, repr=False)
class Unstored:
    """The place of a part that could not be pickled.

    Attributes:
        text: its repr.
        had: which of `KEPT` it had.
        stochastic: whether it was a solver whose samples differ.
    """

    text: str
    had: tuple[type, ...]
    stochastic: bool
    _domain: Domain

    @property
    def why(self) -> str:
        """What happened to it, and what to do."""
        return (
            f"{self.text} was left out when this result was stored, since it holds a function that"
            " can't be pickled; a function or class at the top of a module can, or say it again"
        )

    def domain(self) -> Domain:
        """That of the part."""
        return self._domain

    def withdrawn(self) -> Mapping[type, str]:
        """All that a prior can do."""
        return dict.fromkeys(get_args(Prior), self.why)

    def __repr__(self) -> str:
        return self.text


def had(part: object, capability: type, /) -> bool:
    """Whether a part has a capability, or had it before it was left out."""
    return capability in part.had if isinstance(part, Unstored) else isinstance(part, capability)


def storable(part: Any, /) -> Any:
    """A part, or a problem, as it can be pickled: without what can't be."""
    if _can_be_pickled(part):
        return part
    if isinstance(part, Problem):
        without = copy.copy(part)
        for role in ("prior", "likelihood"):  # it was checked, and is not again
            object.__setattr__(without, role, storable(getattr(part, role)))
        return without
    stochastic = bool(getattr(part, "stochastic", False))
    able = tuple(one for one in KEPT if isinstance(part, one))
    return Unstored(repr(part), able, stochastic, domain_of(part))


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: Any, /) -> int:
        """All of it is taken."""
        return len(data)


def _can_be_pickled(part: object) -> bool:
    try:
        pickle.Pickler(_Nowhere()).dump(part)
    except Exception:  # any part may raise anything here
        return False
    return True
