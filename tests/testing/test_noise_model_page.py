"""The page on noise models is true: it is the plugin word for word, and its code runs."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from invprob.testing import parametrize, registry

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "plugins" / "invprob-laplace"
PAGE = (ROOT / "docs" / "write-a-noise-model.md").read_text()


def load():
    spec = importlib.util.spec_from_file_location("invprob_laplace", PLUGIN / "invprob_laplace.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


laplace = load()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "invprob_laplace", laplace)
    monkeypatch.setattr(registry, "_table", dict(registry._table))


def test_the_page_is_the_plugin_word_for_word():
    assert blocks("python")[0] == (PLUGIN / "invprob_laplace.py").read_text()
    assert blocks("toml") == [(PLUGIN / "pyproject.toml").read_text()]
    assert blocks("python")[1] == (PLUGIN / "test_invprob_laplace.py").read_text()


def test_the_code_on_the_page_runs(imported, capsys):
    names = {}
    for block in blocks("python")[2:]:
        exec(compile(block, "write-a-noise-model.md", "exec"), names)
    printed = capsys.readouterr().out
    (shown,) = blocks("text")
    for line in shown.strip().splitlines():
        assert " ".join(line.split()) in " ".join(printed.split())


def test_the_plugin_contributes_its_component():
    (component,) = laplace.invprob_components()
    assert (component.kind, component.name) == ("likelihood", "laplace")
    assert component.example() == laplace.Laplace(scale=0.1)


# pickling finds a class by its module, which only an installed plugin has
PICKLED = "survives_pickling"
CASES = parametrize(laplace.Laplace(scale=0.1), laplace.Laplace(scale=0.02), examples=3)


@pytest.mark.parametrize("check", [case for case in CASES.args[1] if PICKLED not in case.id])
def test_the_plugin_conforms(check):
    check()
