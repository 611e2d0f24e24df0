"""FITS files: numbers of every kind, planes, headers, and what has no image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from image_examples import levels

from invprob.errors import FileWarning, InputError
from invprob.images import read_image, write_image
from invprob.pixels import pages_of, read_pixels, read_stack

fits = pytest.importorskip(
    "astropy.io.fits", reason='FITS files take astropy: pip install "invprob[fits]"'
)


def save(path, array, header=()):
    hdu = fits.PrimaryHDU(array)
    hdu.header.update({name: value for name, value in dict(header).items() if value is not None})
    hdu.writeto(path, overwrite=True)
    return path


@pytest.mark.parametrize("suffix", [".fits", ".fit", ".fts", ".FITS", ".fits.gz"])
@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read(tmp_path, suffix, bits, channels):
    x, path = levels((1, channels, 4, 6), bits if bits < 32 else 16), tmp_path / f"x{suffix}"
    write_image(path, x, bits=bits)
    torch.testing.assert_close(read_image(path), x, rtol=0, atol=1e-7 if bits < 32 else 0)
    stored = fits.getdata(path)
    assert stored.shape == ((4, 6) if channels == 1 else (3, 4, 6))
    assert stored.dtype.itemsize * 8 == bits
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == (suffix == ".fits.gz")


def test_rows_are_in_the_order_of_the_file(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    x = read_image(save(tmp_path / "x.fits", array))
    np.testing.assert_array_equal(x[0, 0], array)
    write_image(tmp_path / "y.fits", x)
    np.testing.assert_array_equal(fits.getdata(tmp_path / "y.fits"), array)


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "uint32", "f4", "f8"])
def test_numbers_of_any_type_with_a_white_level(tmp_path, kind):
    numbers = np.arange(2, 62, 3).reshape(4, 5)
    x = read_image(save(tmp_path / "x.fits", numbers.astype(kind)), black=2, white=42)
    np.testing.assert_allclose(x[0, 0], (numbers - 2) / 40, atol=1e-7)


def test_types_with_a_white_level_of_their_own(tmp_path):
    for kind, white in (("uint8", 255), ("uint16", 65535), (">f4", 1)):
        x = read_image(save(tmp_path / "x.fits", np.array([[0, white]], kind)))
        assert x.flatten().tolist() == [0, 1]
    with pytest.raises(InputError, match="int16 numbers, which have no white level"):
        read_image(save(tmp_path / "x.fits", np.zeros((2, 2), np.int16)))


def test_scaled_and_blank_pixels(tmp_path):
    hdu = fits.PrimaryHDU(np.array([[0.5, 1.5], [2.5, 4.5]]))
    hdu.scale("int16", bscale=0.5, bzero=0.5)
    hdu.header["BLANK"] = 8
    hdu.writeto(tmp_path / "x.fits")
    with fits.open(tmp_path / "x.fits", do_not_scale_image_data=True) as raw:
        assert raw[0].data.tolist() == [[0, 2], [4, 8]]
    x = read_image(tmp_path / "x.fits")
    assert x[0, 0, 0].tolist() == [0.5, 1.5] and float(x[0, 0, 1, 0]) == 2.5
    assert bool(x[0, 0, 1, 1].isnan())


def test_planes_of_a_cube(tmp_path):
    cube = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    path = save(tmp_path / "x.fits", cube[None])
    for number in range(3):
        np.testing.assert_array_equal(read_pixels(path, number)[..., 0], cube[number])
    np.testing.assert_array_equal(np.stack(read_stack(path))[..., 0], cube)
    assert pages_of(path) == [0, 1, 2]
    with pytest.raises(InputError, match=r"3 planes, and one is taken.*: page=0 .*CTYPE3 = 'RGB'"):
        read_image(path)
    with pytest.raises(InputError, match="page=3: .* has planes 0 to 2"):
        read_image(path, page=3)
    fits.setval(path, "CTYPE3", value="RGB")
    np.testing.assert_array_equal(read_image(path)[0], cube)
    assert pages_of(path) == [0]
    with pytest.raises(InputError, match="page=1: .* holds one image, page=0, in colour"):
        read_image(path, page=1)


def test_a_stack_is_written_as_a_cube(tmp_path):
    x = torch.rand(4, 1, 5, 6)
    write_image(tmp_path / "x.fits", x)
    np.testing.assert_array_equal(fits.getdata(tmp_path / "x.fits"), x[:, 0])
    with pytest.raises(InputError, match="holds one colour image, and not 2; write a .tif"):
        write_image(tmp_path / "y.fits", torch.rand(2, 3, 5, 6))
    assert not (tmp_path / "y.fits").exists()


def test_the_first_image_of_several_hdus(tmp_path):
    image = np.arange(6, dtype=np.float32).reshape(2, 3)
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=np.arange(3.0))])
    spectrum = fits.ImageHDU(np.arange(9.0))
    hdus = [fits.PrimaryHDU(), table, spectrum, fits.ImageHDU(image), fits.ImageHDU(-image)]
    fits.HDUList(hdus).writeto(tmp_path / "x.fits")
    np.testing.assert_array_equal(read_image(tmp_path / "x.fits")[0, 0], image)
    fits.HDUList(hdus[:3]).writeto(tmp_path / "y.fits")
    with pytest.raises(InputError, match=r"no image of two axes, or three: .* are \(9,\); save"):
        read_image(tmp_path / "y.fits")


def test_tiles_that_are_compressed(tmp_path):
    image = np.random.default_rng(0).integers(0, 999, (20, 30)).astype(np.int16)
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(image)])
    hdus.writeto(tmp_path / "x.fits.fz")
    np.testing.assert_array_equal(read_pixels(tmp_path / "x.fits.fz")[..., 0], image)
    with pytest.raises(InputError, match="'.fits.fz', which names no known format"):
        write_image(tmp_path / "y.fits.fz", torch.zeros(4, 4))


SKY = {"CTYPE1": "RA---TAN", "CRVAL1": 83.6, "CD1_1": -1e-4, "CRVAL3": 5.0, "CD3_3": 2.0}


def test_the_header_is_kept(tmp_path):
    header = {**SKY, "BUNIT": "adu", "OBJECT": "M1", "DATAMAX": 7.0, "BLANK": 3}
    path, out = save(tmp_path / "y.fits", np.zeros((4, 5), np.int16), header), tmp_path / "x.fits"
    write_image(out, torch.full((4, 5), 0.25), white=8, like=path)
    kept = fits.getheader(out)
    for name in ("CTYPE1", "CRVAL1", "CD1_1", "BUNIT", "OBJECT"):
        assert kept[name] == header[name]
    assert not {"CRVAL3", "CD3_3", "DATAMAX", "BLANK", "BSCALE"} & set(kept)
    assert kept["BITPIX"] == -32 and "invprob" in str(kept["HISTORY"])
    assert fits.getdata(out).mean() == 2
    counts = save(tmp_path / "y16.fits", np.zeros((4, 5), np.uint16), header | {"BLANK": None})
    write_image(out, torch.zeros(4, 5), like=counts)  # its values are in [0, 1], and not in adu
    assert "BUNIT" not in (kept := fits.getheader(out)) and kept["OBJECT"] == "M1"
    write_image(out, torch.zeros(8, 10), white=8, like=path)
    assert not {"CTYPE1", "OBJECT", "BUNIT"} & set(fits.getheader(out))
    write_image(out, torch.zeros(3, 1, 4, 5), white=8, like=path)
    assert fits.getheader(out)["CRVAL3"] == 5


@pytest.mark.parametrize(("kind", "bits"), [("f8", 32), ("f4", 32), ("u2", 16), ("u1", 8)])
def test_the_unit_is_kept_where_values_are_in_it(tmp_path, kind, bits):
    path = save(tmp_path / "y.fits", np.zeros((4, 5), kind), {"BUNIT": "Jy"})
    write_image(tmp_path / "x.fits", torch.zeros(4, 5), like=path, bits=bits)
    assert fits.getheader(tmp_path / "x.fits")["BUNIT"] == "Jy"


def test_other_formats_have_no_header(tmp_path):
    path = save(tmp_path / "y.fits", np.zeros((4, 5), np.float32), SKY)
    write_image(tmp_path / "x.tif", torch.zeros(4, 5), like=path)
    write_image(tmp_path / "x.fits", torch.zeros(4, 5), like=tmp_path / "x.tif")
    assert "CRVAL1" not in fits.getheader(tmp_path / "x.fits")


@pytest.mark.parametrize("keep", [0, 1, 100, 2880, 3000])
def test_a_truncated_file_never_gives_an_image(tmp_path, keep):
    path = save(tmp_path / "x.fits", np.ones((32, 32), np.float32))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="can't be read as a FITS file"):
        read_image(path)


def test_a_mask_and_a_kernel(tmp_path):
    import invprob as ip

    mask = save(tmp_path / "mask.fits", np.array([[0, 1], [1, 1]], np.int16))
    assert ip.Mask.from_file(mask).mask.tolist() == [[False, True], [True, True]]
    psf = save(tmp_path / "psf.fits", np.ones((3, 3), np.float32))
    kernel = ip.kernels.from_file(psf)
    torch.testing.assert_close(kernel, torch.full((3, 3), 1 / 9, dtype=kernel.dtype))


def test_the_advice_on_bad_pixels_works(tmp_path, monkeypatch):
    import re
    from pathlib import Path

    import invprob as ip

    page = (Path(__file__).parent.parent / "docs" / "files.md").read_text()
    advice = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    save("sky.fits", np.array([[0.2, np.nan], [0.4, 0.6]], np.float32), SKY)
    exec(compile(advice, "files.md", "exec"), {})
    assert ip.Mask.from_file("good.png").mask.tolist() == [[True, False], [True, True]]
    filled = read_image("filled.fits")
    assert filled.flatten().tolist() == pytest.approx([0.2, 0, 0.4, 0.6])
    assert fits.getheader("filled.fits")["CRVAL1"] == 83.6


def test_parameters_of_a_projection_are_no_axes(tmp_path):
    header = {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "CRVAL1": 83.0, "CRVAL2": 22.0}
    header |= {
        "CD1_1": -1e-3,
        "CD2_2": 1e-3,
        "PV1_1": 1.0,
        "PV2_1": 1.0,
        "PV1_4": 0.3,
        "PV2_9": 7.0,
    }
    axes = {"CRVAL3": 1.0, "CD3_3": 1.0, "CD1_3": 0.5, "CTYPE3A": "FREQ", "PV3_1": 1.0}
    path = save(tmp_path / "x.fits", np.ones((2, 6, 5), np.float32), header | axes)
    write_image(tmp_path / "y.fits", read_image(path, page=0), like=path)
    kept = fits.getheader(tmp_path / "y.fits")
    assert {name: kept[name] for name in header} == header
    assert not set(axes) & set(kept)


def test_keywords_that_stand_twice(tmp_path):
    hdu = fits.PrimaryHDU(np.ones((4, 5), np.float32))
    for card in ("EXTNAME", "DATAMAX", "OBJECT"):
        hdu.header.append((card, "A"), end=True)
        hdu.header.append((card, "B"), end=True)
    hdu.writeto(tmp_path / "x.fits", output_verify="ignore")
    write_image(tmp_path / "y.fits", torch.ones(1, 1, 4, 5), like=tmp_path / "x.fits")
    kept = fits.getheader(tmp_path / "y.fits")
    assert kept["OBJECT"] == "A" and not {"EXTNAME", "DATAMAX"} & set(kept)


def test_a_header_that_can_not_be_kept_costs_no_image(tmp_path):
    path = save(tmp_path / "x.fits", np.ones((4, 5), np.float32), {"OBJECT": "M1 or M2"})
    path.write_bytes(path.read_bytes().replace(b"M1 or M2", b"M1\0or\0M2"))
    with pytest.warns(FileWarning, match="x.fits: its header can't be kept"):
        write_image(tmp_path / "y.fits", torch.full((1, 1, 4, 5), 0.5), like=path)
    assert float(read_image(tmp_path / "y.fits").mean()) == 0.5


def test_an_extension_has_the_header_of_the_primary_one_too(tmp_path):
    first, image = fits.PrimaryHDU(), fits.ImageHDU(np.ones((4, 5), np.float32))
    first.header.update({"TELESCOP": "HST", "OBJECT": "M1"})
    image.header.update({"OBJECT": "M1, chip 2", "INHERIT": True, "CRVAL1": 83.0})
    fits.HDUList([first, image]).writeto(tmp_path / "x.fits")
    write_image(tmp_path / "y.fits", torch.ones(1, 1, 4, 5), like=tmp_path / "x.fits")
    kept = fits.getheader(tmp_path / "y.fits")
    assert (kept["TELESCOP"], kept["OBJECT"], kept["CRVAL1"]) == ("HST", "M1, chip 2", 83.0)
    assert "INHERIT" not in kept and kept["NAXIS"] == 2


def test_gray_planes_like_a_colour_image_are_planes(tmp_path):
    write_image(tmp_path / "rgb.fits", torch.rand(1, 3, 6, 5))
    write_image(tmp_path / "s.fits", torch.rand(3, 1, 6, 5), like=tmp_path / "rgb.fits")
    assert pages_of(tmp_path / "s.fits") == [0, 1, 2]


def test_a_compressed_cube_is_unpacked_once(tmp_path, monkeypatch):
    import gzip

    cube = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    path = save(tmp_path / "x.fits.gz", cube)
    unpack, calls = gzip.decompress, []
    monkeypatch.setattr("gzip.decompress", lambda data: calls.append(1) or unpack(data))
    for number in pages_of(path):
        np.testing.assert_array_equal(read_pixels(path, number)[..., 0], cube[number])
    assert len(calls) == 1
    save(path, 2 * cube)
    np.testing.assert_array_equal(read_pixels(path, 1)[..., 0], 2 * cube[1])
    assert len(calls) == 2


def test_warnings_of_astropy_are_those_of_this_package(tmp_path, caplog):
    path = save(tmp_path / "x.fits", np.zeros((4, 5), np.float32))
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.warns(UserWarning, match="x.fits: .*extra bytes") as said:
        read_image(path)
    assert [one.category for one in said] == [FileWarning] and not caplog.records


def test_blank_pixels_of_unsigned_numbers_are_missing(tmp_path):
    """They are stored as signed ones, of which one value says so."""
    path = tmp_path / "x.fits"
    save(path, np.array([[10, 65535, 7]], np.uint16), {"BLANK": 32767})
    found = read_pixels(path)[..., 0]
    assert found[0, 0] == 10 and np.isnan(found[0, 1]) and found[0, 2] == 7
    save(path, np.array([[10, 65534]], np.uint16), {"BLANK": 32767})
    assert read_pixels(path).dtype == np.uint16
