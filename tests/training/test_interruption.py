"""Ctrl-C during a training: it ends after a step, is saved, and can be gone on from."""

import signal
import threading

import pytest
import torch
from typer.testing import CliRunner

from invprob.cli.app import app
from invprob.images import write_image
from invprob.networks.stored_glow import load_glow
from invprob.training.flow import MaximumLikelihood
from invprob.training.interruption import interruption_held

SMALL = ["--depths", "1,1", "--width", "4", "--batch", "2", "--steps", "6", "--every", "1e6"]


@pytest.fixture(autouse=True)
def handler():
    """Python's own, which programs in the background do not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k in range(4):
        write_image(folder / f"{k}.png", torch.full((1, 4, 4), k / 8))
    return folder


def invoke(*arguments):
    result = CliRunner().invoke(app, ["train", "flow", *map(str, arguments)])
    return result.exit_code, result.output


def interrupted_at(monkeypatch, step, times=1, number_of_signal=signal.SIGINT):
    """Ctrl-C, or a signal, comes in the middle of one of the steps, which are counted from 0."""
    loss = MaximumLikelihood.loss

    def pressed(self, network, number, generator):
        for _ in range(times if number == step else 0):
            signal.raise_signal(number_of_signal)
        return loss(self, network, number, generator)

    monkeypatch.setattr(MaximumLikelihood, "loss", pressed)


def test_the_same_command_ends_like_a_run_that_was_not_interrupted(folder, tmp_path, monkeypatch):
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    code, text = invoke(folder, "-o", one, *SMALL)
    assert code == 0, text
    with monkeypatch.context() as patch:
        interrupted_at(patch, 2)
        code, text = invoke(folder, "-o", other, *SMALL)
    assert code == 130 and not other.exists()
    assert f"stopped: after step 3; to go on from {other.with_suffix('.ckpt')}, type" in text
    assert text.count("stopping after this step") == 1
    code, text = invoke(folder, "-o", other, *SMALL)
    assert code == 0 and "going on from step 3" in text
    weights = [load_glow(path).state_dict() for path in (one, other)]
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())


def test_a_budget_that_is_used_up_leaves_weights(folder, tmp_path, monkeypatch):
    """Of a run that was interrupted before they were first written, or that were moved away."""
    out = tmp_path / "flow.safetensors"
    with monkeypatch.context() as patch:
        interrupted_at(patch, 2)
        invoke(folder, "-o", out, *SMALL)
    content = b""
    for _ in range(2):
        code, text = invoke(folder, "-o", out, *SMALL, "--steps", 3)
        assert code == 0 and f"wrote {out}" in text, text
        assert "step 3, 0 s (100.0%): no step was taken; " in text
        assert content in (b"", out.read_bytes())
        content = out.read_bytes()
        out.rename(tmp_path / "moved.safetensors")


def test_a_full_disk_leaves_what_was_saved(folder, tmp_path, monkeypatch):
    kept, line = tmp_path / "flow.ckpt", [folder, "-o", tmp_path / "flow.safetensors", *SMALL]
    code, text = invoke(*line, "--steps", 3)
    assert code == 0, text
    before, names = kept.read_bytes(), sorted(tmp_path.iterdir())

    def full(number):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        code, text = invoke(*line)
    assert code == 1 and "error: the checkpoint" in text and "Traceback" not in text
    assert "No space left on device); the previous one is intact" in " ".join(text.split())
    assert kept.read_bytes() == before and sorted(tmp_path.iterdir()) == names
    code, text = invoke(*line)
    assert code == 0 and "going on from step 3" in text


def test_in_the_last_step_the_run_ends(folder, tmp_path, monkeypatch):
    interrupted_at(monkeypatch, 5)
    code, text = invoke(folder, "-o", tmp_path / "flow.safetensors", *SMALL)
    assert code == 0 and (tmp_path / "flow.safetensors").exists(), text


def test_a_second_one_does_not_wait(folder, tmp_path, monkeypatch):
    kept, line = tmp_path / "flow.ckpt", [folder, "-o", tmp_path / "flow.safetensors", *SMALL]
    for step, every, said in (
        (1, 1e6, "after step 1; nothing was saved"),
        (2, 0, f"after step 2; to go on from {kept}, "),
        (4, 1e6, f"after step 4; {kept} is of step 2; to go on from {kept}, "),
    ):
        with monkeypatch.context() as patch:
            interrupted_at(patch, step, times=2)
            code, text = invoke(*line, "--every", every)
        assert code == 130 and said in text
        assert kept.exists() == (step > 1)


@pytest.mark.parametrize("times", [1, 2])
def test_sigterm_is_like_ctrl_c(folder, tmp_path, monkeypatch, times):
    """Batch systems and `timeout` send it; without a handler it kills at once."""
    before = signal.getsignal(signal.SIGTERM)
    assert before is signal.SIG_DFL
    line = [folder, "-o", tmp_path / "flow.safetensors", *SMALL]
    with monkeypatch.context() as patch:
        interrupted_at(patch, 2, times, signal.SIGTERM)
        code, text = invoke(*line)
    assert code == 143 and (tmp_path / "flow.ckpt").exists() == (times == 1)
    assert ("stopped: after step 3; to go on from" in text) == (times == 1), text
    assert signal.getsignal(signal.SIGTERM) is before
    code, text = invoke(*line)
    assert code == 0 and ("going on from step 3" in text) == (times == 1)


def test_handlers_of_others_stay():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interruption_held() as came:
        signal.raise_signal(signal.SIGINT)
    assert came == [] and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_another_thread_has_no_signals():
    seen = []

    def work():
        with interruption_held() as came:
            seen.append(came)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [[]]
