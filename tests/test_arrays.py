"""Arrays of NumPy are taken whatever their strides, and as FITS files have them."""

import warnings

import numpy as np
import pytest
import torch

import invprob as ip

VALUES = np.array([[0.1, 0.2, 0.3], [0.05, 0.15, 0.2]])
GIVEN = {
    "flipped": VALUES[:, ::-1].copy()[:, ::-1],
    "big-endian": VALUES.astype(">f8"),
    "both": VALUES[::-1].astype(">f4")[::-1],
    "read-only": np.broadcast_to(VALUES, VALUES.shape),
}
PARTS = {
    "kernel": lambda array: ip.CircularBlur(array).kernel,
    "matrix": lambda array: ip.Dense(array, (1, 1, 3)).matrix,
    "mask": lambda array: ip.Mask(array > 0.12).mask,
    "sigma": lambda array: ip.Gaussian(array).sigma,
    "mean": lambda array: ip.GaussianPrior(array[None], sd=0.1).mean,
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", GIVEN)
def test_what_is_made_of_an_array_is_what_is_made_of_its_numbers(part, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = PARTS[part](GIVEN[kind])
    torch.testing.assert_close(found, PARTS[part](VALUES), check_dtype=False)


def test_a_single_number_stays_one():
    assert ip.Gaussian(np.array(0.1, dtype=">f8")).sigma == 0.1


def test_complex_numbers_stay_refused():
    with pytest.raises(ip.InputError, match="no array of real numbers: its numbers are complex"):
        ip.CircularBlur(VALUES.astype(">c16")[::-1])
