"""Images that other programs and instruments write, in every mode, depth and unit."""

import warnings
import zlib

import numpy as np
import pytest
import tifffile
import torch
from image_examples import levels
from PIL import Image

from invprob.errors import FileWarning, InputError
from invprob.images import read_image, write_image


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("P", 3), ("RGB", 3), ("I;16", 1)]
)
def test_modes(tmp_path, mode, channels):
    rng = np.random.default_rng(0)
    if mode == "I;16":
        expected = rng.integers(0, 65536, (5, 7)).astype(np.uint16)
        Image.fromarray(expected).save(tmp_path / "x.png")
        expected = expected[..., None] / 65535
    else:
        colours = Image.fromarray(rng.integers(0, 256, (5, 7, 3)).astype(np.uint8))
        image = colours.convert(mode)
        image.save(tmp_path / "x.png")
        as_stored = image.convert("RGB" if channels == 3 else "L")
        expected = np.asarray(as_stored).reshape(5, 7, channels) / 255
    x = read_image(tmp_path / "x.png")
    np.testing.assert_allclose(x[0].permute(1, 2, 0), expected, atol=1e-7)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_dropped_and_said(tmp_path, mode):
    pixels = np.full((4, 5, len(mode)), 255, np.uint8)
    pixels[..., 0] = 51
    Image.fromarray(pixels, mode).save(tmp_path / "opaque.png")
    pixels[:2, :, -1] = 7
    Image.fromarray(pixels, mode).save(tmp_path / "x.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opaque = read_image(tmp_path / "opaque.png")
    with pytest.warns(UserWarning, match=r"50\.0% of the pixels"):
        x = read_image(tmp_path / "x.png")
    assert torch.equal(x, opaque)
    assert x.shape == (1, len(mode) - 1, 4, 5)
    assert float(x[0, 0, 0, 0]) == pytest.approx(0.2)


@pytest.mark.parametrize("said", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_transparency_of_tiff_is_what_its_tag_says(tmp_path, said, channels, planar):
    path, pixels = tmp_path / "x.tif", np.full((6, 5, channels), 51, np.uint8)
    tifffile.imwrite(
        path,
        pixels if planar == "contig" else np.moveaxis(pixels, -1, 0),
        photometric="minisblack" if channels == 2 else "rgb",
        planarconfig=planar,
        extrasamples=[said],
    )
    if said == "unspecified":
        with pytest.raises(InputError, match="save its channels one by one"):
            read_image(path)
    else:
        with pytest.warns(UserWarning, match="transparency is dropped"):
            assert read_image(path).shape == (1, channels - 1, 6, 5)


def test_transparent_palette(tmp_path):
    image = Image.new("P", (3, 2), 1)
    image.putpalette([0, 0, 0, 255, 0, 51])
    image.save(tmp_path / "x.png", transparency=1)
    with pytest.warns(FileWarning, match="transparency"):
        x = read_image(tmp_path / "x.png")
    assert x[0, :, 0, 0].tolist() == pytest.approx([1, 0, 0.2])


def test_a_phone_photo_stands_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by a quarter turn to show
    Image.new("L", (8, 4)).save(tmp_path / "x.jpg", exif=exif)
    assert read_image(tmp_path / "x.jpg").shape == (1, 1, 8, 4)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colour_tiff_by_pixel_or_by_plane(tmp_path, planar):
    x = levels((1, 3, 4, 6), 16)
    array = np.rint(x[0].double().numpy() * 65535).astype(np.uint16)
    array = array if planar == "separate" else np.moveaxis(array, 0, -1)
    tifffile.imwrite(tmp_path / "x.tif", array, photometric="rgb", planarconfig=planar)
    assert torch.equal(read_image(tmp_path / "x.tif"), x)


def test_tiff_kinds(tmp_path):
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.array([[0, 51]], np.uint8), photometric="miniswhite")
    assert read_image(path).flatten().tolist() == pytest.approx([1, 0.8])
    colours = np.zeros((3, 256), np.uint16)
    colours[:, 5] = 65535, 0, 13107
    tifffile.imwrite(path, np.array([[5, 0]], np.uint8), photometric="palette", colormap=colours)
    assert read_image(path)[0, :, 0, 0].tolist() == pytest.approx([1, 0, 0.2])
    Image.fromarray(np.array([[True, False]])).save(path)
    assert read_image(path).flatten().tolist() == [1, 0]
    Image.fromarray(np.array([[255, 51]], np.uint8)).save(path, compression="tiff_lzw")
    assert read_image(path).flatten().tolist() == pytest.approx([1, 0.2])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3)])
