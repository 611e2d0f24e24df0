"""The README and the tutorial are true: code runs, tables are computed, copies agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import invprob as ip
from invprob.cli.demo import demo
from invprob.cli.specs import parameters_of
from invprob.cli.values import convert
from invprob.compatibility import lacks
from invprob.contracts import LocallyGaussian, Spectral
from invprob.errors import WeightsError
from invprob.testing import checks, run_check, subject

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
OWN_PARTS = (ROOT / "docs" / "your-own-parts.md").read_text()
EXACTNESS = (ROOT / "docs" / "exactness.md").read_text()
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


SAMPLERS = {
    "`Restart()`": "Restart",
    "`Restart(population=16)`": "Restart, population 16",
    "`SplitGibbs()`": "SplitGibbs",
    "`AnnealedLangevin`": "AnnealedLangevin",
    "the same with `step_size=0.1` and fresh noise": "AnnealedLangevin, step 0.1",
    "`DDRM`": "DDRM",
}
MODES = {"overlapping modes": "smooth", "separated modes": "separated", "similar modes": "similar"}


def tables(page: str) -> list[list[list[str]]]:
    """Cells of the rows of each table, its header first and without the line below that."""
    found = re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE)
    rows = [[line.strip("|").split("|") for line in table.splitlines()] for table in found]
    return [[[cell.strip() for cell in row] for row in [lines[0], *lines[2:]]] for lines in rows]


def exactness(kind: int) -> dict[tuple[str, str, str], str]:
    """Mean distances by sampler, calls and modes on 64 pixels.

    Those of the page's tables: 0 of one seed, 1 of eight with many measurements, on hard priors.
    """
    found: dict[tuple[str, str, str], str] = {}
    those = [table for table in tables(EXACTNESS) if table[0][:2] == ["sampler", "calls"]]
    (hard,) = [t for t in those if "similar, 64" in t[0] and "smooth, 64" not in t[0]]
    those = [table for table in those if "smooth, 64" in table[0]]
    for table in [those[0], *those[2:]] if kind == 0 else [hard]:
        for row in table[1:]:
            for title, cell in zip(table[0], row, strict=True):
                if title.endswith(", 64"):
                    key = (row[0], row[1], title.removesuffix(", 64"))
                    found.setdefault(key, cell.split(" / ")[0])
    return found


def test_the_figures_of_samplers_are_those_of_the_page_on_exactness():
    (table,) = [rows for rows in tables(README) if rows[0][0] == "sampler, denoiser calls"]
    known = exactness(0)
    for label, *figures in table[1:]:
        sampler, calls = label.split(", ")[0], label.split(", ")[-1]
        for title, figure in zip(table[0][1:], figures, strict=True):
            assert figure == known[SAMPLERS[sampler], calls, MODES[title]], (label, title)
    assert len(table) == 1 + len(SAMPLERS)


def test_the_figures_of_eight_draws_are_those_of_the_page_on_exactness():
    (sentence,) = re.findall(r"Over eight draws, .*?\.\n", README, re.DOTALL)
    known = exactness(1)
    rows = [(name, modes) for name in ("Restart", "Restart, population 16") for modes in MODES]
    expected = [known[name, "100", MODES[modes]] for name, modes in rows if "over" not in modes]
    assert re.findall(r"\d\.\d\d", sentence) == expected


def test_the_pictures_and_pages_exist():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    for page in [*pages, *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#=]+)\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), (page, target)


def test_what_the_tutorial_says_of_options_runs():
    whole, _, typed, wrapped, _ = blocks(TUTORIAL, "python")
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
    assert files == {"invprob_median.py", "pyproject.toml", "LICENSE"}


def test_what_the_readme_links_to_is_in_the_source_distribution():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    targets = [target for target in re.findall(r"\]\(([^)#=]+)\)", README) if "://" not in target]
    assert len(targets) > 10
    for target in [*targets, "constraints.txt"]:
        assert f"/{Path(target).parts[0]}" in included, target
    assert project["project"]["authors"]


def test_the_demo_says_what_it_takes_as_the_readme_does():
    (said,) = re.findall(r"some (\d+) seconds of processor", README)
    assert f"{said} seconds of processor time" in demo.__doc__


def test_every_distribution_has_a_licence():
    for file in [ROOT / "pyproject.toml", *(ROOT / "plugins").glob("*/pyproject.toml")]:
        assert tomllib.loads(file.read_text())["project"]["license"] == "MIT"
        assert (file.parent / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_the_tutorials_network_in_a_file_conforms_and_is_known_by_its_content(tmp_path):
    """Its weights are those of a mean over nine pixels, less the one in the middle."""
    names: dict[str, Any] = {"__name__": "tutorial", "__file__": str(tmp_path / "a.py")}
    exec(compile(blocks(TUTORIAL, "python")[-1], "write-a-plugin.md", "exec"), names)
    file, weights = tmp_path / "weights.safetensors", torch.zeros(1, 2, 3, 3)
    weights[0, 0] = 1 / 9
    weights[0, 0, 1, 1] -= 1
    save_file({"weight": weights, "bias": torch.zeros(1)}, file)
    prior = names["FileDenoiser"]()
    whom, all_checks = subject(prior), {entry.name: entry for entry in checks("prior")}
    for name in ("denoised_images_have_the_promised_form", "rows_do_not_mix", "is_frozen"):
        assert run_check(all_checks[name], whom, examples=1)
    assert run_check(all_checks["constants_follow_the_device"], whom)
    save_file({"weight": 2 * weights, "bias": torch.zeros(1)}, file)
    names["network"].cache_clear()
    with pytest.raises(WeightsError, match="has changed"):
        prior.denoise(torch.zeros(1, 1, 4, 4), torch.tensor(0.1))


def test_a_source_distribution_has_what_the_pages_and_the_tests_name():
    """The README's test command runs in it, and the links of all pages lead somewhere."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    included = set(build["targets"]["sdist"]["include"])
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    linked = {
        (page.parent / target).resolve().relative_to(ROOT.resolve()).parts[0]
        for page in pages
        for target in re.findall(r"\]\(([^)#=]+)\)", page.read_text())
        if not target.startswith("http")
    }
    assert {"docs", "invprob", "plugins"} <= linked
    assert {f"/{name}" for name in linked | {"tests"}} <= included
