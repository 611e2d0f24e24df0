"""`invprob train flow`."""

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

from invprob.cli.app import app
from invprob.images import write_image
from invprob.priors.flow import FlowPrior

SMALL = ["--depths", "2,1", "--width", "8", "--batch", "4", "--steps", "3", "--every", "0"]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k in range(5):
        write_image(folder / f"{k}.png", torch.full((1, 4, 4), k / 8))
    (folder / "torn.png").write_bytes(b"nonsense")
    return folder


def invoke(*arguments):
    result = CliRunner().invoke(app, ["train", "flow", *map(str, arguments)])
    return result.exit_code, result.output + result.stderr


def test_a_flow_from_a_folder(folder, tmp_path):
    out = tmp_path / "flow.safetensors"
    code, text = invoke(folder, "-o", out, *SMALL)
    assert code == 0, text
    assert "left out" in text and "torn.png" in text
    assert text.count("held out") == 3 and f"wrote {out}" in text
    assert FlowPrior.load(out).log_prob(torch.rand(1, 1, 4, 4)).isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card")
def test_on_a_graphics_card(folder, tmp_path):
    out = tmp_path / "flow.safetensors"
    code, text = invoke(folder, "-o", out, *SMALL, "--device", "cuda")
    assert code == 0 and f"wrote {out}" in text, text
    code, text = invoke(folder, "-o", out, *SMALL, "--steps", 5)
    assert code == 1 and "device=cuda" in text


def test_the_same_command_goes_on(folder, tmp_path):
    out = tmp_path / "flow.safetensors"
    invoke(folder, "-o", out, *SMALL)
    code, text = invoke(folder, "-o", out, *SMALL, "--steps", 5)
    assert code == 0 and "going on from step 3" in text and "step 5" in text
    content = out.read_bytes()
    code, text = invoke(folder, "-o", out, *SMALL, "--rate", 1e-4)
    assert code == 1 and "rate=" in text and "nothing was written" in text
    assert out.read_bytes() == content


def test_raw_numbers_of_an_instrument(tmp_path):
    """A flow of counts up to 340 is that of the images that they are."""
    raw, pictures = tmp_path / "raw", tmp_path / "pictures"
    raw.mkdir()
    pictures.mkdir()
    levels = torch.arange(64).view(4, 1, 4, 4) * 4
    for k, image in enumerate(levels):
        write_image(pictures / f"{k}.png", image.float() / 255)
        tifffile.imwrite(raw / f"{k}.tif", (20 + image[0].numpy()).astype(np.uint16))
    made = [tmp_path / f"{name}.safetensors" for name in "abc"]
    code, text = invoke(raw, "-o", made[0], *SMALL)
    assert code == 0 and "say which value is white: --white 272" in " ".join(text.split())
    code, text = invoke(raw, "-o", made[1], *SMALL, "--black", 20, "--white", 275)
    assert code == 0 and "warning" not in text
    code, text = invoke(pictures, "-o", made[2], *SMALL)
    assert code == 0, text
    x = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    one, two, three = (FlowPrior.load(path).log_prob(x) for path in made)
    assert torch.equal(two, three) and not torch.equal(one, two)
    code, text = invoke(raw, "-o", made[1], *SMALL, "--black", 20, "--white", 300)
    assert code == 1 and "white=275.0 and not 300.0" in text


def test_held_out_images_are_not_learned_from(folder, tmp_path):
    """All of them, whatever else lies in the folder, and of whatever size."""
    (folder / "apart").mkdir()
    write_image(folder / "apart" / "wide.png", torch.zeros(1, 4, 6))
    apart = [f"--held-out={path}" for path in (folder / "apart", folder / "1.png")]
    code, text = invoke(folder, "-o", tmp_path / "a.safetensors", *SMALL, *apart)
    assert code == 0 and "; 4 images of 8 bits" in text, text
    code, text = invoke(folder, "-o", tmp_path / "b.safetensors", *SMALL, "--held-out", folder)
    assert code == 2 and "all images to learn from are held out" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--depths", "many"], "--depths many"),
        (["--size", "4"], "--size 4"),
        (["--depths", "1,1,1"], "multiples of 8"),
        (["--rate", "-1"], "rate=-1"),
        (["--device", "abacus"], "--device abacus can't be used here"),
        (["--held-out", "nowhere"], "no file or folder nowhere"),
    ],
)
def test_what_can_not_be(folder, tmp_path, options, message):
    code, text = invoke(folder, "-o", tmp_path / "flow.safetensors", *SMALL, *options)
    assert code == 2 and message in " ".join(text.split())
    assert not (tmp_path / "flow.safetensors").exists()


def test_no_more_levels_than_the_images_have(folder, tmp_path):
    out = tmp_path / "own.safetensors"
    code, text = invoke(folder, "-o", out, *SMALL, "--bits", 12)
    assert code == 2 and "the images have 8 bits" in text and "--bits 8" in text
    for k in range(5):
        counts = np.arange(16, dtype=np.uint16).reshape(4, 4) * 256 + k
        tifffile.imwrite(tmp_path / f"{k}.tif", counts)
    code, text = invoke(
        *(tmp_path / f"{k}.tif" for k in range(5)),
        "-o",
        out,
        *SMALL,
        "--bits",
        12,
        "--white",
        4095,
    )
    assert code == 0 and "images of 16 bits" in text, text
