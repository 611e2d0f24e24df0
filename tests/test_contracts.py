"""The contracts' first page lists all of them, each with its file and its methods."""

import re

import pytest

from invprob import contracts

LINES = re.findall(r"^    (\w*) +([A-Z]\w+) +(.+)$", contracts.__doc__, re.MULTILINE)
FILES = [file for file, _, _ in LINES]
LISTED = {
    name: (next(filter(None, reversed(FILES[: number + 1]))), methods)
    for number, (_, name, methods) in enumerate(LINES)
}


def is_protocol(value):
    return isinstance(value, type) and getattr(value, "_is_protocol", False)


NAMES = [name for name in vars(contracts) if name[0].isupper()]
PROTOCOLS = [name for name in NAMES if is_protocol(getattr(contracts, name))]


def test_nothing_else_is_listed():
    assert set(LISTED) == set(PROTOCOLS)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_on_the_page(name):
    assert re.search(rf"\b{name}\b", contracts.__doc__)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_file_and_methods(name):
    protocol, (file, methods) = getattr(contracts, name), LISTED[name]
    assert protocol.__module__ == f"invprob.contracts.{file}"
    defined = {name for name, value in vars(protocol).items() if callable(value)}
    assert {name for name in defined if name[0] != "_"} <= set(re.findall(r"\w+", methods))
