"""The contracts' first page lists all of them, each with its file and its methods."""

import re

import pytest
import torch

import invprob as ip
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"channels": 1}, r"channels=1 .*: channels=\(1,\)"),
        ({"channels": (0, 3)}, r"channels=\(0, 3\) .* whole numbers from 1 on"),
        ({"shape": (1.5, 8, 8)}, r"shape=\(1.5, 8, 8\) .*: shape=\(3, 64, 64\)"),
        ({"sigma": 0.5}, r"sigma=0.5 .* the least and the greatest"),
        ({"sigma": (0.5, 0.01)}, r"sigma=\(0.5, 0.01\) .* no range"),
        ({"sigma": (-0.1, 0.5)}, "no range of noise levels"),
        ({"sigma": (float("nan"), 0.5)}, "no range of noise levels"),
        ({"sigma": ("0.1", "0.5")}, "no range of noise levels"),
    ],
)
def test_a_domain_that_can_not_be_is_refused(given, said):
    with pytest.raises(ip.InputError, match=said):
        ip.Domain(**given)


def test_a_domain_is_a_value_whatever_it_was_given_as():
    given = ip.Domain(channels=[1, 3], shape=torch.Size([3, 8, 8]), sigma=[0, torch.inf])
    assert given == ip.Domain(channels=(1, 3), shape=(3, 8, 8), sigma=(0.0, float("inf")))
    assert hash(given) and ip.Domain(sigma=(0.1, 0.1)).sigma == (0.1, 0.1)
    assert ip.Domain(sigma=torch.tensor([0.25, 0.5])).sigma == (0.25, 0.5)
