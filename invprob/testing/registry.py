"""The table of checks. A check is a plain function `(part, case) -> Figure`, chosen by capability.

    @check("likelihood", HasLikelihood, Differentiable)
    def gradient_is_that_of_log_prob(part, case):
        \"""grad_x(y, x) = ∇ₓ log p(y | x).\"""

Its name is the function's, its identity the docstring's first sentence. A part is asked every
check of its kind whose capabilities it has.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from attrs import frozen

from ..compatibility import lacks
from .case import Case
from .verdict import Figure

Body = Callable[[Any, Case], Figure | None]

_table: dict[str, Check] = {}


@frozen(eq=False)
class Check:
    """One identity, and how to test it.

    Attributes:
        name: the function's name.
        identity: what is tested, in a sentence.
        kinds: the kinds of part that are asked.
        requires: the capabilities that a part must have to be asked.
        once: whether one drawn case is enough, because it holds thousands of samples.
        body: the test itself.
    """

    name: str
    identity: str
    kinds: tuple[str, ...]
    requires: tuple[type, ...]
    once: bool
    body: Body


def check(kinds: str, /, *requires: type, once: bool = False) -> Callable[[Body], Body]:
    """Enter a function into the table, for one or more kinds of part: `"prior likelihood"`."""

    def enter(body: Body) -> Body:
        name = body.__name__
        if name in _table:
            raise ValueError(f"two checks are called {name}")
        identity = inspect.cleandoc(body.__doc__ or name).partition("\n\n")[0].replace("\n", " ")
        _table[name] = Check(name, identity, tuple(kinds.split()), requires, once, body)
        return body

    return enter


def checks(kind: str | None = None, /) -> tuple[Check, ...]:
    """All checks, or those of one kind, in the order in which they run."""
    return tuple(c for c in _table.values() if kind is None or kind in c.kinds)


def lacking(entry: Check, part: object, /) -> str | None:
    """The capability without which this part isn't asked, in words; None if it has them all."""
    for capability in entry.requires:
        if not isinstance(part, capability):
            return f"not {capability.__name__}"
    return None


def withdrawal(entry: Check, part: object, /) -> str | None:
    """Why this instance withdrew a capability that the check needs; None if it did not."""
    reasons = (lacks(part, capability) for capability in entry.requires)
    return next((reason for reason in reasons if reason), None)
