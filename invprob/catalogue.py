"""The catalogue: every part by name, installed plugins included.

Built-ins and plugins are discovered on first use, never at import. A broken plugin is left out,
warned about once, and stays visible: in `broken`, in the matrix and in "unknown name" errors.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from attrs import Factory, field, frozen, validators

from .errors import InputError, InvprobError, UnknownNameError

KINDS = ("prior", "likelihood", "operator", "solver")
OF_SOLVERS = ("needs", "stochastic", "steps", "init", "step", "estimate")
"""What every solver has."""


def _check_name(_: object, __: object, name: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise InputError(
            f"{name!r} is no component name; use lower-case words with hyphens, like 'my-prior'"
        )


def _check_kind(_: object, __: object, kind: Any) -> None:
    if kind not in KINDS:
        raise InputError(f"{kind!r} is no kind of component; use one of {', '.join(KINDS)}")


def _factory(part: Component) -> Callable[..., Any]:
    return part.factory


_FACTORY: Any = Factory(_factory, takes_self=True)


@frozen
class Component:
    """A part by name.

    Args:
        kind: "prior", "likelihood", "operator" or "solver".
        name: what users type: lower-case words with hyphens.
        factory: makes the part; usually its class.
        example: makes a small one without files or network, for the matrix and for
            `invprob check`; by default `factory()`.
        summary: one line.
        reference: the source, for people who cite.
        from_text: makes the part from what a command line can say (numbers, words, file names),
            where the factory itself wants tensors; by default the factory.

    >>> import invprob as ip
    >>> ip.Component("likelihood", "quiet", lambda: ip.Gaussian(sigma=0.01)).example()
    Gaussian(sigma=0.01)
    """

    kind: str = field(validator=_check_kind)
    name: str = field(validator=_check_name)
    factory: Callable[..., Any] = field(validator=validators.is_callable())
    example: Callable[[], Any] = field(default=_FACTORY, kw_only=True)
    summary: str = field(default="", kw_only=True)
    reference: str = field(default="", kw_only=True)
    from_text: Callable[..., Any] = field(default=_FACTORY, kw_only=True)


def example_of(part: Component, /) -> Any:
    """The component's example.

    Raises:
        InputError: it can't be made, in words.
    """
    try:
        return part.example()
    except InvprobError:
        raise
    except Exception as error:
        raise InputError(
            f"the example of {part.kind} {part.name} raised {type(error).__name__}: {error}; give "
            "its Component an example=, a function without arguments that makes a small one"
        ) from error


def usable_example(part: Component, /) -> Any:
    """The component's example, which is what it says.

    Raises:
        InputError: it can't be made, or is something else, in words.
    """
    example = example_of(part)
    if why := _what_it_lacks(part.kind, example):
        kind = part.kind
        raise InputError(f"the example of {kind} {part.name} is no {kind}: it has no {why}")
    return example


def _what_it_lacks(kind: str, example: object) -> str:
    from .contracts import Likelihood, LinearOperator, Needs, Prior

    if kind == "solver":
        lacking = [name for name in OF_SOLVERS if not hasattr(example, name)]
        if not lacking and not isinstance(getattr(example, "needs", None), Needs):
            lacking = ["needs of the class Needs"]
        return ", ".join(lacking)
    kinds: dict[str, tuple[Any, str]] = {
        "likelihood": (Likelihood, "method `sample(x, generator)`"),
        "operator": (LinearOperator, "methods `forward(x)`, `adjoint(y)` and `out_shape(shape)`"),
        "prior": (Prior, "method of a prior, such as `denoise(x, sigma)`"),
    }
    wanted, methods = kinds[kind]
    return "" if isinstance(example, wanted) else methods


def examples_of(parts: Iterable[Component]) -> tuple[list[tuple[Component, Any]], list[str]]:
    """Each part with its example, and what went wrong with the examples of the others."""
    made, faults = [], []
    for part in parts:
        try:
            made.append((part, usable_example(part)))
        except InvprobError as error:
            faults.append(str(error))
    return made, faults


@frozen
class Contribution:
    """What one distribution brought.

    Attributes:
        plugin: the entry point's name; "built-in" for our own.
        distribution: the distribution's name.
        version: its version.
        components: its parts, empty if it is broken.
        cause: why it is broken; empty if it is not.
    """

    plugin: str
    distribution: str
    version: str
    components: tuple[Component, ...] = ()
    cause: str = ""

    def __str__(self) -> str:
        """One line for people."""
        who = f"{self.distribution} {self.version}"
        if self.cause:
            return f"{self.plugin} ({who}): broken: {self.cause}"
        parts = ", ".join(f"{part.kind} {part.name}" for part in self.components)
        return f"{self.plugin} ({who}): {parts or 'nothing'}"


@frozen
class Catalogue:
    """All parts that are installed."""

    contributions: tuple[Contribution, ...]

    @property
    def components(self) -> tuple[Component, ...]:
        """Every component, built-ins first."""
        return tuple(part for who in self.contributions for part in who.components)

    @property
    def broken(self) -> tuple[Contribution, ...]:
        """The plugins that could not be taken."""
        return tuple(who for who in self.contributions if who.cause)

    @property
    def priors(self) -> Mapping[str, Callable[..., Any]]:
        """Factories of priors, by name."""
        return self._factories("prior")

    @property
    def likelihoods(self) -> Mapping[str, Callable[..., Any]]:
        """Factories of likelihoods, by name."""
        return self._factories("likelihood")

    @property
    def operators(self) -> Mapping[str, Callable[..., Any]]:
        """Factories of linear operators, by name."""
        return self._factories("operator")

    @property
    def solvers(self) -> Mapping[str, Callable[..., Any]]:
        """Factories of solvers, by name."""
        return self._factories("solver")

    def of_kind(self, kind: str, /) -> tuple[Component, ...]:
        """The components of one kind."""
        return tuple(part for part in self.components if part.kind == kind)

    def get(self, kind: str, name: str, /) -> Component:
        """One component; `UnknownNameError` with the nearest names if there is none.

        >>> import invprob as ip
        >>> ip.catalogue().get("solver", "pnp").name
        'pnp'
        """
        parts = {part.name: part for part in self.of_kind(kind)}
        if name in parts:
            return parts[name]
        elsewhere = [part.kind for part in self.components if part.name == name]
        raise UnknownNameError(self._unknown(kind, name, list(parts), elsewhere))

    def find(self, name: str, /) -> tuple[Component, ...]:
        """All components of that name, of whatever kind; `UnknownNameError` if there is none."""
        found = tuple(part for part in self.components if part.name == name)
        if not found:
            names = sorted({part.name for part in self.components})
            raise UnknownNameError(self._unknown("component", name, names, []))
        return found

    def _factories(self, kind: str) -> Mapping[str, Callable[..., Any]]:
        return MappingProxyType(_Factories(self, kind))

    def _unknown(self, kind: str, name: str, names: list[str], elsewhere: list[str]) -> str:
        lines = [f"there is no {kind} called {name!r}"]
        near = difflib.get_close_matches(_as_typed(name), names, n=3, cutoff=0.5)
        if near:
            lines[0] += "; did you mean " + " or ".join(map(repr, near)) + "?"
        elif elsewhere:
            lines[0] += f", but one of kind {' and '.join(elsewhere)}"
        lines.append(f"There is: {', '.join(sorted(names))}.")
        lines += [f"Broken plugin: {who}" for who in self.broken]
        return "\n".join(lines)


class _Factories(dict[str, Callable[..., Any]]):
    """Factories of one kind; an unknown name is answered with the nearest ones."""

    def __init__(self, whole: Catalogue, kind: str) -> None:
        super().__init__({part.name: part.factory for part in whole.of_kind(kind)})
        self.whole, self.kind = whole, kind

    def __missing__(self, name: str) -> Callable[..., Any]:
        return self.whole.get(self.kind, name).factory


def _as_typed(name: str) -> str:
    """How the name of a class would be typed.

    >>> _as_typed("ProximalGradient"), _as_typed("PnP"), _as_typed("split-gibs")
    ('proximal-gradient', 'pnp', 'split-gibs')
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "-", name).lower()


def catalogue() -> Catalogue:
    """Every part that is installed, found once per process.

    `INVPROB_PLUGINS=""` loads no plugin, `"median,glow"` those; `INVPROB_STRICT=1` raises
    `PluginError` for a broken one instead of leaving it out.

    >>> import invprob as ip
    >>> "gaussian" in ip.catalogue().likelihoods
    True
    """
    chosen = os.environ.get("INVPROB_PLUGINS")
    return _catalogue(chosen, os.environ.get("INVPROB_STRICT", "") not in ("", "0"))


@lru_cache(maxsize=4)
def _catalogue(chosen: str | None, strict: bool) -> Catalogue:
    from .plugins import discover

    only = None if chosen is None else tuple(filter(None, map(str.strip, chosen.split(","))))
    return Catalogue(discover(only=only, strict=strict))
