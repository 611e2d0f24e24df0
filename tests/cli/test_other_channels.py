"""Images of other channels than pictures, on the command line: as they were read, so written."""

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

from invprob.cli.app import app
from invprob.images import read_image
from invprob.networks.denoiser import Architecture, Denoiser
from invprob.networks.stored_denoiser import write_denoiser

SMALL = "--widths 8,8,8 --before 1,1,1 --after 1,1 --batch 2 --patch 16 --steps 3".split()
NOISE = ["-l", "gaussian:sigma=0.1"]
LAYOUTS = {
    "contig": {"photometric": "minisblack", "planarconfig": "contig"},
    "separate": {"photometric": "minisblack", "planarconfig": "separate"},
    "pages": {"imagej": True, "metadata": {"axes": "CYX"}},
}


def invoke(*words):
    result = CliRunner().invoke(app, list(map(str, words)))
    return result.exit_code, result.output + result.stderr


def noisy(channels, seed=0):
    x = 0.5 + 0.1 * np.random.default_rng(seed).standard_normal((16, 20, channels))
    return x.astype(np.float32)


@pytest.fixture(autouse=True)
def parts():
    """All parts, not the few of the other tests."""


@pytest.fixture
def prior(tmp_path):
    """A denoiser of so many channels that learned nothing."""

    def made(channels):
        torch.manual_seed(0)
        path = tmp_path / f"{channels}.safetensors"
        small = Architecture((channels,), (8, 8, 8), (1, 1, 1), (1, 1))
        write_denoiser(Denoiser(small), path)
        return ["--prior", f"denoiser:file={path}"]

    return made


def test_five_channels_from_training_to_the_result(tmp_path):
    array = np.random.default_rng(0).integers(0, 255, (4, 20, 20, 5), dtype=np.uint8)
    np.save(tmp_path / "five.npy", array)
    weights, y, out = (tmp_path / name for name in ("own.safetensors", "y.npy", "x.npy"))
    np.save(y, noisy(5))
    assert invoke("train", "denoiser", tmp_path / "five.npy", "-o", weights, *SMALL)[0] == 0
    code, text = invoke("solve", y, *NOISE, "--prior", f"denoiser:file={weights}", "-o", out)
    assert code == 0, text
    assert np.load(out).shape == (16, 20, 5) and np.isfinite(np.load(out)).all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_result_has_the_layout_of_its_measurement(tmp_path, prior, layout):
    y, out, array = tmp_path / "y.tif", tmp_path / "x.tif", noisy(4)
    stored = array if layout == "contig" else np.moveaxis(array, -1, 0)
    tifffile.imwrite(y, np.ascontiguousarray(stored), **LAYOUTS[layout])
    assert np.array_equal(read_image(y, channels=4)[0].movedim(0, -1).numpy(), array)
    code, text = invoke("solve", y, *NOISE, *prior(4), "-o", out)
    assert code == 0, text
    pages = []
    for path in (y, out):
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            pages.append((len(file.pages), page.axes, page.shape, file.series[0].axes))
    assert pages[0] == pages[1]
    np.save(tmp_path / "y.npy", array)
    assert invoke("solve", tmp_path / "y.npy", *NOISE, *prior(4), "-o", tmp_path / "x.npy")[0] == 0
    same = np.load(tmp_path / "x.npy")
    assert np.array_equal(read_image(out, channels=4)[0].movedim(0, -1).numpy(), same)


def test_all_images_of_pages_that_are_channels(tmp_path, prior):
    stack = np.moveaxis(np.stack([noisy(4, k) for k in range(2)]), -1, 1)
    tifffile.imwrite(tmp_path / "y.tif", stack, imagej=True, metadata={"axes": "TCYX"})
    words = ["solve", tmp_path / "y.tif", *NOISE, *prior(4), "--page", "all"]
    code, text = invoke(*words, "-o", tmp_path / "x.tif")
    assert code == 0, text
    with tifffile.TiffFile(tmp_path / "x.tif") as file:
        assert file.series[0].axes == "TCYX" and file.series[0].shape == (2, 4, 16, 20)
    assert invoke(*words, "-o", f"{tmp_path}/each/")[0] == 0
    each = read_image(tmp_path / "each" / "y-1.tif", channels=4)
    assert torch.equal(read_image(tmp_path / "x.tif", page=1, channels=4), each)


def test_what_tifffile_calls_transparency_is_a_channel_for_who_asks(tmp_path):
    path = tmp_path / "y.tif"
    tifffile.imwrite(path, (60000 * noisy(4).clip(0, 1)).astype(np.uint16))
    assert read_image(path, channels=4).shape == (1, 4, 16, 20)
    with pytest.warns(UserWarning, match="transparency is dropped"):
        assert read_image(path).shape == (1, 3, 16, 20)


def test_a_folder_of_samples(tmp_path, prior):
    np.save(tmp_path / "y.npy", noisy(5))
    words = ["solve", tmp_path / "y.npy", *NOISE, *prior(5), "-s", "restart:calls=20"]
    code, text = invoke(*words, "--samples", 2, "-o", f"{tmp_path}/run/")
    assert code == 0, text
    assert np.load(tmp_path / "run" / "mean.npy").shape == (16, 20, 5)
    assert read_image(tmp_path / "run" / "std.tif", channels=5).shape == (1, 5, 16, 20)
    assert read_image(tmp_path / "run" / "panel.png").shape[1] == 3


def test_what_is_refused(tmp_path, prior):
    y = tmp_path / "y.npy"
    np.save(y, noisy(5))
    code, text = invoke("solve", y, *NOISE, *prior(5), "-o", tmp_path / "x.png")
    assert code == 2 and "5 channels, and a .png file is gray or in colour" in text
    code, text = invoke("solve", y, *NOISE, *prior(4), "-o", tmp_path / "x.npy")
    assert code == 2 and "(H, W), (H, W, 4) or (H, W, 3)" in text and "one by one" not in text
    code, text = invoke("solve", y, *NOISE, "-o", tmp_path / "x.npy")
    assert code == 2 and "save its channels one by one" in text
    np.save(y, np.moveaxis(noisy(5), -1, 0))
    code, text = invoke("solve", y, *NOISE, *prior(5), "-o", tmp_path / "x.npy")
    assert code == 2 and "move the channels last" in text
