"""Broken plugins cost a warning, and nothing else."""

from __future__ import annotations

import importlib
import re
import sys
import textwrap

import pytest
import torch

import invprob as ip
from invprob.catalogue import Catalogue
from invprob.plugins import discover

HEAD = "from invprob import Component, hookimpl, GaussianPrior, PnP\n"
BROKEN = {
    "missing_import": ("import a_package_that_is_not_there", "ModuleNotFoundError.*not_there"),
    "wrong_signature": (
        HEAD + "@hookimpl\ndef invprob_components(config):\n    return []",
        "PluginValidationError.*config",
    ),
    "raising": (
        HEAD + "@hookimpl\ndef invprob_components():\n    raise RuntimeError('no licence file')",
        "RuntimeError: no licence file",
    ),
    "duplicate": (
        HEAD
        + "@hookimpl\ndef invprob_components():\n    return [Component('solver', 'pnp', PnP)]",
        "the solver name 'pnp' is taken by invprob",
    ),
    "wrong_type": (
        HEAD + "@hookimpl\ndef invprob_components():\n    return [PnP]",
        "returned a type among its components",
    ),
    "not_a_list": (
        HEAD + "@hookimpl\ndef invprob_components():\n    return 3",
        "returned int, not a list",
    ),
    "nothing": (
        HEAD + "@hookimpl\ndef invprob_components():\n    [Component('solver', 'mine', PnP)]",
        "returned None; return a list",
    ),
    "no_hook": ("x = 1", "implements no hook"),
    "exiting": ("raise SystemExit('licence expired')", "SystemExit: licence expired"),
    "half": (
        HEAD + "@hookimpl\ndef invprob_components():\n"
        "    yield Component('solver', 'half-good', PnP)\n    raise ValueError('then this')",
        "ValueError: then this",
    ),
    "bad_name": (
        HEAD
        + "@hookimpl\ndef invprob_components():\n    return [Component('solver', 'P n P', PnP)]",
        "'P n P' is no component name",
    ),
}
PROBLEM = ip.Problem(
    ip.GaussianPrior(torch.full((1, 2, 2), 0.5), sd=0.2),
    ip.Gaussian(sigma=0.1),
    torch.full((1, 1, 2, 2), 0.4),
)
GOOD = HEAD + "@hookimpl\ndef invprob_components():\n    return [Component('solver', 'mine', PnP)]"


def install(folder, name, source):
    (folder / f"{name}.py").write_text(textwrap.dedent(source))
    info = folder / f"invprob_{name}-1.2.3.dist-info"
    info.mkdir()
    dashed = f"invprob-{name.replace('_', '-')}"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dashed}\nVersion: 1.2.3\n")
    (info / "entry_points.txt").write_text(f"[invprob]\n{name} = {name}\n")


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_left_out_and_listed_with_its_cause(name, site):
    source, cause = BROKEN[name]
    install(site, name, source)
    install(site, "zz_good", GOOD)
    with pytest.warns(ip.PluginWarning, match="left out") as caught:
        found = discover(only=(name, "zz_good"))
    assert len(caught) == 1
    parts = Catalogue(found)
    assert [who.distribution for who in parts.broken] == [f"invprob-{name.replace('_', '-')}"]
    assert parts.broken[0].version == "1.2.3"
    assert parts.get("solver", "mine").name == "mine"
    with pytest.raises(ip.UnknownNameError, match="Broken plugin: .*1.2.3"):
        parts.get("solver", "half-good")
    assert f"{name} (invprob-" in str(ip.matrix(parts))
    assert re.search(cause, parts.broken[0].cause)


@pytest.mark.parametrize("name", BROKEN)
def test_strict_raises(name, site):
    install(site, name, BROKEN[name][0])
    with pytest.raises(ip.PluginError, match=BROKEN[name][1]):
        discover(only=(name,), strict=True)


def test_the_first_in_alphabetical_order_keeps_a_name(site):
    install(site, "b_second", GOOD)
    install(site, "a_first", GOOD)
    with pytest.warns(ip.PluginWarning, match="taken by invprob-a-first 1.2.3"):
        found = discover(only=("a_first", "b_second"))
    assert [who.plugin for who in found if who.cause] == ["b_second"]


def test_a_plugin_that_is_not_installed_is_named():
    with pytest.warns(ip.PluginWarning, match="'medain', which is not installed"):
        discover(only=("medain",))


def test_the_environment_chooses(site, monkeypatch):
    install(site, "mine", GOOD)
    monkeypatch.setenv("INVPROB_PLUGINS", "mine")
    assert "mine" in ip.catalogue().solvers
    monkeypatch.setenv("INVPROB_PLUGINS", "")
    assert "mine" not in ip.catalogue().solvers


def test_an_example_that_fails_costs_its_row_and_is_named(site, monkeypatch):
    source = GOOD.replace("'mine', PnP)", "'mine', lambda weight: PnP(weight))")
    install(site, "needy", source)
    found = Catalogue(discover())
    shown = str(ip.matrix(found))
    assert "the example of solver mine raised TypeError" in shown and "example=" in shown
    assert "mine" not in ip.matrix(found).tables[0].columns
    module = importlib.import_module("invprob.catalogue")
    monkeypatch.setattr(module, "_catalogue", lambda chosen, strict: found)
    with pytest.raises(ip.InputError, match="the example of solver mine raised"):
        ip.why("mine", "gaussian")
    assert ip.solve(PROBLEM, progress=False).x.shape == PROBLEM.y.shape
    assert type(ip.recommend(PROBLEM, samples=True).solver) is ip.Restart


@pytest.mark.parametrize(
    ("kind", "lacks"),
    [
        ("prior", "no method of a prior"),
        ("likelihood", "no method `sample"),
        ("operator", "no methods `forward"),
        ("solver", "no needs, stochastic, steps"),
    ],
)
def test_an_example_that_is_something_else_costs_its_row_and_is_named(
    kind, lacks, site, monkeypatch
):
    source = GOOD.replace("'solver', 'mine', PnP)", f"'{kind}', 'mine', lambda: object())")
    install(site, "odd", source)
    found = Catalogue(discover())
    assert f"the example of {kind} mine is no {kind}: it has {lacks}" in str(ip.matrix(found))
    module = importlib.import_module("invprob.catalogue")
    monkeypatch.setattr(module, "_catalogue", lambda chosen, strict: found)
    assert type(ip.recommend(PROBLEM).solver) is ip.PnP


def test_a_distribution_that_is_half_removed_costs_nothing(site):
    install(site, "one", GOOD)
    install(site, "two", GOOD.replace("'mine'", "'other'"))
    (site / "invprob_one-1.2.3.dist-info" / "METADATA").unlink()
    found = {who.plugin: who for who in discover()}
    assert found["one"].version == "?" and not found["one"].cause and not found["two"].cause
