"""The matrix: which solver accepts which prior, likelihood and operator, and why not the others.

It is computed from the examples of what is installed, plugins included; nobody writes it by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from .catalogue import Catalogue, Component, catalogue, examples_of, usable_example
from .compatibility import missing
from .contracts import AnySolver
from .errors import InputError


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
    solvers, faults = examples_of(parts.of_kind("solver"))
    tables = []
    for kind in ("prior", "likelihood", "operator"):
        found, faulty = examples_of(parts.of_kind(kind))
        faults += faulty
        if found:
            tables.append(_table(kind, {part.name: (kind, one) for part, one in found}, solvers))
    return Matrix(tuple(tables), (*map(str, parts.broken), *faults))


def table(title: str, rows: Mapping[str, Component], /) -> Table:
    """A table of some components, each under its name here, by their examples.

    Raises:
        InputError: an example can't be made.
    """
    examples = {name: (part.kind, usable_example(part)) for name, part in rows.items()}
    return _table(title, examples, examples_of(catalogue().of_kind("solver"))[0])


def _table(
    title: str, rows: Mapping[str, tuple[str, object]], solvers: list[tuple[Component, Any]]
) -> Table:
    reasons = {
        (row, part.name): "; ".join(_complaints(solver, *example))
        for row, example in rows.items()
        for part, solver in solvers
    }
    return Table(title, tuple(part.name for part, _ in solvers), tuple(rows), reasons)


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
        complaints = _complaints(usable_example(solver), part.kind, usable_example(part))
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
