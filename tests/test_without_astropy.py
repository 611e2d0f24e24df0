"""FITS files without astropy: one message that says what to install."""

import pytest
import torch

from invprob.errors import InputError
from invprob.images import read_image, write_image


@pytest.fixture(autouse=True)
def no_astropy(monkeypatch):
    monkeypatch.setattr("invprob.formats.fits.find_spec", lambda name: None)


@pytest.mark.parametrize("name", ["x.fits", "x.fit", "x.FTS", "x.fits.gz"])
def test_what_to_install(tmp_path, name):
    (tmp_path / name).write_bytes(b"SIMPLE  =                    T")
    with pytest.raises(InputError, match=r'is a FITS file.*: pip install "invprob\[fits\]"'):
        read_image(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(InputError, match=r'pip install "invprob\[fits\]"'):
        write_image(tmp_path / name, torch.zeros(4, 4))
    assert (tmp_path / name).read_bytes() == before
