"""Parts as text: `name:key=value,key=value`.

    gaussian:sigma=25/255        blur:kernel=uniform5                 mask:file=mask.png        pnp

The name is looked up in the catalogue; the keys are the parameters of the component's `from_text`,
and each value is converted to what that parameter's annotation asks for (`invprob.cli.values`). A
piece without `=` continues the value before it: `shape=1,8,8`, or a file name with a comma.

A parameter that is itself a part is written in the same way, in parentheses:

    mixture:noise=(poisson:peak=30),sigma=0.02
    stack:operators=(mask:file=mask.png),(downsample:factor=2),image_shape=3,64,64
"""

from __future__ import annotations

import difflib
import inspect
import math
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from attrs import AttrsInstance, evolve, field, fields, frozen, has

from ..errors import InputError, InvprobError
from .values import Part, annotation_of, convert, in_words, part_of

if TYPE_CHECKING:
    from ..catalogue import Component

_VALUE = re.compile(r"\s*(?:[^\W\d]\w*\s*=\s*)?\(")
"""A value in parentheses, with or without its key before it."""

_NAME = re.compile(r"[a-z0-9-]+")

LISTED = int, float, str, tuple, Path, type(None)
"""Defaults of which something can be said."""

WHITE = 2.0
"""Noise of this standard deviation or more drowns an image in [0, 1]: the unit must be another."""

EXAMPLES = {
    "likelihood": "gaussian:sigma=0.1",
    "operator": "mask:file=mask.png",
    "prior": "denoiser:file=mine.safetensors",
    "solver": "pnp:iterations=20",
}
"""A part of each kind with an option, as it is typed."""


@frozen
class Spec:
    """A component's name and its options, as they were typed."""

    name: str
    options: Mapping[str, str] = field(factory=dict)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        options = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.name}:{options}" if options else self.name


def parse(text: str, kind: str = "likelihood", /) -> Spec:
    """Read `name:key=value,key=value`.

    Args:
        text: what was typed.
        kind: of the part, for an example of one in a refusal.

    Raises:
        InputError: the text does not have that form, or says a key twice.

    >>> parse("gaussian:sigma=25/255").options
    {'sigma': '25/255'}
    >>> parse("mixture:noise=(poisson:peak=30),sigma=0.02").options
    {'noise': '(poisson:peak=30)', 'sigma': '0.02'}
    """
    name, colon, rest = text.partition(":")
    options: dict[str, str] = {}
    last = ""
    for piece in _pieces(rest) if colon else ():
        key, equals, value = piece.partition("=")
        key, equals = (piece, "") if piece.lstrip().startswith("(") else (key.strip(), equals)
        if equals and key.isidentifier():
            if key in options:
                raise InputError(f"{text!r} says {key} twice; say it once")
            options[key], last = value, key
        elif last and not equals:
            options[last] += f",{piece}"  # with its spaces, as of a file's name
        else:
            raise InputError(
                f"{text!r}: {piece.strip()!r} is no option; write name:key=value,key=value, "
                f"for example {EXAMPLES[kind]}"
            )
    head, comma, options_first = text.partition(",")
    if comma and "=" in options_first and not {"=", ":"} & set(head) and head.strip():
        raise InputError(f"{text!r}: a colon follows the name: {head.strip()}:{options_first}")
    if not name.strip() or "=" in name:
        raise InputError(f"{text!r} has no name; write it first: {EXAMPLES[kind]}")
    return Spec(name.strip(), {key: value.strip() for key, value in options.items()})


def _pieces(text: str) -> list[str]:
    """The text, split at the commas that are not in parentheses around a value."""
    pieces, end = [], -1
    while end < len(text):
        start = end + 1
        value = _VALUE.match(text, start)
        end = _closing(text, value.end() - 1) if value else start
        comma = text.find(",", end)
        end = len(text) if comma < 0 else comma
        pieces.append(text[start:end])
    return pieces


