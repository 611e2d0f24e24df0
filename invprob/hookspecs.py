"""The one door for plugins: a hook that returns what a distribution contributes.

A distribution names a module in the entry-point group `invprob`; the module has a function
`invprob_components`, decorated with `hookimpl`, that returns its components. The hook *returns
values*, so a contribution is taken whole or not at all. Built-in parts pass through the same door.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from .catalogue import Component

PROJECT = "invprob"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """What a plugin may implement."""

    @hookspec
    def invprob_components(self) -> Iterable[Component]:  # type: ignore[empty-body]
        """The components that this distribution contributes."""
