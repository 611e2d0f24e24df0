"""Image files: what is written is what is read."""

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_examples import levels
from PIL import Image

from invprob.images import read_image, sample_photo, write_image


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("suffix", "bits"), [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".TIFF", 16)]
)
def test_integer_round_trip_is_exact(tmp_path, suffix, bits, channels):
    x = levels((1, channels, 11, 6), bits)
    write_image(tmp_path / f"x{suffix}", x, bits=bits)
    back = read_image(tmp_path / f"x{suffix}")
    assert back.dtype == torch.float32
    assert torch.equal(back, x)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]), st.integers(0, 99))
def test_16_bit_png_of_any_shape(tmp_path, height, width, channels, seed):
    x = levels((1, channels, height, width), 16, seed)
    write_image(tmp_path / "x.png", x, bits=16)
    assert torch.equal(read_image(tmp_path / "x.png"), x)


def test_16_bit_png_is_what_pillow_sees(tmp_path):
    x = levels((1, 3, 9, 9), 16)
    write_image(tmp_path / "x.png", x, bits=16)
    with Image.open(tmp_path / "x.png") as image:
        image.verify()
    with Image.open(tmp_path / "x.png") as image:
        high = np.asarray(image)
    expected = np.rint(x[0].permute(1, 2, 0).double().numpy() * 65535).astype(int) >> 8
    assert np.array_equal(high, expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_floating_point_tiff_keeps_what_is_outside_the_unit(tmp_path, channels):
    x = torch.randn(1, channels, 5, 8, generator=torch.Generator().manual_seed(0))
    write_image(tmp_path / "x.tif", x)
    assert torch.equal(read_image(tmp_path / "x.tif"), x)
    tifffile.imwrite(tmp_path / "double.tif", x[0, 0].double().numpy())
    assert torch.equal(read_image(tmp_path / "double.tif"), x[:, :1])


def test_integers_are_clipped_and_rounded(tmp_path):
    write_image(tmp_path / "x.png", torch.tensor([[-0.3, 0.0, 0.4999 / 255, 0.5001 / 255, 1.7]]))
    with Image.open(tmp_path / "x.png") as image:
        assert np.asarray(image).tolist() == [[0, 0, 0, 1, 255]]


def test_jpeg_is_close_on_a_smooth_image(tmp_path):
    ramp = torch.linspace(0.1, 0.9, 32).expand(1, 3, 32, 32)
    write_image(tmp_path / "x.jpg", ramp)
    assert float((read_image(tmp_path / "x.jpg") - ramp).abs().max()) < 0.02


def test_the_shapes_that_are_one_image(tmp_path):
    x = levels((1, 1, 4, 6), 8)
    for view in (x, x[0], x[0, 0], x.double(), x.clone().requires_grad_()):
        write_image(tmp_path / "x.png", view)
        assert torch.equal(read_image(tmp_path / "x.png"), x)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_image(tmp_path / "x.png", torch.ones(4, 4))
    before = (tmp_path / "x.png").read_bytes()

    def full_disk(self, file, **_):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_image(tmp_path / "x.png", torch.zeros(4, 4))
    assert (tmp_path / "x.png").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]


def test_the_sample_photo():
    photo = sample_photo()
    assert photo.shape == (1, 3, 256, 256)
    assert photo.dtype == torch.float32
    assert 0 <= float(photo.min()) < 0.1
    assert 0.8 < float(photo.max()) <= 1
    # A cat of this colour: more red than green than blue.
    red, green, blue = photo.mean((0, 2, 3)).tolist()
    assert red > green > blue
