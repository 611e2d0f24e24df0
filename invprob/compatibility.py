"""What goes with what: needs against capabilities, refusal with a reason, and the matrix.

A solver declares `needs`; a part has a capability if it has the method and has not withdrawn it.
Everything missing is collected before a run starts and said at once, with what would work instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import UnionType
from typing import Any, get_args

from attrs import frozen

from .catalogue import Catalogue, Component, catalogue, example_of
from .contracts import (
    Annealed,
    AnySolver,
    Capability,
    Denoises,
    Flat,
    HasLogProb,
    HasSVD,
    Invertible,
    LocallyGaussian,
    SamplesPosterior,
    ScoresMeasurement,
    Spectral,
    Withdraws,
)
from .errors import IncompatibleError, InputError, InvprobError
from .problem import Problem

NATURE: dict[type, str] = {
    Denoises: "a posterior mean does not follow from a density or from the score of noisy data",
    HasLogProb: "a normalised density does not follow from a denoiser or a score",
    ScoresMeasurement: "it knows clean images, and not the noise that y has; `invprob train score "
    "FOLDER -l LIKELIHOOD -o score.safetensors` learns a prior that does from noisy images, to be "
    'used as MeasuredPrior.load("score.safetensors"), or --prior measured:file=score.safetensors',
    SamplesPosterior: "it draws no images behind y by itself, as one of `invprob train sampler` "
    "does: GeneratorPrior.load(FILE), or --prior generator:file=FILE",
    Annealed: "only Gaussian noise on a linear measurement leaves this score in closed form",
    Spectral: "only Gaussian noise on a linear measurement falls apart into singular coordinates",
    LocallyGaussian: "no Gaussian is known that stands in for it near an image",
    Flat: "its y tells something about x, as all but that of Unobserved() does",
    Invertible: "there is none where something of the image is lost",
    HasSVD: "its singular vectors are not known",
}
"""Why most parts lack a capability: the mathematics of it, rather than a method not written."""


def any_of(capability: Capability, /) -> tuple[type, ...]:
    """The protocols of which one is enough."""
    return get_args(capability) or (capability,)


def lacks(part: object, capability: Capability, /) -> str | None:
    """Why a part does not have a capability, or any of several, or `None` if it has.

    >>> import invprob as ip
    >>> lacks(ip.Gaussian(sigma=0.1), ip.contracts.Proximal) is None
    True
    """
    if isinstance(capability, UnionType):
        reasons = [lacks(part, one) for one in any_of(capability)]
        return None if None in reasons else "; ".join(filter(None, dict.fromkeys(reasons)))
    if isinstance(part, Withdraws) and (reason := part.withdrawn().get(capability)):
        return reason
    if not isinstance(part, capability):
        nature = NATURE.get(capability)
        lacking = f"it has no method {' and '.join(_methods(capability))}"
        return f"{lacking}: {nature}" if nature else lacking
    return None


def missing(solver: AnySolver, *, prior: object = None, likelihood: object = None) -> list[str]:
    """One sentence for each reason why a given part is not what a solver needs."""
    complaints = []
    for role, part, capabilities in (
        ("prior", prior, solver.needs.prior),
        ("likelihood", likelihood, solver.needs.likelihood),
    ):
        names: dict[str, list[str]] = {}
        for capability in capabilities if part is not None else ():
            if reason := lacks(part, capability):
                names.setdefault(reason, []).append(_is_not(capability))
        complaints += [
            f"{role} {part!r} is {' and '.join(lacking)}: {reason}"
            for reason, lacking in names.items()
        ]
    return complaints


def _is_not(capability: Capability) -> str:
    if isinstance(capability, UnionType):
        return f"neither {' nor '.join(one.__name__ for one in any_of(capability))}"
    return f"not {capability.__name__}"


def accepts(solver: AnySolver, *, prior: object = None, likelihood: object = None) -> bool:
    """Whether a solver finds in these parts all that it needs."""
    return not missing(solver, prior=prior, likelihood=likelihood)


def alternatives(
    problem: Problem[Any, Any], /, *, stochastic: bool = False, typed: bool = False
) -> list[str]:
    """The catalogue's solvers that accept a prior and likelihood, by class or as is typed."""
    found, _ = _examples(catalogue().of_kind("solver"))
    names = (
        part.name if typed else type(solver).__name__
        for part, solver in found
        if accepts(solver, prior=problem.prior, likelihood=problem.likelihood)
        and (solver.stochastic or not stochastic)
    )
    return list(dict.fromkeys(names))


def check(problem: Problem[Any, Any], solver: AnySolver, /, *, samples: bool = False) -> None:
    """Refuse an impossible composition, with everything that is missing and what would work.

    If samples are wanted, that is samplers alone.

    Raises:
        IncompatibleError: the prior or the likelihood lacks what the solver needs.
    """
    if isinstance(solver, type):
        raise InputError(f"{solver.__name__} is a class; give an instance: {solver.__name__}()")
    if not all(hasattr(solver, name) for name in ("needs", "steps", "init", "step", "estimate")):
        raise InputError(f"{solver!r} is no solver; the order is solve(problem, solver)")
    complaints = missing(solver, prior=problem.prior, likelihood=problem.likelihood)
    if complaints:
        name, kind = type(solver).__name__, "sampler" if samples else "solver"
        lines = [f"{name} cannot solve this problem:", *(f"  - {text}." for text in complaints)]
        others = alternatives(problem, stochastic=samples)
        some = f"{kind.title()}s that accept this prior and likelihood: {', '.join(others)}."
        none = f"No installed {kind} accepts this prior and this likelihood together."
        lines.append(some if others else none)
        names = alternatives(problem, stochastic=samples, typed=True)[:3]
        raise IncompatibleError("\n".join(lines), typed=" or ".join(f"-s {one}" for one in names))


