"""`invprob train denoiser`."""

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

from invprob.cli.app import app
from invprob.errors import WeightsError
from invprob.images import write_image
from invprob.networks.stored_glow import write_glow
from invprob.priors.denoiser import DenoiserPrior

SMALL = ["--widths", "8,8,8", "--before", "1,1,1", "--after", "1,1", "--batch", "2", "--patch"]
SMALL += ["16", "--steps", "3", "--every", "0"]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k in range(4):
        x = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(k))
        write_image(folder / f"{k}.png", x)
    write_image(folder / "small.png", torch.zeros(1, 3, 9, 40))
    (folder / "torn.png").write_bytes(b"nonsense")
    return folder


def invoke(*arguments):
    result = CliRunner().invoke(app, ["train", "denoiser", *map(str, arguments)])
    return result.exit_code, result.output + result.stderr


def test_a_denoiser_from_a_folder(folder, tmp_path):
    out = tmp_path / "own.safetensors"
    code, text = invoke(folder, "-o", out, *SMALL)
    assert code == 0, text
    assert "torn.png" in text and "small.png: smaller than 16 x 16" in text
    assert "; 3 photos; " in text and text.count("held out, C=1") == 3
    levels = "held out: PSNR in dB at sigma 0.01, 0.0588, 0.098, 0.196, 0.4, 1\n"
    assert text.count(levels) == 1 and text.index(levels) < text.index("held out, C=1")
    prior = DenoiserPrior.load(out, precision="float32")
    assert repr(prior) == f"DenoiserPrior.load({str(out)!r}, precision='float32')"
    for channels in (1, 3):
        x = torch.rand(1, channels, 21, 16, generator=torch.Generator().manual_seed(0))
        y = prior.denoise(x, 0.1)
        assert y.isfinite().all() and not torch.equal(
            y, DenoiserPrior.pretrained().denoise(x, 0.1)
        )


def test_channels_of_ones_own(tmp_path):
    array = np.random.default_rng(0).integers(0, 255, (4, 20, 20, 5), dtype=np.uint8)
    np.save(tmp_path / "five.npy", array)
    out = tmp_path / "own.safetensors"
    code, text = invoke(tmp_path / "five.npy", "-o", out, *SMALL)
    assert code == 0, text
    assert DenoiserPrior.load(out).domain().channels == (5,)
    assert DenoiserPrior.load(out).denoise(torch.rand(2, 5, 16, 16), 0.2).shape == (2, 5, 16, 16)


@pytest.mark.parametrize(("channels", "known"), [(1, (1,)), (3, (3,)), (None, (1, 3))])
def test_colour_as_gray(folder, tmp_path, channels, known):
    out = tmp_path / "own.safetensors"
    options = [] if channels is None else ["--channels", channels]
    code, text = invoke(folder, "-o", out, *SMALL, *options)
    assert code == 0, text
    assert DenoiserPrior.load(out).domain().channels == known


def test_the_same_command_goes_on(folder, tmp_path):
    out = tmp_path / "own.safetensors"
    invoke(folder, "-o", out, *SMALL)
    code, text = invoke(folder, "-o", out, *SMALL, "--steps", 5)
    assert code == 0 and "going on from step 3" in text and "step 5" in text
    content = out.read_bytes()
    code, text = invoke(folder, "-o", out, *SMALL, "--rate", 1e-4)
    assert code == 1 and "rate=" in text and "nothing was written" in text
    code, text = invoke(folder, "-o", out, *SMALL, "--widths", "8,8,16")
    assert code == 1 and "widths=" in text
    assert out.read_bytes() == content


def test_going_on_from_trained_weights(folder, tmp_path):
    """A rate of next to nothing leaves them as they are, up to rounding."""
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    invoke(folder, "-o", first, *SMALL)
    budget, slow = SMALL[-8:], ["--rate", 1e-9, "--adam-rate", 1e-9]
    code, text = invoke(folder, "-o", second, "--start", first, *budget, *slow)
    assert code == 0 and "widths=(8, 8, 8)" in text, text
    x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    one, other = (DenoiserPrior.load(p, precision="float32") for p in (first, second))
    assert torch.allclose(one.denoise(x, 0.1), other.denoise(x, 0.1), atol=1e-5)
    code, text = invoke(folder, "-o", second, *SMALL, *slow)
    assert code == 1 and "start=" in text
    code, text = invoke(
        folder, "-o", tmp_path / "b.safetensors", "--start", first, *budget, "--widths", "8,8,16"
    )
    assert code == 2 and "more blocks can be appended" in " ".join(text.split())
    code, text = invoke(folder, "-o", tmp_path / "b.safetensors", "--start", "nowhere", *budget)
    assert code == 1 and "can't read" in " ".join(text.split())


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_the_embedded_denoiser_goes_on_learning(folder, tmp_path, channels):
    """The one for colour, or the one for gray if that is asked for."""
    out = tmp_path / "own.safetensors"
    options = [] if channels is None else ["--channels", channels]
    start = ["--start", "pretrained", *SMALL[-8:-2], "--steps", 1, "--tries", 2, *options]
    code, text = invoke(folder, "-o", out, *start)
    assert code == 0 and "widths=(96, 128, 128)" in text and "tries=2" in text, text
    assert ("for gray: --channels 1" in text) == (channels != 1)
    count = channels or 3
    assert DenoiserPrior.load(out).domain().channels == (count,)
    x = 0.5 + 0.1 * torch.randn(1, count, 16, 16, generator=torch.Generator().manual_seed(0))
    clean = torch.full_like(x, 0.5)
    assert (DenoiserPrior.load(out).denoise(x, 0.1) - clean).square().mean() < 0.03**2


