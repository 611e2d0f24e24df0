"""The table of checks: plain functions `(part, case) -> Figure`, chosen by capability.

A function enters it by the decorator `check`. Its name is the function's, its identity the
docstring's first sentence. A part is asked every check of its kind whose capabilities it has.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from attrs import frozen

from ..compatibility import lacks
from .case import Case
from .verdict import Figure

Body = Callable[[Any, Case], Figure | None]

SECTIONS = (
    "sampling",
    "gradients",
    "posterior",
    "linear",
    "linearised",
    "operator",
    "prior",
    "denoiser",
    "solver",
    "run",
    "values",
)
"""The modules `checks_...`, in the order in which their checks run."""
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
    """Enter a function into the table.

    Args:
        kinds: one or more kinds of part, such as `"prior likelihood"`.
        requires: the capabilities that a part must have to be asked.
        once: whether one drawn case is enough.

    >>> from invprob.testing import below, check
    >>> from invprob.contracts import Denoises
    >>> @check("prior", Denoises)
    ... def a_flat_image_stays(part, case):
    ...     "A flat image has no noise."
    ...     x = 0.5 + 0 * case.image()
    ...     return below((part.denoise(x, case.sigma()) - x).abs().max(), 0.01, "the change")
    >>> [entry.identity for entry in checks("prior") if entry.name == "a_flat_image_stays"]
    ['A flat image has no noise.']
    >>> del _table["a_flat_image_stays"]
    """

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
    for section in SECTIONS:
        importlib.import_module(f".checks_{section}", __package__)
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
