"""The commands beside `solve` and `simulate`, as people type them."""

from __future__ import annotations

import importlib
import io
import subprocess
import sys

import pytest

from invprob.cli import main
from invprob.errors import InputError, PluginError


def test_matrix(invprob):
    shown = invprob("matrix").stdout
    assert "everything   -" in shown
    assert "Broken plugin, left out: glow (invprob-glow 1.0)" in shown
    assert "| gaussian | ✓ | ✓ |" in invprob("matrix --markdown").stdout
    why = invprob("matrix --why pnp everything").stdout
    assert "is not Proximal: it has no method `prox(y, v, step)`" in why
    assert "did you mean 'pnp'" in invprob("matrix --why pmp gaussian", code=2).stderr


def test_plugins(invprob):
    shown = invprob("plugins").stdout
    assert "gaussian:sigma=<a number>" in shown
    assert "restart:calls=3,noise=0.01" in shown
    assert "  denoiser:size=3                           smooth images\n" in shown
    assert "own [invprob-own 2.0]" in shown
    assert "\nglow (invprob-glow 1.0): broken: ImportError" in shown


def test_no_such_command(invprob):
    assert "There is: demo, solve, noise" in invprob("frobnicate", code=2).stderr
    assert "Did you mean 'solve'?" in invprob("solv", code=2).stderr


def test_cite(invprob):
    assert "prior denoiser: A. Nobody (2000)." in invprob("cite denoiser").stdout
    assert "solver pnp: no publication is named" in invprob("cite pnp").stdout


def test_cite_knows_what_commands_learn_by(invprob):
    adapting = invprob("cite adapt").stdout
    assert adapting.startswith("command adapt: ") and adapting.count("\n") == 1
    for source in ("LIDIA", "Recorrupted-to-Recorrupted", "Stein"):
        assert source in adapting
    score = invprob("cite train score").stdout
    assert score.startswith("command train score: Vincent") and "2304.08384" in score
    every = invprob("cite train").stdout.splitlines()
    commands = [line.split(":")[0] for line in every]
    assert commands == [
        f"command train {what}" for what in ("denoiser", "flow", "sampler", "score")
    ]
    assert invprob("cite PnP").stdout == invprob("cite pnp").stdout
    assert "no component called 'train nothing'" in invprob("cite train nothing", code=2).stderr


def test_check(invprob, monkeypatch):
    pytest.importorskip("invprob.testing")
    assert "passed" in invprob("check circular-blur").stdout
    from invprob.operators.blur import CircularBlur

    monkeypatch.setattr(CircularBlur, "adjoint", lambda self, y: 2 * self.forward(y))
    assert "failed" in invprob("check circular-blur", code=1).stdout


def test_a_name_of_two_kinds_is_the_one_that_has_the_option(invprob):
    from invprob.cli.specs import chosen

    (found,) = chosen("shared:alpha=5")
    assert found.kind == "likelihood" and found.example().alpha == 5
    assert [part.kind for part in chosen("shared")] == ["prior", "likelihood"]
    failed = invprob("check shared:beta=5", code=2)
    assert "prior shared has no option 'beta'" in failed.stderr


def test_version_and_help(invprob):
    from invprob import __version__

    assert invprob("--version").stdout.strip() == f"invprob {__version__}"
    shown = invprob("--help").stdout
    for command in ("demo", "solve", "noise", "simulate", "matrix", "plugins", "check", "cite"):
        assert command in shown


def test_python_dash_m_shows_no_traceback(tmp_path):
    line = ["simulate", str(tmp_path / "gone.png"), "-l", "gaussian:sigma=1", "-o", "y.tif"]
    done = subprocess.run(
        [sys.executable, "-m", "invprob", *line], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no file")
    assert "Traceback" not in done.stderr


def test_what_the_terminal_does_not_know_is_escaped(monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), "cp1252")
    monkeypatch.setattr("invprob.cli.allocator.keep_freed_memory", lambda: None)
    monkeypatch.setattr("sys.argv", ["invprob", "matrix", "--markdown"])
    monkeypatch.setattr("sys.stdout", stdout)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert b"| gaussian | \\u2713 | \\u2713 |" in stdout.buffer.getvalue()


def test_a_traceback_if_asked_for(invprob, monkeypatch):
    line = "simulate gone.png -l gaussian:sigma=1 -o y.tif"
    with pytest.raises(InputError, match="there is no file"):
        invprob(f"--debug {line}")
    monkeypatch.setenv("INVPROB_DEBUG", "1")
    with pytest.raises(InputError, match="there is no file"):
        invprob(line)


def test_a_traceback_of_a_broken_plugin_where_that_was_asked_for(invprob, monkeypatch):
    def strict(chosen, strict):
        raise PluginError("glow (invprob-glow 1.0): broken")

    monkeypatch.setattr(importlib.import_module("invprob.catalogue"), "_catalogue", strict)
    with pytest.raises(PluginError, match="broken"):
        invprob("plugins")


def test_check_takes_the_shape_of_an_image(invprob):
    assert "0 failed" in invprob("check mask --shape 1,4,4").stdout
    assert "takes no images of shape (1, 5, 5)" in invprob("check mask --shape 1,5,5", 2).stderr
    for text in ("8x8", "1,0,8", "1.5,8"):
        assert "give channels, height and width" in invprob(f"check mask --shape {text}", 2).stderr
