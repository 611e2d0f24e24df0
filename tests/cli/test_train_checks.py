"""`invprob train` says what can be known before images are read, which may take minutes."""

import pytest
import torch
from typer.testing import CliRunner

import invprob as ip
from invprob.cli.app import app
from invprob.cli.device import usable
from invprob.errors import InputError

KINDS = ["denoiser", "flow", "sampler", "score"]


@pytest.fixture(autouse=True)
def parts():
    """All parts, not the few of the other tests."""


def failed(kind, *arguments):
    noise = [] if kind in ("denoiser", "flow") else ["-l", "gaussian:sigma=0.1"]
    found = CliRunner().invoke(app, ["train", kind, *map(str, arguments), *noise])
    return found.exit_code, " ".join((found.output + found.stderr).split())


@pytest.mark.parametrize("kind", KINDS)
def test_before_images_are_read(kind, tmp_path):
    out = tmp_path / "own.safetensors"
    code, text = failed(kind, "nowhere", "-o", out, "--device", "abacus")
    assert code == 2 and "--device abacus can't be used here" in text
    code, text = failed(kind, "nowhere", "-o", tmp_path / "none" / out.name)
    assert code == 2 and "there is no folder" in text
    code, text = failed(kind, "nowhere", "-o", out, "--checkpoint", out)
    assert code == 2 and "need a file each" in text
    out.touch()
    code, text = failed(kind, "nowhere", "-o", out)
    assert code == 2 and "own.safetensors exists" in text


@pytest.mark.parametrize("output", ["", ".", "..", "/"])
def test_weights_need_the_name_of_a_file(output, tmp_path):
    line = ["flow", "nowhere", "-o", output]
    code, text = failed(*line)
    assert code == 2 and "name a file for the weights, FILE.safetensors" in text
    found = CliRunner().invoke(app, ["adapt", "nothing.png", "-o", output])
    assert found.exit_code == 2 and "name a file for the weights" in found.stderr


@pytest.mark.parametrize("kind", ["denoiser", "flow", "sampler"])
def test_an_empty_held_out_is_not_the_current_folder(kind, tmp_path):
    code, text = failed(kind, tmp_path, "-o", tmp_path / "own.safetensors", "--held-out", "")
    assert code == 2 and "it is empty; name a" in text


def test_a_device_that_torch_was_not_built_for(monkeypatch):
    """On a Mac it may be; elsewhere torch answers with a list of what it was built for."""

    def missing(*_, device):
        raise NotImplementedError("Could not run 'aten::empty' with arguments from ... [CPU, ...")

    monkeypatch.setattr(torch, "empty", missing)
    with pytest.raises(InputError) as error:
        usable("mps")
    assert str(error.value) == "--device mps can't be used here: torch here has no mps; type cpu"


@pytest.mark.parametrize("kind", ["sampler", "score"])
def test_a_run_begins_with_lines_that_can_be_read(kind, tmp_path):
    for k in range(3):
        ip.write_image(tmp_path / f"{k}.png", torch.full((1, 20, 18), 0.2 + k / 8))
    small = {
        "sampler": "--widths 4 --samples 2 --batch 2 --patch 16 --steps 1",
        "score": "--widths 8,8,8 --before 1,1,1 --after 1,1 --batch 2 --patch 16 --steps 1",
    }
    code, text = failed(kind, tmp_path, "-o", tmp_path / "a.safetensors", *small[kind].split())
    assert code == 0 and "of Gaussian(sigma=0.1): " in text.replace("behind", "of"), text
    assert "Coordinates(" not in text and "law=" not in text
