"""`invprob train sampler`."""

import re

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import invprob as ip
from invprob.cli.app import app

SMALL = "--widths 8,8 --blocks 1 --batch 2 --patch 16 --steps 3 --every 0".split()
NOISE = ["-l", "gaussian:sigma=0.3"]


@pytest.fixture(autouse=True)
def parts():
    """All parts, not the few of the other tests."""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k in range(4):
        ip.write_image(folder / f"{k}.png", torch.full((1, 20, 18), 0.2 + k / 8))
    (folder / "torn.png").write_bytes(b"nonsense")
    return folder


def invoke(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    return result.exit_code, " ".join((result.output + result.stderr).split())


def train(*arguments):
    return invoke("train", "sampler", *arguments)


def test_from_a_folder_to_samples(folder, tmp_path):
    out = tmp_path / "sampler.safetensors"
    code, text = train(folder, *NOISE, "-o", out, *SMALL)
    assert code == 0, text
    assert "left out" in text and "torn.png" in text and "; 3 photos; " in text
    assert text.count("held out") == 3 and f"wrote {out}" in text
    run, prior = tmp_path / "run", ["--prior", f"generator:file={out}"]
    noisy = folder / "0.png"
    code, text = invoke("solve", noisy, *NOISE, *prior, "--samples", 2, "-o", f"{run}/")
    assert code == 0 and "PSCGAN, because the prior draws images" in text, text
    assert ip.read_image(run / "mean.png").shape == (1, 1, 20, 18)
    solver = ["-s", "pscgan:temperature=0.5,average=4", "-o", tmp_path / "clean.png"]
    code, text = invoke("solve", noisy, *NOISE, *prior, *solver)
    assert code == 0 and "ran all 4 steps" in text, text
    other = ["-l", "gaussian:sigma=0.2", "-o", tmp_path / "other.png"]
    code, text = invoke("solve", noisy, *other, *prior)
    assert code == 2 and "of Gaussian(sigma=0.3), and was trained on no others" in text
    assert not (tmp_path / "other.png").exists()


def test_the_same_command_goes_on(folder, tmp_path):
    out = tmp_path / "sampler.safetensors"
    train(folder, *NOISE, "-o", out, *SMALL)
    code, text = train(folder, *NOISE, "-o", out, *SMALL, "--steps", 5)
    assert code == 0 and "going on from step 3" in text and "step 5" in text
    content = out.read_bytes()
    code, text = train(folder, "-l", "gaussian:sigma=0.2", "-o", out, *SMALL)
    assert code == 1 and "nothing was written" in text
    assert "noise=Gaussian(sigma=0.3) and not Gaussian(sigma=0.2)" in text
    assert "law=" not in text
    assert out.read_bytes() == content


def test_arrays_and_an_operator(tmp_path):
    array = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 2), dtype=np.uint8)
    np.save(tmp_path / "two.npy", array)
    mask = tmp_path / "mask.png"
    ip.write_image(mask, torch.ones(1, 16, 16).index_fill(1, torch.tensor([3]), 0.0))
    out = tmp_path / "sampler.safetensors"
    before = ["-A", f"mask:file={mask}"]
    code, text = train(tmp_path / "two.npy", *NOISE, *before, "-o", out, *SMALL)
    assert code == 0 and "Mask(" in text, text
    assert ip.GeneratorPrior.load(out).domain().channels == (2,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--widths", "many"], "--widths many"),
        (["--widths", "0,8"], "widths=(0, 8)"),
        (["--blocks", "0"], "blocks=0"),
        (["--samples", "1"], "samples=1"),
        (["--mean", "-1"], "mean=-1"),
        (["--channels", "3"], "no image to learn from"),
        (["--patch", "64"], "smaller than 64 x 64"),
        (["-A", "downsample:factor=2"], "makes a measurement of shape (1, 8, 8)"),
        (["--device", "nonsense"], "--device nonsense"),
        (["-l", "gauss:sigma=1"], "did you mean 'gaussian'"),
    ],
)
def test_what_can_not_be(folder, tmp_path, options, message):
    out = tmp_path / "sampler.safetensors"
    code, text = train(folder, *NOISE, "-o", out, *SMALL, *options)
    assert code == 2 and message in text, text
    assert not out.exists() and not out.with_suffix(".ckpt").exists()


def test_no_images_and_other_files(folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "sampler.safetensors"
    code, text = train(empty, *NOISE, "-o", out, *SMALL)
    assert code == 2 and "no image to learn from" in text and not out.exists()
    out.write_bytes(b"something else")
    code, text = train(folder, *NOISE, "-o", out, *SMALL)
    assert code == 2 and "exists, and" in text and out.read_bytes() == b"something else"
    for name, typed in (("sampler.png", "sampler"), ("own.v2", "own.v2"), ("own", "own")):
        code, text = train(folder, *NOISE, "-o", tmp_path / name, *SMALL)
        assert code == 2 and "weights are kept in a safetensors file" in text
        assert f"/{typed}.safetensors" in re.sub(r"[│|\s]", "", text)


def test_held_out_images_with_other_channels(folder, tmp_path):
    apart = tmp_path / "colour.png"
    ip.write_image(apart, torch.full((3, 20, 18), 0.5))
    out = tmp_path / "sampler.safetensors"
    code, text = train(folder, *NOISE, "-o", out, *SMALL, "--held-out", apart)
    assert code == 2 and "no image that is held out has 1 channels" in text, text
    assert not out.exists()
