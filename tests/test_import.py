"""What an import brings along."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import invprob as ip
from invprob.other_names import OTHER_NAMES

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


def test_a_name_that_there_is_not_says_what_may_have_been_meant():
    for name, meant in {
        "SNIPS": "AnnealedLangevin",
        "gaussian": "Gaussian",
        "Gama": "Gamma",
    }.items():
        with pytest.raises(AttributeError, match=f"no '{name}'; .*{meant}"):
            getattr(ip, name)
    with pytest.raises(AttributeError, match="no 'abracadabra'$"):
        _ = ip.abracadabra


def test_other_names_are_of_public_ones():
    assert set(OTHER_NAMES.values()) <= set(NAMES)
    assert not {name.lower() for name in OTHER_NAMES} & {name.lower() for name in NAMES}


@pytest.mark.parametrize(
    "name",
    ["adapt", "calibrate", "estimate_noise", "iterate", "recommend", "residual_report", "solve"],
)
def test_the_values_that_functions_return_can_be_named(name):
    """So that a user's own function can be annotated with them."""
    said = re.findall(r"\w+", str(getattr(ip, name).__annotations__["return"]))
    classes = [getattr(sys.modules[getattr(ip, name).__module__], word, None) for word in said]
    ours = [found for found in classes if getattr(found, "__module__", "").startswith("invprob.")]
    assert ours
    assert all(getattr(ip, found.__name__) is found for found in ours)
