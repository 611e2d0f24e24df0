"""What `help` says of public solvers and priors leads to their method and its sources."""

import inspect
import pydoc
import re

import pytest

import invprob as ip

FOLDERS = ("invprob.solvers.", "invprob.priors.")
PARTS = [
    part
    for part in (getattr(ip, name) for name in ip.__all__)
    if inspect.isclass(part) and part.__module__.startswith(FOLDERS)
]


def shown(part: object) -> str:
    """The text of `help(part)`."""
    return pydoc.plain(pydoc.render_doc(part))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_the_class_names_the_page_that_has_its_method_and_sources(part):
    (page,) = re.findall(r'Method, what is exact, references: help\("(.*)"\)\.\n', shown(part))
    module = pydoc.locate(page)
    assert getattr(module, part.__name__) is part
    assert re.search(r"^References?: \w", module.__doc__, re.MULTILINE)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_it_refers_to_nothing_that_it_does_not_show(part):
    methods = [method for name, method in vars(part).items() if not name.startswith("_")]
    text = "\n".join(inspect.getdoc(of) or "" for of in (part, *filter(callable, methods)))
    assert not re.search(r"\b(see|as) above|\babove[).]", text)
    for name in re.findall(r"\bsee `(\w+)`", text):
        assert hasattr(part, name) or hasattr(ip, name), name


def test_all_parts_are_looked_at():
    assert {ip.DDRM, ip.REDADMM, ip.Restart, ip.FlowPrior, ip.GaussianMixturePrior} <= set(PARTS)


def test_adapting_names_its_pages():
    pages = re.findall(r'help\("(.*?)"\)', shown(ip.adapt))
    assert len(pages) == 2
    assert all("Reference" in pydoc.locate(page).__doc__ for page in pages)


@pytest.mark.parametrize(
    ("part", "warning"),
    [
        (ip.DDRM, "vary less than the posterior"),
        (ip.RED, "result is D(x, sigma)"),
        (ip.REDFixedPoint, "result is D(x, sigma)"),
        (ip.REDADMM, "result is D(x, sigma)"),
    ],
)
def test_what_could_be_taken_for_something_else_is_said_before_the_arguments(part, warning):
    assert warning in inspect.getdoc(part).split("Args:")[0]
