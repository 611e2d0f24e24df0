"""FITS files on the command line: wherever an image file is, a FITS file will do."""

from __future__ import annotations

import numpy as np
import pytest
from listing import files

from invprob.images import read_image

fits = pytest.importorskip(
    "astropy.io.fits", reason='FITS files take astropy: pip install "invprob[fits]"'
)

NOISE = "-l gaussian:sigma=0.1"
SKY = {"CTYPE1": "RA---TAN", "CRVAL1": 83.6, "BUNIT": "adu", "OBJECT": "M1"}


def save(name, array):
    hdu = fits.PrimaryHDU(array)
    hdu.header.update(SKY)
    hdu.writeto(name)


@pytest.fixture
def sky(folder):
    """Counts of a camera, 16 bits, of which 8000 is white."""
    counts = np.random.default_rng(0).integers(2000, 6000, (3, 12, 10)).astype(np.uint16)
    save("sky.fits", counts[0])
    save("cube.fits", counts)
    return counts


def test_a_result_has_the_unit_and_the_header_of_the_measurement(invprob, sky):
    invprob(f"solve sky.fits --white 8000 {NOISE} -o clean.fits")
    clean, header = fits.getdata("clean.fits"), fits.getheader("clean.fits")
    assert clean.dtype == ">f4" and clean.shape == (12, 10)
    assert clean.mean() == pytest.approx(sky[0].mean(), rel=0.05)
    assert {name: header[name] for name in SKY} == SKY
    invprob(f"solve sky.fits --white 8000 {NOISE} -o rounded.fits.gz --bits 16")
    np.testing.assert_allclose(fits.getdata("rounded.fits.gz"), clean, atol=0.5 + 1e-3)


def test_samples_are_fits_files_as_well(invprob, folder, sky):
    invprob(f"solve sky.fits --white 8000 {NOISE} -s restart --samples 3 -o run/")
    assert files(folder / "run") == [
        "mean.fits",
        "panel.png",
        *(f"sample-{i}.fits" for i in range(3)),
        "std.fits",
    ]
    samples = np.stack([fits.getdata(f"run/sample-{i}.fits") for i in range(3)])
    np.testing.assert_allclose(
        fits.getdata("run/std.fits"), samples.std(0, ddof=1), rtol=1e-3, atol=1e-2
    )
    assert fits.getheader("run/std.fits")["CRVAL1"] == 83.6
    invprob(f"solve sky.fits --white 8000 {NOISE} -s restart --samples 2 -o x.fits.gz")
    assert {"x.fits.gz", "x-std.fits.gz", "x-sample-1.fits.gz"} <= set(files(folder))


def test_planes_of_a_cube(invprob, folder, sky):
    line = f"solve cube.fits --white 8000 {NOISE}"
    failed = invprob(f"{line} -o x.fits", code=2)
    assert "cube.fits has 3 planes" in failed.stderr
    assert "on the command line: --page 0, and so on to --page 2; solve takes --page all" in (
        failed.stderr
    )
    invprob(f"{line} --page 1 -o x.fits")
    invprob(f"{line} --page all -o cube-clean.fits")
    cube = fits.getdata("cube-clean.fits")
    assert cube.shape == (3, 12, 10)
    np.testing.assert_array_equal(cube[1], fits.getdata("x.fits"))
    invprob(f"{line} --page all -o clean/")
    assert files(folder / "clean") == [f"cube-{i}.fits" for i in range(3)]
    invprob(f"{line} --page all -o clean.tif")
    assert read_image("clean.tif", page=2).shape == (1, 1, 12, 10)


def test_colours_are_no_planes(invprob, folder):
    import tifffile

    pages = np.full((2, 6, 5, 3), 0.5, np.float32)
    tifffile.imwrite("colours.tif", pages, photometric="rgb")
    line = f"solve colours.tif {NOISE} --page all"
    assert "a FITS file has no colour pages" in invprob(f"{line} -o x.fits", code=2).stderr
    invprob(f"{line} -o x.tif")
    assert tifffile.imread("x.tif").shape == pages.shape
    invprob(f"solve colour.png {NOISE} -o x.fits")
    assert read_image("x.fits").shape == (1, 3, 12, 10)


