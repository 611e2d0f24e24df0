"""The examples run by themselves and write the pictures that they promise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.py"))


LONG = ("narrow_class.py", "tomography.py")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in EXAMPLES],
)
def test_an_example_runs(name, tmp_path):
    paths = [str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(FOLDER / name)],
        cwd=tmp_path,
        env={**os.environ, "STEPS": "5", "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert any(path.stat().st_size > 5000 for path in tmp_path.glob("*.png"))


def test_every_example_is_listed():
    text = (FOLDER / "README.md").read_text()
    assert all(f"({name})" in text for name in EXAMPLES)