@frozen
class Table:
    """Which solver accepts which part of one kind, and why not.

    Attributes:
        title: what the rows are.
        columns: the solvers' names.
        rows: the parts' names.
        reasons: for each (row, column) why it can't be; empty where it can.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    reasons: dict[tuple[str, str], str]

    def markdown(self) -> str:
        """The table in Markdown."""
        lines = [
            f"| {self.title} | " + " | ".join(self.columns) + " |",
            "|---" * (len(self.columns) + 1) + "|",
        ]
        for row in self.rows:
            cells = ("–" if self.reasons[row, column] else "✓" for column in self.columns)
            lines.append(f"| {row} | " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def __str__(self) -> str:
        """The table for a terminal."""
        wide = max(len(self.title), *map(len, self.rows))
        lines = [f"{self.title:<{wide}}  " + "  ".join(self.columns)]
        for row in self.rows:
            cells = (
                f"{'-' if self.reasons[row, column] else 'yes':^{len(column)}}"
                for column in self.columns
            )
            lines.append(f"{row:<{wide}}  " + "  ".join(cells))
        return "\n".join(line.rstrip() for line in lines)


@frozen
class Matrix:
    """The compatibility matrix: one table for each kind of part, and the broken plugins."""

    tables: tuple[Table, ...]
    broken: tuple[str, ...]

    def markdown(self) -> str:
        """The matrix in Markdown."""
        footer = [f"Broken plugin, left out: {who}" for who in self.broken]
        return "\n\n".join([*(table.markdown() for table in self.tables), *footer])

    def __str__(self) -> str:
        """The matrix for a terminal."""
        footer = [f"Broken plugin, left out: {who}" for who in self.broken]
        return "\n\n".join([*map(str, self.tables), *footer])


def matrix(parts: Catalogue | None = None, /) -> Matrix:
    """Compute the matrix from the examples in the catalogue.

    An operator counts as accepted where its `Gaussian(sigma, operator)` is.
    """
    parts = parts or catalogue()
    solvers, faults = _examples(parts.of_kind("solver"))
    tables = []
    for kind in ("prior", "likelihood", "operator"):
        found, faulty = _examples(parts.of_kind(kind))
        faults += faulty
        if found:
            tables.append(_table(kind, {part.name: (kind, one) for part, one in found}, solvers))
    return Matrix(tuple(tables), (*map(str, parts.broken), *faults))


def table(title: str, rows: Mapping[str, Component], /) -> Table:
    """A table of some components, each under its name here, by their examples.

    Raises:
        InputError: an example can't be made.
    """
    examples = {name: (part.kind, example_of(part)) for name, part in rows.items()}
    return _table(title, examples, _examples(catalogue().of_kind("solver"))[0])


def _table(
    title: str, rows: Mapping[str, tuple[str, object]], solvers: list[tuple[Component, Any]]
) -> Table:
    reasons = {
        (row, part.name): "; ".join(_complaints(solver, *example))
        for row, example in rows.items()
        for part, solver in solvers
    }
    return Table(title, tuple(part.name for part, _ in solvers), tuple(rows), reasons)


def _examples(parts: Iterable[Component]) -> tuple[list[tuple[Component, Any]], list[str]]:
    """Each part with its example, and what went wrong with the examples of the others."""
    made, faults = [], []
    for part in parts:
        try:
            made.append((part, example_of(part)))
        except InvprobError as error:
            faults.append(str(error))
    return made, faults


def why(solver: str, part: str, /) -> str:
    """Why a solver does or does not accept a part, both by name.

    Raises:
        UnknownNameError: no component has that name.
    """
    return explain(catalogue().get("solver", solver), catalogue().find(part))


def explain(solver: Component, parts: Iterable[Component], /) -> str:
    """Why a solver does or does not accept each of these parts, by their examples.

    Raises:
        InputError: there are solvers among them only.
    """
    parts, lines = tuple(parts), []
    for part in parts:
        if part.kind == "solver":
            continue
        complaints = _complaints(example_of(solver), part.kind, example_of(part))
        head = f"{solver.name} and the {part.kind} {part.name}"
        lines.append(f"{head}: {'; '.join(complaints) if complaints else 'they go together'}.")
    if not lines:
        names = " and ".join(repr(part.name) for part in parts)
        raise InputError(f"{names} is a solver; name a prior, a likelihood or an operator")
    return "\n".join(lines)


def _complaints(solver: AnySolver, kind: str, example: object) -> list[str]:
    match kind:
        case "prior":
            return missing(solver, prior=example)
        case "likelihood":
            return missing(solver, likelihood=example)
        case _:
            from .likelihoods.gaussian import Gaussian

            return missing(solver, likelihood=Gaussian(sigma=0.1, operator=example))


def _methods(capability: type) -> list[str]:
    methods: list[tuple[str, Callable[..., Any]]] = [
        (name, value)
        for name, value in vars(capability).items()
        if inspect.isfunction(value) and not name.startswith("_")
    ]
    return [
        f"`{name}({', '.join(p for p in inspect.signature(value).parameters if p != 'self')})`"
        for name, value in methods
    ]
