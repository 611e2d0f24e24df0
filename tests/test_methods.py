"""The page on methods: every solver and prior is in it, and what it names is there."""

import inspect
import re
from pathlib import Path

import pytest

import invprob as ip

PAGE = Path(__file__).parent.parent / "docs" / "methods.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| paper")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2])
def test_a_row_names_classes_in_their_module_and_parts_of_the_catalogue(row):
    _, python, typed, _ = row
    for names, path in re.findall(r"\[(`.*?`)\]\((.*?)\)", python):
        for name in re.findall(r"`(\w+)", names):
            file = inspect.getsourcefile(getattr(ip, name))
            assert Path(file) == (PAGE.parent / path).resolve(), name
    classes = {getattr(ip, name) for name in re.findall(r"`(\w+)", python)}
    for name in re.findall(r"`(.*?)`", typed):
        if not name.startswith("invprob "):
            factories = [part.factory for part in ip.catalogue().find(name)]
            made = {getattr(factory, "__self__", factory) for factory in factories}
            assert made & classes or name == "xie2023-1", name


def test_every_solver_and_prior_is_there():
    known = {name for row in ROWS for name in re.findall(r"`(.*?)`", row[2])}
    missing = {
        part.name
        for part in ip.catalogue().components
        if part.kind in ("solver", "prior") and part.factory.__module__.startswith("invprob.")
    } - known
    assert not missing


def test_every_command_that_learns_is_there():
    from invprob.cli.cite import LESSONS

    page = PAGE.read_text()
    assert all(f"`invprob {command}`" in page for command in LESSONS)
