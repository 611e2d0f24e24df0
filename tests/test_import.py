"""What an import brings along."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import invprob as ip

STUB = Path(ip.__file__).with_name("__init__.pyi")


def modules_after(source: str) -> set[str]:
    code = f"import sys\n{source}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_invprob_imports_nothing_heavy():
    loaded = modules_after("import invprob")
    assert not loaded & {"torch", "numpy", "scipy", "matplotlib", "PIL", "typer", "pluggy"}


def test_help_does_not_import_torch():
    code = "import sys; sys.argv = ['invprob', '--help']\nfrom invprob.cli import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    pass\n"
    code += "print('TORCH' if 'torch' in sys.modules else 'LIGHT')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "solve" in done.stdout
    assert done.stdout.split()[-1] == "LIGHT"


NAMES = [
    alias.asname
    for node in ast.parse(STUB.read_text()).body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
]


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_exists(name):
    assert getattr(ip, name).__doc__
    assert name in dir(ip)
