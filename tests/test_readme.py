"""The README and the tutorial are true: code runs, tables are computed, copies agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import invprob as ip
from invprob.cli.specs import parameters_of
from invprob.cli.values import convert
from invprob.compatibility import lacks
from invprob.contracts import LocallyGaussian, Spectral

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
OWN_PARTS = (ROOT / "docs" / "your-own-parts.md").read_text()
FILES = (ROOT / "docs" / "files.md").read_text()
TUTORIAL = (ROOT / "docs" / "write-a-plugin.md").read_text()


def section(name: str) -> str:
    return README.split(f"<!-- {name} -->\n")[1].split("<!-- end -->")[0].strip()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_code_runs_as_pasted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(README, "python"):
        exec(compile(block, "README.md", "exec"), names)
    noisy, estimate = map(float, re.findall(r"([\d.]+) dB", capsys.readouterr().out))
    assert estimate > noisy + 5
    assert (tmp_path / "samples.png").stat().st_size > 10_000
    assert (tmp_path / "run.ckpt").exists()


def test_the_page_on_own_parts_runs():
    names: dict[str, Any] = {}
    for block in blocks(OWN_PARTS, "python"):
        exec(compile(block, "your-own-parts.md", "exec"), names)
    operators = [names["fourier"], names["operator"]]
    for operator in operators:
        noise = ip.Gaussian(sigma=0.1, operator=operator)
        assert lacks(noise, Spectral | LocallyGaussian)
    assert ip.psnr(names["result"].x, names["photo"]).item() > 25


def test_the_matrix_is_the_computed_one():
    assert section("matrix") == ip.matrix().markdown()


@pytest.mark.parametrize("name", ["demo", "tests"])
def test_each_command_is_self_contained(name):
    (command,) = blocks(section(name), "bash")
    first, second, _ = command.strip().splitlines()
    assert first.startswith("python3 -m venv")
    assert "-c constraints.txt" in second


def test_the_pictures_and_pages_exist():
    for page in (README, TUTORIAL, OWN_PARTS, FILES, (ROOT / "CONTRIBUTING.md").read_text()):
        for target in re.findall(r"\]\(([^)#=]+)\)", page):
            if not target.startswith("http"):
                assert (ROOT / target).exists() or (ROOT / "docs" / target).exists(), target


def test_what_the_tutorial_says_of_options_runs():
    whole, _, typed, wrapped = blocks(TUTORIAL, "python")
    names: dict[str, Any] = {"ip": ip, "__name__": "tutorial"}
    for block in (whole, typed, "class StudentT(ip.Gamma): pass", wrapped):
        exec(compile(block, "write-a-plugin.md", "exec"), names)
    (option,) = parameters_of(names["median_of"]).values()
    assert convert("7x7", option.annotation) == "7x7" and names["median_of"]("7x7").radius == 3
    assert repr(names["student_t"](4)).startswith("IterativeProx(Autograd(StudentT(")


def test_the_tutorial_is_the_plugin_word_for_word():
    folder = ROOT / "plugins" / "invprob-median"
    assert blocks(TUTORIAL, "python")[0] == (folder / "invprob_median.py").read_text()
    assert blocks(TUTORIAL, "toml")[0] == (folder / "pyproject.toml").read_text()
    files = {path.name for path in folder.iterdir() if path.is_file()}
    assert files == {"invprob_median.py", "pyproject.toml"}
