"""Measurements that are no images: what NPY files hold of them, and what is an image still."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from invprob.cli.coefficients import read_coefficients
from invprob.images import read_image, write_image
from invprob.likelihoods.gaussian import Gaussian
from invprob.operators.dense import Dense
from invprob.operators.frequencies import Fourier
from invprob.operators.hadamard import Hadamard
from invprob.operators.identity import Identity

LINE = "-l gaussian:sigma=0.000001 -A hadamard:size=8,keep=0.5"


@pytest.fixture
def photo(folder):
    x = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    write_image(folder / "photo.tif", x)
    return x[None]


@pytest.mark.parametrize("unit", ["", "--black 100 --white 600"])
def test_simulated_and_solved(invprob, photo, unit):
    if unit:
        write_image("photo.tif", photo, black=100, white=600)
    invprob(f"simulate photo.tif {LINE} -o y.npy {unit}")
    y = np.load("y.npy")
    wanted = Hadamard(8, keep=0.5).forward(photo)[0]
    assert y.shape == (3, 32)
    measured = (y - 100) / 500 if unit else y
    assert np.allclose(measured, wanted, atol=1e-4)
    done = invprob(f"solve y.npy {LINE} -o x.tif {unit}")
    assert "(3, 8, 8)" in done.stdout
    assert read_image("x.tif").shape == (1, 3, 8, 8)


def test_frequencies(invprob, photo):
    line = "-l gaussian:sigma=0.000001 -A fourier:size=8,keep=0.5"
    invprob(f"simulate photo.tif {line} -o y.npy")
    wanted = Fourier.lines(8, keep=0.5).forward(photo)[0]
    assert np.allclose(np.load("y.npy"), wanted, atol=1e-4)
    done = invprob(f"solve y.npy {line} -o x.tif")
    assert "mask: 50.0% of the measurement's numbers were measured" in done.stdout + done.stderr
    assert read_image("x.tif").shape == (1, 3, 8, 8)
    done = invprob("solve y.npy -l gaussian:sigma=0.1 -A fourier:size=16 -o z.tif", code=2)
    assert "a mask of shape (16, 16) does not fit images of shape (3, 8, 8)" in done.stderr


def test_no_other_file_holds_them(invprob, photo, folder):
    done = invprob(f"simulate photo.tif {LINE} -o y.tif", code=2)
    assert "of shape (3, 32) are no images; a NPY file holds them: -o y.npy" in done.stderr
    assert not (folder / "y.tif").exists()


def test_another_number_of_coefficients(invprob, photo):
    np.save("y.npy", np.ones((3, 31), np.float32))
    done = invprob(f"solve y.npy {LINE} -o x.tif", code=2)
    assert "measures 32 coefficients per channel" in done.stderr


def test_what_is_an_image_is_read_as_one(tmp_path):
    path, numbers = tmp_path / "y.npy", np.ones((3, 32))
    np.save(path, numbers)
    plain, transform = Gaussian(0.1), Gaussian(0.1, Hadamard(8, keep=0.5))
    for noise in (plain, Gaussian(0.1, Identity())):
        assert read_coefficients(path, noise, 0.0, None) is None
    assert read_coefficients(path, transform, 0.0, None).shape == (1, 3, 32)
    np.save(path, np.ones(5))
    sums = Gaussian(0.1, Dense(np.ones((5, 12)), (3, 2, 2)))
    assert torch.equal(read_coefficients(path, sums, 0.0, None), torch.ones(1, 5))
    assert read_coefficients(tmp_path / "none.npy", sums, 0.0, None) is None
    path.write_bytes(b"damaged")
    assert read_coefficients(path, sums, 0.0, None) is None