def _closing(text: str, opening: int) -> int:
    """Where the parenthesis that opens there is closed."""
    depth = 0
    for place in range(opening, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    raise InputError(
        f"{text!r}: the parenthesis before {text[opening + 1 : opening + 20]!r} is never closed; "
        "a part within a part is written noise=(poisson:peak=30)"
    )


def make(kind: str, text: str, /, given: Mapping[str, object] | None = None) -> Any:
    """Make a part from text.

    Args:
        kind: "prior", "likelihood", "operator" or "solver".
        text: `name:key=value,key=value`.
        given: arguments that come from elsewhere, ready-made; the part must take them.

    Raises:
        UnknownNameError: the catalogue has no such name.
        InputError: an option that the part doesn't have or lacks, or a value that it can't take.
    """
    from ..catalogue import catalogue
    from ..likelihoods.gaussian import Diagonal

    spec, given = parse(text, kind), given or {}
    component = catalogue().get(kind, spec.name)
    parameters = parameters_of(component.from_text)
    named = {**spec.options, **given}
    for key in named:
        if key not in parameters:
            raise InputError(_no_such_option(component, key, list(parameters)))
    for key, parameter in parameters.items():
        if parameter.default is parameter.empty and key not in named:
            raise InputError(f"{kind} {spec.name} needs {key}; type {usage(component)}")
    own = not given or isinstance(given.get("operator"), Diagonal)  # its unit is that of images
    values = {k: _value(component, parameters[k], v, own) for k, v in spec.options.items()}
    try:
        return component.from_text(**values, **given)
    except (InvprobError, OSError):  # a file that is not there says so itself
        raise
    except Exception as error:  # a factory of a plugin may raise anything
        plain = isinstance(error, TypeError | ValueError) and str(error)
        said = plain or f"{type(error).__name__}: {error}".removesuffix(": ")
        raise InputError(f"{kind} {spec}: {said}; type {usage(component)}") from error


def chosen(text: str, kind: str | None = None, /) -> list[Component]:
    """The components of that name, of one kind or of any; with options, those that have them.

    >>> [part.example() for part in chosen("poisson:peak=5")]
    [Poisson(peak=5.0)]
    """
    from ..catalogue import catalogue

    spec, parts = parse(text), catalogue()
    found = [parts.get(kind, spec.name)] if kind else list(parts.find(spec.name))
    if not spec.options:
        return found
    fitting = [one for one in found if spec.options.keys() <= parameters_of(one.from_text).keys()]
    return [evolve(one, example=partial(make, one.kind, text)) for one in fitting or found]


def usage(component: Component, /) -> str:
    """What can be typed for a component: its name, its options and their defaults.

    >>> from invprob.catalogue import Component
    >>> def example(sigma: float, steps: int = 50): ...
    >>> usage(Component("solver", "example", example))
    'example:sigma=<a number>,steps=50'
    """
    options = []
    for name, parameter in parameters_of(component.from_text).items():
        words = in_words(parameter.annotation)
        if part := part_of(parameter.annotation):
            if parameter.default is parameter.empty:
                options.append(f"{name}=({part.kind}){',(...)' if part.many else ''}")
        elif parameter.default is parameter.empty:
            options.append(f"{name}=<{words or 'set it in Python'}>")
        elif words not in ("", "none") and isinstance(parameter.default, LISTED):
            options.append(f"{name}={_typed(parameter.default) or f'<{words}>'}")
    return ":".join(filter(None, (component.name, ",".join(options))))


def _typed(value: object) -> str:
    """How a default is typed; empty for a path, which is of this machine."""
    if isinstance(value, tuple):
        return ",".join(map(_typed, value))
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value}" if isinstance(value, int | float | str) else ""


def parameters_of(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What a factory takes by name, with annotations that are objects."""
    signature = inspect.signature(factory)
    while isinstance(factory, partial):
        factory = factory.func
    module = sys.modules.get(getattr(factory, "__module__", None) or "")
    names = vars(module) if module else {}
    declared = {f.alias: f.type for f in fields(factory)} if _is_attrs(factory) else {}
    found = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            annotation = _evaluated(parameter.annotation, names)
            if annotation in (Any, object, parameter.empty):  # an attrs field may say more
                annotation = _evaluated(declared.get(name) or annotation, names)
            if annotation is parameter.empty:
                annotation = annotation_of(parameter.default)
            found[name] = parameter.replace(annotation=annotation)
    return found


def _is_attrs(factory: object) -> TypeGuard[type[AttrsInstance]]:
    return isinstance(factory, type) and has(factory)


def _evaluated(annotation: object, names: dict[str, Any]) -> object:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, dict(names))  # the text of an installed package
    except Exception:  # a name that only type checkers see: no number and no word
        return object


def _value(component: Component, parameter: inspect.Parameter, text: str, own: bool) -> object:
    who = f"{component.kind} {component.name}: {parameter.name}={text}"
    words = in_words(parameter.annotation)
    part = part_of(parameter.annotation)
    if component.kind == "likelihood" and parameter.name == "operator":
        if not text.startswith("("):
            raise InputError(
                f"{who}: the operator is typed apart, -A mask:file=mask.png, or in parentheses: "
                "operator=(mask:file=mask.png)"
            )
        part = Part("operator")
    if part is not None:
        return _nested(who, part, text)
    if not words:
        raise InputError(f"{who}: that option can't be typed; set it in Python")
    try:
        value = convert(text, parameter.annotation)
    except ValueError:
        raise InputError(f"{who}: it must be {words}") from None
    if component.kind == "likelihood" and parameter.name == "sigma":
        if value == math.inf:
            raise InputError(f"{who}: it must be finite")
        if own and isinstance(value, int | float) and value >= WHITE:
            raise InputError(
                f"{who}: images live in [0, 1], and this noise would drown any; if it is on the "
                f"scale 0..255, type sigma={value:g}/255 (= {value / 255:.3g})"
            )
    return value


def _nested(who: str, part: Part, text: str) -> object:
    """The part, or the tuple of parts, that a value in parentheses stands for."""
    made = []
    for piece in map(str.strip, _pieces(text)):
        wrapped = piece.startswith("(") and piece.endswith(")")
        if not wrapped and not _NAME.fullmatch(piece):
            raise InputError(f"{who}: a part within a part is put in parentheses: ({piece})")
        made.append(make(part.kind, piece[1:-1] if wrapped else piece))
    if len(made) != 1 and not part.many:
        raise InputError(f"{who}: that is one {part.kind}, not {len(made)}")
    return tuple(made) if part.many else made[0]


def _no_such_option(component: Component, key: str, names: list[str]) -> str:
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"; did you mean {near[0]!r}? It" if near else "; it"
    return (
        f"{component.kind} {component.name} has no option {key!r}{hint} takes {usage(component)}"
    )
