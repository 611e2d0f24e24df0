"""Images that are the pages of one TIFF file."""

import numpy as np
import pytest
import tifffile
import torch
from image_examples import levels

from invprob.errors import InputError
from invprob.images import read_image, write_image
from invprob.pixels import pages_of, read_pixels, read_stack


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_a_batch_is_written_as_pages(tmp_path, channels, count, bits):
    x, path = levels((count, channels, 5, 6), min(bits, 16)), tmp_path / "x.tif"
    write_image(path, x, bits=bits)
    assert pages_of(path) == list(range(count))
    for page in range(count):
        got = read_image(path, page=page)
        torch.testing.assert_close(got, x[page : page + 1], rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.npy"])
def test_other_formats_hold_one_image(tmp_path, name):
    with pytest.raises(InputError, match=r"not one image.*one by one, x\[0\], or as a .tif"):
        write_image(tmp_path / name, torch.zeros(2, 1, 4, 4))
    assert pages_of_written(tmp_path / name) == [None]


def pages_of_written(path):
    write_image(path, torch.zeros(1, 1, 4, 4))
    return pages_of(path)


def test_a_page_may_be_missing_but_no_pixel(tmp_path):
    x, path = torch.full((3, 1, 4, 5), 0.5), tmp_path / "x.tif"
    x[1] = torch.nan
    write_image(path, x)
    stored = tifffile.imread(path)
    assert np.isnan(stored[1]).all() and (stored[[0, 2]] == 0.5).all()
    x[2, 0, 0, 0] = torch.inf
    for wrong in (x, torch.full((2, 1, 4, 5), torch.nan), torch.full((1, 1, 4, 5), torch.nan)):
        with pytest.raises(InputError, match="not finite"):
            write_image(path, wrong)


def test_previews_are_no_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        for number in range(2):
            file.write(np.full((8, 8), number, np.uint8), photometric="minisblack")
        file.write(np.zeros((4, 4), np.uint8), photometric="minisblack", subfiletype=1)
    assert pages_of(tmp_path / "x.tif") == [0, 1]


def test_planes_that_are_one_colour_image_are_no_pages(tmp_path):
    path, planes = tmp_path / "stack.tif", np.zeros((3, 8, 9), np.uint8)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    assert read_image(path).shape == (1, 3, 8, 9)
    with pytest.raises(InputError) as error:
        read_image(path, page=1)
    assert "holds one image, page=0, of 3 planes that are read as the channels of one" in str(
        error.value
    )
    advice = str(error.value).partition("pages are written by ")[2]
    exec(advice, {"tifffile": tifffile, "path": path, "array": planes})
    assert read_image(path, page=1).shape == (1, 1, 8, 9)
    tifffile.imwrite(path, planes[0])
    with pytest.raises(InputError, match="holds one image, page=0$"):
        read_image(path, page=1)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("imagej", [False, True])
def test_all_images_behind_the_tags_of_one_page(tmp_path, imagej, colour):
    """As ImageJ writes more than 4 GB."""
    path, dtype = tmp_path / "x.tif", np.uint8 if colour else np.uint16
    images = np.arange(5 * 4 * 6 * 3).reshape(5, 4, 6, 3).astype(dtype)
    options = {"metadata": {"axes": "TYXS" if colour else "TYX"}} if imagej else {}
    kind = "rgb" if colour else "minisblack"
    written = images if colour else images[..., 0]
    tifffile.imwrite(path, written, truncate=True, imagej=imagej, photometric=kind, **options)
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 1
    assert pages_of(path) == [0, 1, 2, 3, 4]
    for page in (0, 3, -1):
        got = read_pixels(path, page)
        assert got.dtype == dtype and np.array_equal(got, images[page, ..., : 3 if colour else 1])
    assert np.array_equal(np.stack(read_stack(path)).reshape(written.shape), written)
    with pytest.raises(InputError, match="has 5 pages"):
        read_image(path)
    with pytest.raises(InputError, match="has pages 0 to 4"):
        read_image(path, page=5)


def test_channels_behind_the_tags_of_one_page(tmp_path):
    path, images = tmp_path / "x.tif", np.arange(240, dtype=np.uint16).reshape(2, 5, 4, 6)
    tifffile.imwrite(path, images, truncate=True, imagej=True, metadata={"axes": "TCYX"})
    assert pages_of(path, (5,)) == [0, 1] and len(pages_of(path)) == 10
    assert np.array_equal(read_pixels(path, 1, (5,)), np.moveaxis(images[1], 0, -1))


def test_a_damaged_file_has_no_pages(tmp_path):
    (tmp_path / "x.tif").write_bytes(b"II*\0")
    with pytest.raises(InputError, match="can't be read as a TIF file"):
        pages_of(tmp_path / "x.tif")
    with pytest.raises(InputError, match="there is no file"):
        pages_of(tmp_path / "gone.tif")
