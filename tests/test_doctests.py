"""Every example in a docstring runs; those of public names with nothing but what they import."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import invprob

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(invprob.__path__, "invprob.")
    if not module.name.endswith("__main__")
)
PARTS = [getattr(invprob, name) for name in invprob.__all__]
PUBLIC = {
    f"{part.__module__}.{part.__qualname__}"
    for part in PARTS
    if inspect.isclass(part) or inspect.isfunction(part)
} | {invprob.kernels.__name__}


def is_public(name: str) -> bool:
    """Whether this is the name of something that `invprob` exports, or of a method of it."""
    return any(name == public or name.startswith(f"{public}.") for public in PUBLIC)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    names = {**vars(module), "torch": importlib.import_module("torch"), "ip": invprob}
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(module, name, globs=names):
        if is_public(test.name):
            test.globs = {"__name__": "__main__"}
        runner.run(test)
    assert runner.failures == 0


def test_some_examples_are_of_public_names():
    module = importlib.import_module("invprob.priors.flow")
    found = {test.name for test in doctest.DocTestFinder().find(module) if test.examples}
    assert {name for name in found if is_public(name)} == {
        "invprob.priors.flow.FlowPrior",
        "invprob.priors.flow.FlowPrior.pretrained",
    }
    assert len(PUBLIC) > 70
