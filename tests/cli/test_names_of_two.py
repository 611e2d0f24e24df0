"""Names that parts of two kinds share, and stacks of images with other channels than pages."""

import numpy as np
import pytest
import tifffile


@pytest.fixture(autouse=True)
def parts():
    """All parts, not the few of the other tests."""


def test_a_name_of_two_kinds_has_two_rows(invprob):
    both = invprob("matrix gaussian").stdout
    assert "prior gaussian" in both and "likelihood gaussian" in both
    assert "'pnp' is a solver" in invprob("matrix pnp", code=2).stderr


def test_a_stack_whose_images_no_file_holds_is_refused_before_it_is_solved(invprob, folder):
    pages = np.random.default_rng(0).uniform(0.3, 0.7, (3, 12, 10)).astype(np.float32)
    tifffile.imwrite(folder / "pages.tif", pages, photometric="minisblack")
    line = "solve pages.tif --page all -A grayscale -l gaussian:sigma=0.1 -o clean.fits"
    told = invprob(line, code=2).stderr
    assert "a FITS file has no colour pages" in told and "failed" not in told
