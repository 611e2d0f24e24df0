"""Colour profiles go from a picture to what is made of it; and inks, which have none here."""

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from invprob.images import read_image, write_image

RGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY, INKS = (RGB[:16] + space + RGB[20:] for space in (b"GRAY", b"CMYK"))


def profile_in(path):
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as file:
            return file.pages.first.iccprofile
    with Image.open(path) as image:
        image.load()
        return image.info.get("icc_profile")


def picture(path, mode, profile):
    """A file with a profile."""
    if path.suffix == ".tif":
        pixels = np.zeros((4, 6, 3) if mode == "RGB" else (4, 6), np.uint16)
        kind = "rgb" if mode == "RGB" else "minisblack"
        tifffile.imwrite(path, pixels, photometric=kind, iccprofile=profile)
    else:
        Image.new(mode, (6, 4)).save(path, icc_profile=profile)
    return path


@pytest.mark.parametrize("source", ["y.png", "y.jpg", "y.tif"])
@pytest.mark.parametrize(
    ("name", "bits"),
    [("x.png", 8), ("x.png", 16), ("x.jpg", 8), ("x.tif", 8), ("x.tif", 16), ("x.tif", 32)],
)
@pytest.mark.parametrize(("mode", "profile"), [("RGB", RGB), ("L", GRAY)])
def test_the_profile_is_kept(tmp_path, source, name, bits, mode, profile):
    like = picture(tmp_path / source, mode, profile)
    x = torch.full((3 if mode == "RGB" else 1, 4, 6), 0.2)
    write_image(tmp_path / name, x, bits=bits, like=like)
    assert profile_in(tmp_path / name) == profile
    assert float(read_image(tmp_path / name)[0, 0, 0, 0]) == pytest.approx(0.2, abs=0.01)


def test_a_profile_of_other_numbers_is_not(tmp_path, recwarn):
    colour, gray = torch.zeros(3, 4, 6), torch.zeros(1, 4, 6)
    for name, mode, profile, x in (
        ("y.png", "RGB", RGB, gray),
        ("y.png", "L", GRAY, colour),
        ("y.tif", "L", GRAY, colour),
        ("y.jpg", "CMYK", INKS, colour),
        ("y.png", "RGB", b"no profile at all", colour),
    ):
        like = picture(tmp_path / name, mode, profile)
        write_image(tmp_path / "x.png", x, like=like)
        assert profile_in(tmp_path / "x.png") is None
    np.save(tmp_path / "y.npy", np.zeros((4, 6)))
    write_image(tmp_path / "x.png", gray, like=tmp_path / "y.npy")
    assert not recwarn.list


def test_a_profile_that_can_not_be_read_costs_no_image(tmp_path):
    (tmp_path / "y.png").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="its colour profile can't be kept"):
        write_image(tmp_path / "x.png", torch.zeros(4, 6), like=tmp_path / "y.png")
    assert read_image(tmp_path / "x.png").shape == (1, 1, 4, 6)


def test_inks_become_colours_and_it_is_said(tmp_path):
    Image.new("CMYK", (6, 4), (0, 255, 255, 0)).save(tmp_path / "y.jpg", quality=95)
    with pytest.warns(UserWarning, match="inks"):
        y = read_image(tmp_path / "y.jpg")
    assert y[0, :, 0, 0].tolist() == pytest.approx([1, 0, 0], abs=0.02)
