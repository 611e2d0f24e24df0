"""How well linear data know an image, against the eigenvalues of Hᵀ J H."""

import math

import pytest
import torch

import invprob as ip
from invprob.contracts import Linearised
from invprob.likelihoods.draws import largest_gain, sharpest, usual_sharpness

torch.set_num_threads(1)
F64 = torch.float64
MATRIX = torch.randn(12, 20, generator=ip.generator(0), dtype=F64)
SD = torch.linspace(0.1, 0.4, 12, dtype=F64)


def behind(matrix, sd):
    size = len(matrix)
    return Linearised(
        torch.zeros(1, size).to(matrix), sd, lambda x: x @ matrix.T, lambda y: y @ matrix
    )


def eigenvalues(matrix, sd):
    scaled = matrix / sd[:, None]
    return torch.linalg.eigvalsh(scaled.T @ scaled)


@pytest.mark.parametrize("missing", [0, 5])
def test_the_sharpest_direction_has_the_largest_eigenvalue(missing):
    sd = SD.clone()
    sd[:missing] = torch.inf
    data, like = behind(MATRIX, sd), torch.zeros(1, 20, dtype=F64)
    exact = float(eigenvalues(MATRIX[missing:], sd[missing:])[-1])
    assert sharpest(data, like, products=200) == pytest.approx(exact, rel=1e-6)
    assert 0.8 * exact < sharpest(data, like) <= exact


def test_the_usual_sharpness_weighs_eigenvalues_by_themselves():
    """Known pixels that are equally well known have that of one, however few they are."""
    sd = torch.full((4000,), torch.inf, dtype=F64)
    sd[:300] = 0.02
    eye, like = torch.ones(4000, dtype=F64), torch.zeros(1, 4000, dtype=F64)
    data = Linearised(like, sd, lambda x: eye * x, lambda y: eye * y)
    assert usual_sharpness(data, like) == pytest.approx(0.02**-2)
    sd[300:] = 0.04
    one, other = 0.02**-2, 0.04**-2
    exact = (300 * one**2 + 3700 * other**2) / (300 * one + 3700 * other)
    assert usual_sharpness(data, like) == pytest.approx(exact, rel=0.05)


def test_data_that_know_nothing_have_none():
    data, like = behind(MATRIX, torch.full_like(SD, torch.inf)), torch.zeros(1, 20, dtype=F64)
    assert usual_sharpness(data, like) == 0 and sharpest(data, like) == 0


def test_what_is_known_too_well_for_single_precision_is_still_told():
    data = behind(MATRIX.float(), torch.full((12,), 1e-25))
    found = sharpest(data, torch.zeros(1, 20), products=100)
    exact = math.log10(float(torch.linalg.matrix_norm(MATRIX, 2)) ** 2) + 50
    assert math.log10(found) == pytest.approx(exact, abs=1e-3)


def test_the_largest_gain_with_and_without_singular_values():
    exact = float(torch.linalg.matrix_norm(MATRIX, 2))
    like = torch.zeros(1, 20, dtype=F64)
    assert largest_gain(ip.Dense(MATRIX, (20,)), like) == pytest.approx(exact)
    alone = ip.from_callable(lambda x: x @ MATRIX.T, image_shape=(20,))
    assert 0.9 * exact < largest_gain(alone, like) <= exact * (1 + 1e-9)
