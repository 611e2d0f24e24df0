"""What `help` says of public solvers, priors and noise leads to their method and its sources."""

import inspect
import pydoc
import re

import pytest

import invprob as ip

CLASSES = [part for part in (getattr(ip, name) for name in ip.__all__) if inspect.isclass(part)]
PARTS = [
    part for part in CLASSES if part.__module__.startswith(("invprob.solvers.", "invprob.priors."))
]
NOISES = [part for part in CLASSES if part.__module__.startswith("invprob.likelihoods.")]


def shown(part: object) -> str:
    """The text of `help(part)`."""
    return pydoc.plain(pydoc.render_doc(part))


def documented(part: type) -> str:
    """The docstrings of a class and of its public methods."""
    methods = [method for name, method in vars(part).items() if not name.startswith("_")]
    return "\n".join(inspect.getdoc(of) or "" for of in (part, *filter(callable, methods)))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_the_class_names_the_page_that_has_its_method_and_sources(part):
    (page,) = re.findall(r'Method, what is exact, references: help\("(.*)"\)\.\n', shown(part))
    module = pydoc.locate(page)
    assert getattr(module, part.__name__) is part
    assert re.search(r"^References?: \w", module.__doc__, re.MULTILINE)


@pytest.mark.parametrize("part", NOISES, ids=lambda part: part.__name__)
def test_a_noise_names_the_page_that_has_its_formulas(part):
    (page,) = re.findall(r'Formulas: help\("(.*)"\)\.\n', shown(part))
    assert getattr(pydoc.locate(page), part.__name__) is part


@pytest.mark.parametrize("part", CLASSES, ids=lambda part: part.__name__)
def test_nothing_is_said_to_be_above_where_help_shows_nothing_above(part):
    assert not re.search(r"\b(see|as|cases|form|quartic) above|\babove[).]", documented(part))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_it_refers_to_nothing_that_it_does_not_show(part):
    for name in re.findall(r"\bsee `(\w+)`", documented(part)):
        assert hasattr(part, name) or hasattr(ip, name), name


def test_all_parts_are_looked_at():
    assert {ip.DDRM, ip.REDADMM, ip.Restart, ip.FlowPrior, ip.GaussianMixturePrior} <= set(PARTS)
    assert {ip.Gamma, ip.Observed, ip.ColouredGaussian} <= set(NOISES)


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
