"""Every example in a docstring runs."""

import doctest
import importlib
import pkgutil

import pytest

import invprob

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(invprob.__path__, "invprob.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    names = {**vars(module), "torch": importlib.import_module("torch"), "ip": invprob}
    assert doctest.testmod(module, extraglobs=names).failed == 0