def test_a_tiff_file_is_turned_as_a_photo_is(tmp_path, orientation, shape):
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    tifffile.imwrite(tmp_path / "x.tif", pixels, extratags=[(274, 3, 1, orientation, True)])
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(pixels).save(tmp_path / "x.png", exif=exif)
    assert torch.equal(read_image(tmp_path / "x.tif"), read_image(tmp_path / "x.png"))
    if len(shape) == 2:
        colours = np.repeat(np.arange(256, dtype=np.uint16)[None] * 257, 3, 0)
        tifffile.imwrite(
            tmp_path / "x.tif",
            pixels,
            photometric="palette",
            colormap=colours,
            extratags=[(274, 3, 1, orientation, True)],
        )
        assert torch.equal(read_image(tmp_path / "x.tif")[:, :1], read_image(tmp_path / "x.png"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("place", [33, -12])
def test_16_bits_are_turned_as_8_are(tmp_path, orientation, channels, place):
    """The chunk may lie behind the first, or before the last."""
    x = levels((1, channels, 3, 5), 8)
    exif = Image.Exif()
    exif[274] = orientation
    data = exif.tobytes().removeprefix(b"Exif\0\0")
    check = zlib.crc32(b"eXIf" + data).to_bytes(4, "big")
    chunk = len(data).to_bytes(4, "big") + b"eXIf" + data + check
    for bits in (8, 16):
        path = tmp_path / f"{bits}.png"
        write_image(path, x, bits=bits)
        content = path.read_bytes()
        path.write_bytes(content[:place] + chunk + content[place:])
    assert torch.equal(read_image(tmp_path / "16.png"), read_image(tmp_path / "8.png"))


def test_white_that_is_0_has_no_black_in_floating_point(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((3, 4), np.float32), photometric="miniswhite")
    with pytest.raises(InputError, match="float32 numbers of which 0 is white"):
        read_image(tmp_path / "x.tif", white=7)


def test_pages(tmp_path):
    x = levels((3, 1, 4, 6), 16)
    tifffile.imwrite(tmp_path / "x.tif", x[:, 0].numpy(), photometric="minisblack")
    assert torch.equal(read_image(tmp_path / "x.tif", page=2), x[2:])
    with pytest.raises(InputError, match="has 3 pages, and one is taken at a time: page=0"):
        read_image(tmp_path / "x.tif")
    with pytest.raises(InputError, match="page=3: .* has pages 0 to 2"):
        read_image(tmp_path / "x.tif", page=3)
    write_image(tmp_path / "x.png", x[:1])
    with pytest.raises(InputError, match="only TIFF and FITS files have pages"):
        read_image(tmp_path / "x.png", page=0)


@pytest.mark.parametrize("suffix", [".bmp", ".webp"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_more_formats_that_are_read(tmp_path, suffix, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    image.save(tmp_path / f"x{suffix}", **({"lossless": True} if suffix == ".webp" else {}))
    x = read_image(tmp_path / f"x{suffix}")
    with Image.open(tmp_path / f"x{suffix}") as stored:
        expected = np.asarray(stored).reshape(6, 8, -1)
    np.testing.assert_allclose(x[0].permute(1, 2, 0), expected / 255, atol=1e-7)


@pytest.mark.parametrize(
    "kind", ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64", ">f4"]
)
@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_numbers_of_any_type_with_a_white_level(tmp_path, suffix, kind):
    numbers = np.arange(2, 62, 3).reshape(4, 5).astype(kind)
    save = np.save if suffix == ".npy" else tifffile.imwrite
    save(tmp_path / f"x{suffix}", numbers)
    x = read_image(tmp_path / f"x{suffix}", black=2, white=42)
    np.testing.assert_allclose(x[0, 0], (np.arange(2, 62, 3).reshape(4, 5) - 2) / 40, atol=1e-7)


@pytest.mark.parametrize(("name", "bits"), [("x.tif", 32), ("x.tif", 16), ("x.npy", 32)])
def test_the_unit_of_an_instrument_is_undone(tmp_path, name, bits):
    counts = np.random.default_rng(0).integers(300, 9000, (7, 5)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "y.tif", counts)
    y = read_image(tmp_path / "y.tif", black=300, white=8300)
    assert float(y.max()) > 1
    write_image(tmp_path / name, y, bits=bits, black=300, white=8300)
    back = tifffile.imread(tmp_path / name) if name == "x.tif" else np.load(tmp_path / name)
    assert back.dtype == (np.uint16 if bits == 16 else np.float32)
    np.testing.assert_allclose(back, counts, rtol=1e-6 if bits == 32 else 0)


def test_arrays(tmp_path):
    x = levels((1, 3, 4, 6), 8)
    write_image(tmp_path / "x.npy", x)
    assert np.load(tmp_path / "x.npy").shape == (4, 6, 3)
    assert torch.equal(read_image(tmp_path / "x.npy"), x)
    np.save(tmp_path / "x.npy", np.array([[True, False]]))
    assert read_image(tmp_path / "x.npy").flatten().tolist() == [1, 0]
    for array, message in (
        (np.zeros((3, 8, 9)), r"shape \(3, 8, 9\).*: move the channels last, np.moveaxis"),
        (np.zeros((7, 8, 9)), r"shape \(7, 8, 9\).*; save one image of the stack"),
        (np.zeros((8, 9, 2)), r"shape \(8, 9, 2\).*: save its channels one by one"),
        (np.zeros((8, 9, 4), np.uint8), r"shape \(8, 9, 4\).*: save its channels one by one"),
        (np.zeros((8, 9, 2), bool), r"shape \(8, 9, 2\).*: save its channels one by one"),
        (np.zeros((0, 5)), r"shape \(0, 5\); an image is \(H, W\)"),
        (np.zeros(5), r"shape \(5,\); an image is \(H, W\)"),
        (np.zeros((2, 2), complex), "complex128; an image is made of real numbers"),
        (np.array([None]), "can't be read as a NPY file.*; write an array of numbers with"),
    ):
        np.save(tmp_path / "x.npy", array)
        with pytest.raises(InputError, match=message):
            read_image(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ({"black": 5}, "black=5 alone does not say what is white"),
        ({"black": 5, "white": 5}, "black=5 and white=5: white is the larger"),
        ({"white": float("nan")}, "white=nan: white is the larger of two finite numbers"),
        ({"white": float("inf")}, "white=inf"),
        ({"black": float("-inf"), "white": 1}, "black=-inf"),
    ],
)
def test_ends_that_can_not_be(tmp_path, ends, message):
    write_image(tmp_path / "x.png", torch.zeros(4, 4))
    with pytest.raises(InputError, match=message):
        read_image(tmp_path / "x.png", **ends)
    with pytest.raises(InputError, match=message):
        write_image(tmp_path / "y.png", torch.zeros(4, 4), **ends)
