"""A type checker refuses impossible compositions, and only those."""

import re
from pathlib import Path

import pytest

import invprob

CASES = Path(__file__).with_name("compositions.py")


def test_impossible_compositions_are_type_errors(tmp_path):
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    report, problems, _ = api.run(
        ["--strict", "--no-pretty", f"--cache-dir={tmp_path}", "--no-incremental", str(CASES)]
    )
    assert not problems
    found = {
        int(line): message
        for line, message in re.findall(r"compositions\.py:(\d+): error: (.*)", report)
    }
    expected = {
        number: line.split("# error: ")[1]
        for number, line in enumerate(CASES.read_text().splitlines(), 1)
        if "# error: " in line
    }
    assert len(expected) >= 5
    assert set(found) == set(expected), report
    for number, part in expected.items():
        assert part in found[number]


def test_defaults_are_seen_by_checkers_without_a_plugin():
    """Pyright takes an argument whose default is given by a decorator for one that is required."""
    decorated = []
    for path in Path(invprob.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        decorated += [
            f"{path.name}: {name}"
            for name in re.findall(r"^    @(\w+)\.default$", text, re.MULTILINE)
            if not re.search(rf"^    {name}: .*init=False", text, re.MULTILINE)
        ]
    assert not decorated