def test_simulated_and_with_a_mask_and_a_kernel(invprob, sky):
    fits.writeto("mask.fits", (np.arange(120).reshape(12, 10) % 3 > 0).astype(np.int16))
    fits.writeto("psf.fits", np.ones((3, 3), np.float32))
    line = "--white 8000 -A circular-blur:file=psf.fits"
    invprob(f"simulate sky.fits {NOISE} {line} -o noisy.fits")
    assert fits.getheader("noisy.fits")["OBJECT"] == "M1"
    assert 1000 < fits.getdata("noisy.fits").mean() < 8000
    invprob(f"solve noisy.fits {NOISE} {line} -o a.fits")
    invprob(f"solve noisy.fits {NOISE} --white 8000 -A mask:file=mask.fits -o b.fits")


def test_pixels_that_are_not_finite(invprob, folder):
    fits.writeto("nan.fits", np.array([[0.5, np.nan], [0.5, 0.5]], np.float32))
    failed = invprob(f"solve nan.fits {NOISE} -o x.fits", code=2)
    assert "y has 1 values that are not finite" in failed.stderr
    assert "on the command line: -A mask:file=mask.png" in failed.stderr
    assert not (folder / "x.fits").exists()


def test_numbers_without_a_white_level(invprob, folder):
    fits.writeto("raw.fits", np.full((4, 4), 7, np.int16))
    failed = invprob(f"solve raw.fits {NOISE} -o x.fits", code=2)
    assert "on the command line: --white 7 for the brightest value" in failed.stderr


def test_without_astropy_it_is_known_before_the_run(invprob, folder, sky, monkeypatch):
    monkeypatch.setattr("invprob.formats.fits.find_spec", lambda name: None)
    failed = invprob(f"solve gray.png {NOISE} -o x.fits", code=2)
    assert 'pip install "invprob[fits]"' in failed.stderr and "ran all" not in failed.output
    invprob(f"solve gray.png sky.fits {NOISE} -o x/", code=1)
    assert files(folder / "x") == ["gray.png"]
    failed = invprob(f"simulate gray.png {NOISE} -o x.fits", code=2)
    assert 'pip install "invprob[fits]"' in failed.stderr


def test_images_to_learn_from(folder):
    from invprob.training.images import read_images
    from invprob.training.noisy import load_noisy
    from invprob.training.storage import in_unit
    from invprob.units import Unit

    (folder / "learn").mkdir()
    save("learn/a.fits", np.full((2, 40, 30), 4000, np.uint16))
    save("learn/b.fits.gz", np.full((40, 30), 2000, np.uint16))
    fits.writeto("learn/nan.fits", np.full((40, 30), np.nan, np.float32))
    found, skipped = read_images([folder / "learn"], None, Unit(0, 8000))
    assert [round(8000 * float(in_unit(image).max())) for _, image in found] == [4000, 4000, 2000]
    assert len(skipped) == 1 and "nan.fits: 1200 of its values are not finite" in skipped[0]
    from invprob.likelihoods.gaussian import Gaussian

    noisy = load_noisy([folder / "learn"], Gaussian(sigma=0.1), 8, unit=Unit(0, 8000))
    assert len(noisy.pairs) == 3


def test_each_result_of_a_list_has_its_own_header(invprob, sky):
    for name, what in (("a.fits", "M1"), ("b.fits", "M2")):
        fits.writeto(name, sky[0], fits.Header({"OBJECT": what}))
    invprob(f"solve a.fits b.fits --white 8000 {NOISE} -o clean/")
    assert [fits.getval(f"clean/{name}.fits", "OBJECT") for name in "ab"] == ["M1", "M2"]
