"""Every damaged or odd image file ends in one clear message."""

import errno
import warnings

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_examples import levels
from PIL import Image

from invprob.errors import InputError
from invprob.formats import pictures
from invprob.images import read_image, write_image


def test_missing_and_misnamed(tmp_path):
    with pytest.raises(InputError, match="there is no file .*gone.png; the current folder is"):
        read_image(tmp_path / "gone.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path / "folder.png")
    with pytest.raises(InputError, match="there is no file or folder .*gone; the current"):
        read_image(tmp_path / "gone")
    for name in ("x.svg", "x"):
        (tmp_path / name).touch()
        with pytest.raises(InputError, match=r"names no known format; use one of \.png"):
            read_image(tmp_path / name)
    for name in ("x.svg", "x", "x.webp", "x.bmp"):
        with pytest.raises(InputError, match="names no known format"):
            write_image(tmp_path / name, torch.zeros(4, 4))
    with pytest.raises(InputError, match=r"the file comes first, write_image\(path, x\)"):
        write_image(torch.zeros(4, 4), tmp_path / "x.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InputError, match="can't be read as a PNG file"):
        read_image(tmp_path / "text.png")


@pytest.mark.parametrize(
    ("name", "bits"),
    [("x.png", 8), ("x.png", 16), ("x.jpg", 8), ("x.tif", 32), ("x.tif", 8), ("x.npy", 32)],
)
def test_a_truncated_file_never_gives_an_image(tmp_path, name, bits):
    write_image(tmp_path / name, levels((1, 3, 32, 32), 8), bits=bits)
    whole = (tmp_path / name).read_bytes()
    for keep in (0, 1, 7, 30, 60, len(whole) // 2, len(whole) * 9 // 10):
        (tmp_path / f"cut-{name}").write_bytes(whole[:keep])
        with pytest.raises(InputError, match="can't be read"):
            read_image(tmp_path / f"cut-{name}")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["x.png", "x.tif", "x.jpg", "x.npy"]), st.data())
def test_a_damaged_file_gives_an_image_or_one_kind_of_error(tmp_path, name, data):
    write_image(tmp_path / name, levels((1, 3, 8, 8), 8))
    content = bytearray((tmp_path / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / name).write_bytes(bytes(content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            x = read_image(tmp_path / name)
        except InputError:
            return
    assert x.ndim == 4
    assert x.dtype == torch.float32


def test_numbers_without_a_white_level(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((4, 4), np.int32))
    with pytest.raises(InputError, match="int32 numbers, which have no white level"):
        read_image(tmp_path / "x.tif")
    Image.new("LAB", (4, 4)).save(tmp_path / "lab.tif", compression="tiff_lzw")
    with pytest.raises(InputError, match="holds (LAB|CIELAB) pixels; save it in gray or RGB"):
        read_image(tmp_path / "lab.tif")
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((4, 4), np.complex64))
    with pytest.raises(InputError, match="complex64; an image is made of real numbers"):
        read_image(tmp_path / "x.tif", white=7)
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((4, 4, 4), np.uint8), photometric="separated")
    with pytest.raises(InputError, match="holds SEPARATED pixels"):
        read_image(tmp_path / "x.tif")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 1, 4, 4), r"shape \(2, 1, 4, 4\), which is not one image.*row"),
        (torch.zeros(2, 4, 4), r"shape \(2, 4, 4\), which is not one image"),
        (torch.zeros(1, 0, 4), "not one image"),
        (torch.zeros(4, 4, dtype=torch.uint8), "not torch.uint8"),
        (np.zeros((4, 4)), "not ndarray"),
        (torch.tensor([[float("nan")]]), "not finite"),
    ],
)
def test_what_is_not_an_image_is_not_written(tmp_path, x, message):
    with pytest.raises(InputError, match=message):
        write_image(tmp_path / "x.png", x)
    assert list(tmp_path.iterdir()) == []


def test_depths_that_a_format_lacks(tmp_path):
    with pytest.raises(InputError, match="bits=16: a .jpg file is written in 8 bits; .png and"):
        write_image(tmp_path / "x.jpg", torch.zeros(4, 4), bits=16)
    with pytest.raises(InputError, match="bits=32: a .png file is written in 8 or 16 bits"):
        write_image(tmp_path / "x.png", torch.zeros(4, 4), bits=32)
    with pytest.raises(InputError, match="there is no folder .*missing to write x.png to"):
        write_image(tmp_path / "missing" / "x.png", torch.zeros(4, 4))


def test_a_file_that_is_not_damaged_is_not_said_to_be(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    write_image(path, torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)))

    def refusing(*_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(pictures, "_read", refusing)
        with pytest.raises(InputError, match="can't be read: Permission denied$"):
            read_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(InputError, match="more pixels than are read.*save it as .tif"):
        read_image(path)
