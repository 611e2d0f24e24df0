"""`invprob adapt`."""

import re

import pytest
import tifffile
import torch
from torch import Generator
from typer.testing import CliRunner

from invprob.cli.app import app
from invprob.errors import InputError
from invprob.images import read_image, write_image
from invprob.priors.denoiser import DenoiserPrior


@pytest.fixture
def noisy(tmp_path, monkeypatch):
    monkeypatch.setattr("invprob.cli.specs.make", lambda kind, text: DenoiserPrior.pretrained())
    monkeypatch.setattr("invprob.training.adapting.BATCH", 4)
    tile = (torch.rand(6, 6, generator=Generator().manual_seed(0)) < 0.5).float()
    return written(tile.repeat(16, 16), tmp_path / "noisy.tif")


def written(x, path):
    write_image(
        path, (x + 0.2 * torch.randn(x.shape, generator=Generator().manual_seed(0)))[None, None]
    )
    return path


def invoke(*arguments):
    result = CliRunner().invoke(app, ["adapt", *map(str, arguments)])
    return result.exit_code, " ".join((result.output + result.stderr).split())


def test_an_adapted_network_in_a_file(noisy, tmp_path):
    out = tmp_path / "own.safetensors"
    code, text = invoke(noisy, "--sigma", "51/255", "-o", out, "--steps", 60)
    assert code == 0, text
    assert "dB before, " in text and f"wrote {out}" in text
    assert DenoiserPrior.load(out).domain().channels == (1,)
    code, text = invoke(noisy, "--sigma", "0.2", "-o", out)
    assert code == 2 and "exists" in text


def test_the_noise_level_is_found(noisy, tmp_path):
    """Of stripes; the tiles are taken for noise."""
    written((torch.arange(96) // 4 % 2).float().expand(96, 96), noisy)
    out = tmp_path / "own.safetensors"
    code, text = invoke(noisy, "-o", out, "--steps", 1, "--rate", "1e-12", "--white", 1)
    assert code == 1 and "no clear improvement" in text
    found = re.search(r"noise of .*: sigma=([\d.]+), as found in it", text)
    assert float(found[1]) == pytest.approx(0.2, abs=0.004)


def test_noise_of_several_levels_is_to_be_named(noisy, tmp_path):
    x = torch.linspace(0.1, 0.9, 96).expand(1, 1, 96, 96)
    n = torch.randn(x.shape, generator=Generator().manual_seed(0))
    write_image(tmp_path / "uneven.tif", x + 0.3 * x * n)
    code, text = invoke(tmp_path / "uneven.tif", "-o", tmp_path / "own.safetensors")
    assert code == 2 and "not of one level" in text and "--sigma 0.1" in text


def test_nothing_is_written_without_an_improvement(noisy, tmp_path):
    out = tmp_path / "own.safetensors"
    code, text = invoke(noisy, "--sigma", "0.2", "-o", out, "--steps", 1, "--rate", "1e-12")
    assert code == 1 and "no clear improvement" in text and not out.exists()


def test_a_noise_level_above_that_of_the_image_is_named(noisy, tmp_path):
    out = tmp_path / "own.safetensors"
    code, text = invoke(noisy, "--sigma", "0.6", "-o", out, "--steps", 1)
    assert code == 1 and "sigma=0.6 is more than the noise of this image" in text
    assert "100.00" not in text and not out.exists()


def test_raw_numbers_of_an_instrument(noisy, tmp_path, monkeypatch):
    seen = []

    def refuse(prior, y, *_, **__):
        seen.append(y)
        raise InputError("seen")

    monkeypatch.setattr("invprob.training.adapting.adapt", refuse)
    raw, y = tmp_path / "raw.tif", read_image(noisy)
    write_image(raw, y.clamp(0, 1), bits=16, black=300, white=1300)
    line = [raw, "--sigma", "0.2", "-o", tmp_path / "own.safetensors"]
    code, text = invoke(*line)
    assert code == 2 and "max(y) = 0.0198: is white really 65535" in text
    code, text = invoke(*line, "--black", 300, "--white", 1300)
    assert code == 2 and "warning" not in text
    torch.testing.assert_close(seen[1], y.clamp(0, 1), atol=6e-4, rtol=0)


def test_one_page_of_a_stack(noisy, tmp_path, monkeypatch):
    seen, stack = [], tmp_path / "stack.tif"
    monkeypatch.setattr(
        "invprob.training.adapting.adapt", lambda _, y, *__, **___: 1 / seen.append(y)
    )
    pages = torch.rand(3, 8, 9)
    tifffile.imwrite(stack, pages.numpy(), photometric="minisblack")
    line = [stack, "--sigma", "0.2", "-o", tmp_path / "own.safetensors"]
    assert "type --page 0, and" in invoke(*line)[1].replace("command line: ", "type ")
    invoke(*line, "--page", 2)
    assert torch.equal(seen[0][0, 0], pages[2])


def test_weights_go_to_a_safetensors_file(noisy, tmp_path):
    code, text = invoke(noisy, "--sigma", "0.2", "-o", tmp_path / "own.png")
    assert code == 2 and "own.safetensors" in text and "own.png.safetensors" not in text


@pytest.mark.parametrize("sigma", ["much", "0", "25"])
def test_noise_levels_that_can_not_be(noisy, tmp_path, sigma):
    code, text = invoke(noisy, "--sigma", sigma, "-o", tmp_path / "own.safetensors")
    assert code == 2 and "sigma" in text
