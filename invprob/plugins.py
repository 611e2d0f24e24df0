"""Discovery of plugins, so careful that a broken one costs a warning and nothing else.

One entry point at a time, each with a plugin manager of its own, each in its own `try`: a plugin
that fails to import, has a wrong signature, raises, returns something else or takes a name that is
taken is left out as a whole. Built-ins come first, then distributions in alphabetical order, so
the outcome does not depend on the order of installation.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

import pluggy

from . import __version__, components
from .catalogue import Component, Contribution
from .errors import PluginError, PluginWarning
from .hookspecs import PROJECT, Hooks


def discover(
    *, only: tuple[str, ...] | None = None, strict: bool = False
) -> tuple[Contribution, ...]:
    """What the built-ins and the installed plugins contribute.

    Args:
        only: the names of the entry points to load; `None` for all.
        strict: raise `PluginError` for a broken plugin.
    """
    own = Contribution("built-in", PROJECT, __version__, _components_of(components))
    found = [own]
    taken = {(part.kind, part.name): own for part in own.components}
    for entry in sorted(entry_points(group=PROJECT), key=lambda e: (_distribution(e), e.name)):
        if only is not None and entry.name not in only:
            continue
        who = _load(entry, taken, strict)
        taken |= {(part.kind, part.name): who for part in who.components}
        found.append(who)
    for name in set(only or ()) - {who.plugin for who in found}:
        warnings.warn(
            f"INVPROB_PLUGINS names {name!r}, which is not installed", PluginWarning, stacklevel=2
        )
    return tuple(found)


def _load(
    entry: EntryPoint, taken: dict[tuple[str, str], Contribution], strict: bool
) -> Contribution:
    distribution, number = _distribution(entry), (entry.dist and entry.dist.version) or "?"
    try:
        parts = _components_of(entry.load())
        for part in parts:
            if other := taken.get((part.kind, part.name)):
                raise ValueError(
                    f"the {part.kind} name {part.name!r} is taken by {other.distribution} "
                    f"{other.version}"
                )
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__name__}: {error}".strip().replace("\n", " ")
        who = Contribution(entry.name, distribution, number, cause=cause)
        if strict:
            raise PluginError(str(who)) from error
        warnings.warn(
            f"plugin {who}. It is left out; INVPROB_STRICT=1 shows the traceback",
            PluginWarning,
            stacklevel=2,
        )
        return who
    return Contribution(entry.name, distribution, number, parts)


def _components_of(plugin: object) -> tuple[Component, ...]:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    manager.register(plugin)
    if not manager.hook.invprob_components.get_hookimpls():
        raise TypeError(
            "it implements no hook: define invprob_components() and decorate it with @hookimpl; "
            "from invprob import Component, hookimpl"
        )
    returned = manager.hook.invprob_components()  # without those that are None
    if not returned:
        raise TypeError("invprob_components() returned None; return a list of Component")
    parts = [part for values in returned for part in _iterable(values)]
    names = [(part.kind, part.name) for part in parts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"it returns more than one component called {sorted(twice)[0]}")
    return tuple(parts)


def _iterable(values: object) -> Iterable[Component]:
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        raise TypeError(
            f"invprob_components() returned {type(values).__name__}, not a list of Component"
        )
    for part in values:
        if not isinstance(part, Component):
            raise TypeError(
                f"invprob_components() returned a {type(part).__name__} among its components; "
                "each must be a Component; from invprob import Component, hookimpl"
            )
        yield part


def _distribution(entry: EntryPoint) -> str:
    return (entry.dist and entry.dist.name) or "unknown"  # one removed by halves has none
