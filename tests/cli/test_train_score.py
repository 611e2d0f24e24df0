"""`invprob train score`."""

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

import invprob as ip
from invprob.cli.app import app

SMALL = (
    "--widths 8,8,8 --before 1,1,1 --after 1,1 --batch 2 --patch 16 --steps 3 --every 0".split()
)
NOISE = ["-l", "gaussian:sigma=0.1"]


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
    return invoke("train", "score", *arguments)


@pytest.mark.parametrize("simulate", [[], ["--simulate"]])
def test_from_a_folder_to_a_clean_image(folder, tmp_path, simulate):
    out = tmp_path / "score.safetensors"
    code, text = train(folder, *NOISE, "-o", out, *SMALL, *simulate)
    assert code == 0, text
    assert "left out" in text and "torn.png" in text
    assert text.count("held out") == 3 and f"wrote {out}" in text
    assert ("denoised to" in text) == bool(simulate)
    clean = tmp_path / "clean.png"
    prior = ["--prior", f"measured:file={out}"]
    code, text = invoke("solve", folder / "0.png", *NOISE, *prior, "-o", clean)
    assert code == 0 and "ScoreEquation" in text and "warning" not in text, text
    assert ip.read_image(clean).shape == (1, 1, 20, 18)
    other = ["-l", "gaussian:sigma=0.2", "-o", tmp_path / "other.png"]
    code, text = invoke("solve", folder / "0.png", *other, *prior)
    assert code == 0, text
    assert "was learned from Gaussian(sigma=0.1), and is used with Gaussian(sigma=0.2)" in text


def test_the_same_command_goes_on(folder, tmp_path):
    out = tmp_path / "score.safetensors"
    train(folder, *NOISE, "-o", out, *SMALL)
    code, text = train(folder, *NOISE, "-o", out, *SMALL, "--steps", 5)
    assert code == 0 and "going on from step 3" in text and "step 5" in text
    content = out.read_bytes()
    code, text = train(folder, "-l", "gaussian:sigma=0.2", "-o", out, *SMALL)
    assert code == 1 and "nothing was written" in text
    assert "noise=Gaussian(sigma=0.1) and not Gaussian(sigma=0.2)" in text
    assert "coordinates=" not in text
    assert out.read_bytes() == content


def test_it_begins_with_another_one_and_its_network(folder, tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    train(folder, *NOISE, "-o", first, *SMALL)
    other = ["-l", "gaussian:sigma=0.2", "-o", second, "--start", first, *SMALL[6:]]
    code, text = train(folder, *other)
    assert code == 0 and "widths=(8, 8, 8)" in text, text
    for options, message in (
        (["--widths", "8,8,16"], "made for another network"),
        (["--start", tmp_path / "nowhere"], "nowhere"),
    ):
        third = tmp_path / "third.safetensors"
        code, text = train(folder, *other, *options, "-o", third)
        assert code == 1 and message in text, text
        assert not third.exists() and not third.with_suffix(".ckpt").exists()


@pytest.fixture
def counts(tmp_path):
    """Raw counts, 16-bit, of which 200 is bright."""
    folder = tmp_path / "counts"
    folder.mkdir()
    for k in range(4):
        mean = np.full((20, 18), 40.0 * (k + 1))
        numbers = np.random.default_rng(k).poisson(mean).astype(np.uint16)
        tifffile.imwrite(folder / f"{k}.tif", 10 + numbers)
    return folder


def test_raw_counts(counts, tmp_path):
    out, noise = tmp_path / "score.safetensors", ["-l", "poisson:peak=200"]
    code, text = train(counts, *noise, "-o", out, *SMALL)
    assert code == 2 and "it is no count" in text
    assert "(on the command line: --white N -l poisson:peak=N for raw counts" in text
    unit = ["--black", 10, "--white", 210]
    code, text = train(counts, *noise, "-o", out, *SMALL, *unit)
    assert code == 0 and "warning" not in text and f"wrote {out}" in text
    code, text = train(counts, *noise, "-o", out, *SMALL, "--black", 9, "--white", 209)
    assert code == 1 and "black=10.0 and not 9.0" in text and "white=210.0 and not 209.0" in text
    code, text = train(counts, *noise, "-o", out, *SMALL, "--black", 9)
    assert code == 2 and "on the command line: --black 9 --white NUMBER" in text


def test_noisy_images_that_are_all_too_dark_are_pointed_out(counts, tmp_path):
    code, text = train(counts, *NOISE, "-o", tmp_path / "dim.safetensors", *SMALL)
    assert code == 0 and "is white really 65535 in " in text and "3.tif? If images are" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--widths", "many"], "--widths many"),
        (["--widths", "8,8"], "widths=(8, 8)"),
        (["--batch", "3"], "batch=3"),
        (["--least", "2"], "least=2"),
        (["--channels", "3"], "no image to learn from"),
        (["--patch", "64"], "smaller than 64 x 64"),
        (["-l", "unobserved"], "of no use"),
        (["--device", "nonsense"], "--device nonsense"),
    ],
)
def test_what_can_not_be(folder, tmp_path, options, message):
    out = tmp_path / "score.safetensors"
    code, text = train(folder, *NOISE, "-o", out, *SMALL, *options)
    assert code == 2 and message in text, text
    assert not out.exists() and not out.with_suffix(".ckpt").exists()
