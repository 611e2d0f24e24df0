"""The Walsh-Hadamard transform against scipy's matrix, and its kept rows."""

import math

import pytest
import scipy.linalg
import torch
from operator_examples import random

import invprob as ip
from invprob.operators.hadamard import walsh_hadamard


@pytest.mark.parametrize("bits", range(12))
def test_transform(bits):
    n = 2**bits
    x = random(3, n)
    wanted = x @ torch.as_tensor(scipy.linalg.hadamard(n)).to(x) / math.sqrt(n)
    assert torch.allclose(walsh_hadamard(x), wanted, atol=1e-12)


def test_mean_brightness_is_measured():
    for scramble in (False, True):
        x = random(1, 2, 8, 8)
        y = ip.Hadamard(8, keep=0.1, seed=5, scramble=scramble).forward(x)
        assert torch.allclose(y[..., 0], x.mean((-2, -1)) * 8)


def test_rows():
    camera = ip.Hadamard(16, keep=0.25, seed=1)
    assert len(camera.rows) == 64 == len(camera.rows.unique())
    assert int(camera.rows[0]) == 0 and bool((camera.rows.diff() > 0).all())
    assert torch.equal(camera.rows, ip.Hadamard(16, keep=0.25, seed=1).rows)
    assert not torch.equal(camera.rows, ip.Hadamard(16, keep=0.25, seed=2).rows)


def test_scrambled_rows_spread_a_smooth_image():
    """In the natural order a smooth image sits in few coefficients; shuffled, in none."""
    x = torch.linspace(0, 1, 32, dtype=torch.float64).expand(1, 1, 32, 32)
    plain, scrambled = (
        ip.Hadamard(32, scramble=scramble).forward(x)[..., 1:].abs().max()
        for scramble in (False, True)
    )
    assert float(scrambled) < 0.2 * float(plain)


@pytest.mark.parametrize("size", [0, 3, 12, (8, 6), (8,), (2, 2, 2), -4])
def test_no_power_of_two(size):
    with pytest.raises(ip.InputError, match="powers of two"):
        ip.Hadamard(size)


def test_the_size_that_is_offered_can_be_given():
    with pytest.raises(ip.InputError, match=r"give size=\(4, 16\)"):
        ip.Hadamard(8).out_shape((1, 4, 16))
    with pytest.raises(ip.InputError, match="crop or pad them to powers of two"):
        ip.Hadamard(8).out_shape((1, 8, 10))


@pytest.mark.parametrize("keep", [0, 1.5, -1, 0.001, float("nan")])
def test_no_share(keep):
    with pytest.raises(ip.InputError, match="keep="):
        ip.Hadamard(8, keep=keep)


def test_other_shapes():
    camera = ip.Hadamard((4, 8), keep=0.5)
    with pytest.raises(ip.InputError, match="images of 4x8"):
        camera.forward(torch.ones(1, 1, 8, 4))
    with pytest.raises(ip.InputError, match=r"shape is \(8,\); give images \(B, C, H, W\)"):
        camera.out_shape((8,))
    with pytest.raises(ip.InputError, match="16 coefficients"):
        camera.adjoint(torch.ones(1, 1, 15))


def test_what_is_not_measured_can_not_be_inverted():
    some, x = ip.Hadamard(4, keep=0.5), random(1, 1, 4, 4)
    for use in (
        lambda: some.inverse(some.forward(x)),
        lambda: some.inverse_adjoint(x),
        lambda: some.log_abs_det((1, 4, 4)),
    ):
        with pytest.raises(ip.InputError, match="8 coefficients .* not measured; keep=1"):
            use()
    with pytest.raises(ip.InputError, match="images of 4x4"):
        ip.Hadamard(4).log_abs_det((1, 8, 8))


def test_a_share_that_rounds_to_all_is_orthogonal():
    assert ip.Hadamard(4, keep=0.99).is_orthogonal()
    assert not ip.Hadamard(4, keep=0.9).is_orthogonal()


def test_a_seed_is_a_shuffling():
    x = random(1, 1, 8, 8)
    one, same, other = (ip.Hadamard(8, seed=n, scramble=True).forward(x) for n in (1, 1, 2))
    assert torch.equal(one, same) and not torch.allclose(one, other)
