"""What is shown of a run while it lasts: a bar that moves within a step, or lines."""

import contextlib
import os
import re
import sys

import pytest
import torch

import invprob as ip
from invprob.networks.counted import count_pixels


def in_pieces(x, sigma):
    """A denoiser that does four pieces of an image, and says so."""
    for _ in range(4):
        count_pixels(x.shape[-2] * x.shape[-1] // 4)
    return 0.5 * x


def problem(denoiser=in_pieces):
    y = torch.rand(1, 1, 8, 8, generator=ip.generator(0))
    return ip.Problem(ip.DenoiserPrior(denoiser), ip.Gaussian(sigma=0.1), y)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("invprob.progress.INTERVAL", 0.0)
    monkeypatch.setattr("invprob.progress.LINES", 0.0)


def test_lines_tell_parts_of_steps_and_what_is_left(capsys):
    ip.solve(problem(), ip.PnP(iterations=2), progress="lines")
    lines = capsys.readouterr().err.splitlines()
    done = [re.fullmatch(r"PnP: (\S+) of 2 steps after .* about .* left", x)[1] for x in lines]
    assert done == ["0.25", "0.5", "0.75", "1", "1.25", "1.5", "1.75"]


def test_lines_come_every_thirty_seconds(capsys, monkeypatch):
    monkeypatch.setattr("invprob.progress.LINES", 30.0)
    clock = iter(range(0, 10_000, 4))
    monkeypatch.setattr("invprob.progress.time.monotonic", lambda: float(next(clock)))
    ip.solve(problem(), ip.PnP(iterations=5), progress="lines")
    lines = capsys.readouterr().err.splitlines()
    assert 2 < len(lines) < 8
    assert re.search(r"after \d+ seconds, about \d+ (seconds|minutes) left", lines[0])


def test_more_calls_in_a_step_are_learned_from_the_first(capsys):
    def twice(x, sigma):
        return in_pieces(in_pieces(x, sigma), sigma)

    ip.solve(problem(twice), ip.PnP(iterations=2), progress="lines")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines[:6]] == ["0.25", "0.5", "0.75", "1", "1.12", "1.25"]


def test_the_bar_moves_within_a_step(capsys):
    ip.solve(problem(), ip.PnP(iterations=2), progress=True)
    assert "| 1.5/2 [" in capsys.readouterr().err


def test_nothing_else_is_progress():
    with pytest.raises(ip.InputError, match="progress='bar': give True, False, 'lines'"):
        ip.solve(problem(), ip.PnP(), progress="bar")


def test_a_terminal_without_columns_shows_the_bar(monkeypatch):
    termios = pytest.importorskip("termios")
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (0, 0))
    with open(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        ip.solve(problem(), ip.PnP(iterations=2))
    shown = b""
    with contextlib.suppress(OSError):  # Linux's end of a terminal that is closed
        while piece := os.read(ours, 100_000):
            shown += piece
    assert "| 1.25/2 [" in shown.decode()
