"""Ask a part everything: `conforms` for the prompt, `parametrize` for a test file.

Where hypothesis is installed (`pip install 'invprob[testing]'`) it chooses seeds, shapes and batch
sizes, and reduces a failure to a small one; otherwise a few fixed seeds are used. Either way a run
is reproducible, and a failure names the case that shows it.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..contracts import Shape
from ..errors import InputError
from ..problem import Problem
from .case import Case, Images
from .registry import Check, checks, lacking, withdrawal
from .report import Outcome, Report
from .subject import Subject, subject
from .traces import where
from .verdict import CheckFailure, Figure, Skip

if TYPE_CHECKING:
    import pytest


def conforms(
    part: object,
    /,
    *,
    kind: str | None = None,
    seed: int = 0,
    examples: int = 5,
    shape: Shape | None = None,
    images: Images | tuple[float, float] | None = None,
    problem: Problem[Any, Any] | None = None,
) -> Report:
    """Run every check that applies to a part, print the table and return it.

    Args:
        part: a prior, a likelihood, an operator or a solver.
        kind: which of these it is, where its methods leave doubt.
        seed: decides all that is drawn.
        examples: how many cases each exact check is tried on; statistical checks draw one case
            of thousands of samples.
        shape: an image shape that the part takes, where the kit does not find one.
        images: the darkest and brightest pixel that the part is defined for, by default
            `(0.1, 0.9)`; or a function `(shape, generator) -> images`.
        problem: for a solver, a small problem that it can solve, where the kit's Gaussian one
            does not do.

    Returns:
        A `Report`, true if no check failed.

    Raises:
        InputError: the part's kind or an image shape can't be found.

    >>> import invprob as ip
    >>> from invprob.testing import conforms
    >>> report = conforms(ip.Identity(), examples=1)  # doctest: +ELLIPSIS
    operator Identity()
      ...
    >>> bool(report)
    True
    """
    _at_least_one(examples)
    whom = subject(part, kind=kind, shape=shape, images=images, problem=problem)
    outcomes = tuple(_outcome(entry, whom, seed, examples) for entry in checks(whom.kind))
    report = Report(_name(part), whom.kind, outcomes)
    _print(str(report))
    return report


def parametrize(
    *parts: object,
    kind: str | None = None,
    seed: int = 0,
    examples: int = 10,
    shape: Shape | None = None,
    images: Images | tuple[float, float] | None = None,
    problem: Problem[Any, Any] | None = None,
) -> pytest.MarkDecorator:
    """Make one pytest test of every check that applies; the whole test file of a plugin.

        @parametrize(Laplace(scale=0.1))
        def test_conforms(check):
            check()

    A withdrawn capability is skipped with its reason. A function among the parts is called for
    the part. The other arguments are those of `conforms`.
    """
    import pytest

    _at_least_one(examples)
    cases = []
    for part in parts:
        part = part() if inspect.isfunction(part) else part
        whom = subject(part, kind=kind, shape=shape, images=images, problem=problem)
        cases += [
            pytest.param(_test(entry, whom, seed, examples), id=f"{_name(part)}-{entry.name}")
            for entry in checks(whom.kind)
            if not lacking(entry, part)
        ]
    if not cases:
        raise InputError("no check applies; give parametrize at least one part")
    return pytest.mark.parametrize("check", cases)


def _print(text: str) -> None:
    """Print, with question marks for what the terminal or the file has no letters for."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


def _at_least_one(examples: int) -> None:
    if examples < 1:
        raise InputError(f"examples={examples}; a check is tried on one case at least")


def run_check(
    entry: Check, whom: Subject, /, *, seed: int = 0, examples: int = 5
) -> Figure | None:
    """Try one check of a part on several cases and return the last figure.

    Raises:
        CheckFailure: an identity is broken, or the part raised; the message names the case.
        Skip: the check has nothing to say about this part.
    """
    if what := lacking(entry, whom.part):
        raise Skip(what)
    try:
        reason = withdrawal(entry, whom.part)
    except Exception as error:  # a finding, as below
        raise CheckFailure(f"withdrawn() raised {type(error).__name__}: {error}") from error
    if reason:
        raise Skip(reason)
    if entry.once:
        return _attempt(entry, whom, whom.case(seed))
    if importlib.util.find_spec("hypothesis") is None:
        seeds = range(seed, seed + examples)
        shapes = whom.shapes
        figures = [
            _attempt(entry, whom, whom.case(s, shapes[i % len(shapes)], 1 + i % 3))
            for i, s in enumerate(seeds)
        ]
        return figures[-1]
    from .strategies import drive

    return drive(lambda case: _attempt(entry, whom, case), whom, seed, examples)


def _attempt(entry: Check, whom: Subject, case: Case) -> Figure | None:
    try:
        return entry.body(whom.part, case)
    except Skip:
        raise
    except CheckFailure as failure:
        said, cause = str(failure), failure.__cause__ or failure
    except Exception as error:  # whatever a part raises is a finding about the part
        said, cause = f"raised {type(error).__name__}: {error}{where(error, case)}", error
    raise CheckFailure(f"{entry.identity}\n{said}\nshown by {case!r}") from cause


def _outcome(entry: Check, whom: Subject, seed: int, examples: int) -> Outcome:
    if what := lacking(entry, whom.part):
        return Outcome(entry.name, "not asked", what)
    try:
        figure = run_check(entry, whom, seed=seed, examples=examples)
    except Skip as reason:
        return Outcome(entry.name, "skipped", str(reason))
    except CheckFailure as failure:
        return Outcome(entry.name, "failed", str(failure))
    shown = "" if figure is None or figure.worst == 0 else str(figure)
    return Outcome(entry.name, "passed", shown)


def _test(entry: Check, whom: Subject, seed: int, examples: int) -> Callable[[], None]:
    def test() -> None:
        import pytest

        try:
            run_check(entry, whom, seed=seed, examples=examples)
        except Skip as reason:
            pytest.skip(str(reason))

    return test


def _name(part: object) -> str:
    try:
        text = re.sub(r" at 0x[0-9a-f]+", "", repr(part))  # test names are the same in every run
    except Exception:  # a finding of `repr_is_short`
        text = f"{type(part).__name__} without a repr"
    return text if len(text) <= 100 else f"{text[:97]}..."
