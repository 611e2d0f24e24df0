"""The page on noise models is true: it is the plugin word for word, and its code runs."""

from __future__ import annotations

import importlib.util
import math
import re
import sys
from pathlib import Path

import attrs
import pytest
import torch

import invprob as ip
from invprob.testing import checks, parametrize, registry, run_check, subject

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


@pytest.mark.parametrize(
    "name",
    [
        "log_prob_fits_the_measurements_of_a_pixel",
        "log_prob_fits_the_measurements_of_an_image",
        "log_density_adds_up_to_log_prob",
        "extreme_images_give_no_nan",
        "strange_measurements_are_refused_or_harmless",
        "grad_x_is_the_gradient_of_log_prob",
    ],
)
def test_the_noise_of_positive_data_conforms(name):
    names = {"frozen": attrs.frozen, "math": math}
    (block,) = (block for block in blocks("python") if "class LogNormal" in block)
    exec(compile(block, "write-a-noise-model.md", "exec"), names)
    (entry,) = (entry for entry in checks() if entry.name == name)
    run_check(entry, subject(names["noise"]))


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


def test_the_noise_goes_behind_an_operator_and_is_sampled():
    noise = ip.Observed(laplace.Laplace(scale=0.1), ip.Mask(torch.tensor([[1, 0]])))
    prior = ip.GaussianPrior(mean=torch.full((1, 1, 2), 0.5), sd=0.2)
    problem = ip.Problem(prior, noise, torch.tensor([[[[0.9, 0.0]]]]))
    result = ip.solve(problem, ip.Restart(), samples=600, seed=0)
    x = torch.linspace(-0.5, 1.5, 4001)
    share = (-(0.9 - x).abs() / 0.1 - ((x - 0.5) / 0.2).square() / 2).softmax(0)
    mean = float((share * x).sum())
    sd = float((share * (x - mean).square()).sum().sqrt())
    seen, hidden = result.samples.reshape(-1, 2).unbind(1)
    assert float(seen.mean()) == pytest.approx(mean, abs=0.02)
    assert float(seen.std()) == pytest.approx(sd, rel=0.1)
    assert float(hidden.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(hidden.std()) == pytest.approx(0.2, rel=0.1)


def test_a_surrogate_has_the_prox_of_the_noise():
    noise, sigma = laplace.Laplace(scale=0.1), torch.tensor([0.02, 0.3])
    y, x = torch.rand(2, 2, 1, 4, 4, generator=ip.generator(0))
    near, variance = noise.surrogate(y, x, sigma), sigma.square().reshape(-1, 1, 1, 1)
    found = (variance * near.w + near.sd.square() * x) / (variance + near.sd.square())
    torch.testing.assert_close(found, noise.prox(y, x, sigma.square()))