@pytest.mark.parametrize("options", [[], ["--channels", "1"]])
def test_gray_images_teach_the_gray_part_alone(folder, tmp_path, options):
    """A colour part that did not learn with the rest would denoise no longer."""
    start, out, gray = tmp_path / "a.safetensors", tmp_path / "b.safetensors", tmp_path / "gray"
    invoke(folder, "-o", start, *SMALL)
    gray.mkdir()
    for k in range(3):
        x = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(k))
        write_image(gray / f"{k}.png", x)
    code, text = invoke(gray, "-o", out, "--start", start, *SMALL[-8:], *options)
    assert code == 0 and "weights for 1 and 3 channels; 1 goes on learning" in text, text
    assert DenoiserPrior.load(out).domain().channels == (1,)
    code, text = invoke(gray, "-o", out, "--start", start, *SMALL[-8:], *options, "--steps", 5)
    assert code == 0 and "going on from step 3" in text, text
    colour = tmp_path / "colour.safetensors"
    invoke(folder, "-o", colour, *SMALL, "--channels", 3)
    code, text = invoke(gray, "-o", tmp_path / "c.safetensors", "--start", colour, *SMALL[-8:])
    assert code == 2 and "channels=(3,): the photos have 1" in " ".join(text.split())


@pytest.mark.parametrize(
    ("channels", "known"), [(None, (1, 3)), (1, (1,)), (3, (3,))], ids=["both", "gray", "colour"]
)
def test_channels_of_the_weights_to_begin_with(folder, tmp_path, channels, known):
    start, out = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    options = [] if channels is None else ["--channels", channels]
    invoke(folder, "-o", start, *SMALL, *options)
    code, text = invoke(folder, "-o", out, "--start", start, *SMALL[-8:])
    assert code == 0 and "goes on learning" not in text, text
    assert DenoiserPrior.load(out).domain().channels == known


def test_held_out_images_are_not_learned_from(folder, tmp_path):
    out = tmp_path / "own.safetensors"
    code, text = invoke(folder, "-o", out, *SMALL, "--held-out", folder / "1.png")
    assert code == 0 and "; 3 photos; " in text
    code, text = invoke(folder, "-o", tmp_path / "b.safetensors", *SMALL, "--held-out", folder)
    assert code == 2 and "all images to learn from are held out" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--widths", "many"], "--widths many"),
        (["--widths", "8,8"], "widths=(8, 8)"),
        (["--scales", "2"], "scales=(2.0,)"),
        (["--rate", "-1"], "rate=-1"),
        (["--centre", "50"], "centre=50.0, spread=1.1: most noise levels are about a centre"),
        (["--patch", "64"], "no image to learn from"),
        (["--channels", "4"], "it has C=3, and C=4 is asked for"),
        (["--device", "abacus"], "--device abacus can't be used here"),
        (["--held-out", "nowhere"], "no file or folder nowhere"),
    ],
)
def test_what_can_not_be(folder, tmp_path, options, message):
    code, text = invoke(folder, "-o", tmp_path / "own.safetensors", *SMALL, *options)
    assert code == 2 and message in " ".join(text.split())
    assert not (tmp_path / "own.safetensors").exists()


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_raw_numbers_of_an_instrument(tmp_path, suffix):
    numbers = np.random.default_rng(0).integers(0, 201, (3, 20, 20)).astype(np.uint16)
    raw, line = tmp_path / "raw", ["-o", tmp_path / "own.safetensors", *SMALL]
    raw.mkdir()
    if suffix == ".npy":
        np.save(raw / "all.npy", numbers)
    else:
        for k, image in enumerate(numbers):
            tifffile.imwrite(raw / f"{k}.tif", image)
    code, text = invoke(raw, *line, "--white", 200)
    assert code == 0 and "warning" not in text and "; 2 photos; " in text
    code, text = invoke(raw, *line, "--white", 210)
    assert code == 1 and "white=200.0 and not 210.0" in text
    code, text = invoke(raw, "-o", tmp_path / "other.safetensors", *SMALL)
    text = " ".join(text.split())
    assert code == 0 and "is white really 65535 in " in text
    assert "--white 200, or what the instrument's is" in text
    if suffix == ".npy":
        np.save(raw / "all.npy", numbers.astype(np.int32))
        code, text = invoke(raw, "-o", tmp_path / "fourth.safetensors", *SMALL)
        assert code == 2 and "command line: --white NUMBER for" in " ".join(text.split())
    code, text = invoke(raw, "-o", tmp_path / "third.safetensors", *SMALL, "--white", 100)
    assert code == 2 and "it has values from 0 to 2" in " ".join(text.split())


@pytest.mark.parametrize("name", ["own.pt", "own"])
def test_weights_that_would_share_a_run_are_refused(folder, tmp_path, name):
    code, text = invoke(folder, "-o", tmp_path / name, *SMALL)
    assert code == 2 and "own.safetensors" in text
    assert not list(tmp_path.glob("own*"))


def test_an_empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    code, text = invoke(tmp_path / "empty", "-o", tmp_path / "own.safetensors", *SMALL)
    assert code == 2 and "no file ends in .png" in " ".join(text.split())


def test_loading_what_is_no_denoiser(tmp_path):
    from invprob.networks.glow import Architecture, Glow

    path = tmp_path / "flow.safetensors"
    with torch.random.fork_rng():
        write_glow(Glow(Architecture((1, 4, 4), (1,), 4)), path)
    with pytest.raises(WeightsError, match="holds no denoiser but another network .glow."):
        DenoiserPrior.load(path)
    with pytest.raises(WeightsError, match="can't read"):
        DenoiserPrior.load(tmp_path / "nothing.safetensors")
