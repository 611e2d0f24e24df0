"""The kit is tested by planting bugs: the named check must find its own, and pass without it."""

from __future__ import annotations

import planted_builtin_bugs as builtin
import planted_density_bugs as densities
import planted_inference_bugs as inference
import planted_neighbour_bugs as neighbours
import planted_operator_bugs as operators
import planted_prior_bugs as priors
import planted_solver_bugs as solvers
import pytest
from small_parts import Gamma, Poisson, Square

from invprob.testing import CheckFailure, Skip, checks, run_check, subject
from invprob.testing.reference import WhiteNoise

TABLES = {
    "likelihood": densities.BUGS | inference.BUGS,
    "operator": operators.BUGS,
    "prior": priors.BUGS,
    "solver": solvers.BUGS,
}
BUGS = [
    pytest.param(bug, kind, part, check, id=f"{kind}: {bug}")
    for kind, table in TABLES.items()
    for bug, (part, check) in table.items()
] + [
    pytest.param(bug, None, part, check, id=f"built-in {bug}")
    for bug, (part, check) in builtin.BUGS.items()
]
RAISING = {"refuses its own measurements", "a step must have rows"}
"""Bugs that end in an error; all others are found by what a check compares."""
CHECKS = {entry.name: entry for entry in checks()}
RECOMMENDED_ONLY = {"is_frozen", "answers_need_no_gradient", "no_call_takes_long"}
SOUND = [
    WhiteNoise(sigma=0.3),
    Gamma(),
    Poisson(),
    Square(),
    operators.wide,
    operators.low_rank,
    operators.square,
    operators.blur,
    operators.mask,
    priors.images,
    priors.Windows(),
    solvers.walk,
    solvers.descent,
]


@pytest.mark.parametrize(("bug", "kind", "part", "check"), BUGS)
def test_a_planted_bug_is_found_by_its_check(bug, kind, part, check):
    with pytest.raises(CheckFailure) as found:
        run_check(CHECKS[check], subject(part, kind=kind), examples=3)
    assert ("\nraised " in str(found.value)) == (bug in RAISING)


@pytest.mark.parametrize(
    ("part", "entry"),
    [
        pytest.param(part, entry, id=f"{part!r:.40}-{entry.name}")
        for part in SOUND
        for entry in checks(subject(part).kind)
    ],
)
def test_the_part_without_the_bug_passes(part, entry):
    try:
        run_check(entry, subject(part), examples=3)
    except Skip:
        pass


def test_every_check_has_a_bug_of_its_own():
    finer = (vars(neighbours)[f"{kind.upper()}S"] for kind in TABLES)
    caught = {row[1] for table in (*TABLES.values(), *finer) for row in table.values()}
    assert set(CHECKS) - caught == RECOMMENDED_ONLY


def test_there_are_many_bugs():
    assert len(BUGS) >= 120
