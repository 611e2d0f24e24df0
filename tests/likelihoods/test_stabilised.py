"""Variance-stabilising transforms: even noise, and a way back without bias."""

import math

import pytest
import torch

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import Stabilises

F64 = torch.float64
LEVELS = torch.tensor([0.1, 0.3, 0.6, 1.0], dtype=F64)
NOISES = {
    ip.Gamma(alpha=1.5): 0.02,
    ip.Gamma(alpha=26): 0.02,
    ip.Rayleigh(scale=0.1): 0.02,
    ip.Rayleigh(scale=1.0): 0.02,
    ip.Poisson(peak=1000): 0.03,
    ip.Poisson(peak=30): 0.06,
    ip.SignalDependent(a=0.05, b=0.02): 0.2,
    ip.SignalDependent(a=0.3, b=0.05): 0.3,
}


@pytest.mark.parametrize(("noise", "uneven"), NOISES.items(), ids=repr)
def test_noise_is_even_and_the_way_back_has_no_bias(noise, uneven):
    x = LEVELS.expand(40_000, -1)[:, None, None, :]
    even = noise.stabilise(noise.sample(x, ip.generator(0)))
    deviations = even.value.std(0).flatten()
    assert torch.allclose(deviations, torch.full_like(LEVELS, even.sd), rtol=uneven + 0.01)
    back = even.inverse(even.value.mean(0)).flatten()
    assert torch.allclose(back, LEVELS, rtol=0.015)


def test_counts_with_read_noise_take_the_generalised_anscombe_transform():
    noise = ip.poisson_gaussian(peak=30, sigma=0.05)
    y = noise.sample(LEVELS.view(1, 1, 1, -1), ip.generator(0))
    transform = ip.Anscombe(peak=30, sigma=0.05)
    even = noise.stabilise(y)
    assert torch.equal(even.value, transform.forward(y))
    assert even.sd == transform.noise_level()


def test_the_law_of_the_logarithm_of_speckle():
    """Exponential: minus Euler's constant, and pi / sqrt(6)."""
    even = ip.Gamma(alpha=1).stabilise(torch.ones(1, 1, 1, 1, dtype=F64))
    assert even.sd == pytest.approx(math.pi / math.sqrt(6))
    assert float(even.inverse(torch.zeros(1, dtype=F64))) == pytest.approx(math.exp(0.5772156649))


@pytest.mark.parametrize(
    ("noise", "why"),
    [
        (ip.SignalDependent(a=0.6, b=0.03), "as dark as none too often"),
        (ip.Mixture(ip.Gamma(alpha=4), 0.05), "the sum of Poisson and Gaussian noise"),
        (ip.Gaussian(sigma=0.1), "no transform is known"),
        (ip.Observed(ip.Poisson(30), ip.CircularBlur.named("uniform3")), "other than a mask"),
        (ip.Observed(ip.SignalDependent(0.6, 0.03), ip.Mask.random(4)), "as dark as none"),
    ],
    ids=repr,
)
def test_what_has_none_says_why(noise, why):
    assert why in lacks(noise, Stabilises)
    if isinstance(noise, Stabilises):
        with pytest.raises(ip.IncompatibleError, match=why):
            noise.stabilise(torch.ones(1, 1, 4, 4))


def test_behind_a_mask_it_is_that_of_the_measured_pixels():
    mask, noise = ip.Mask.random(8, keep=0.5, seed=0), ip.Poisson(peak=30)
    masked = ip.Observed(noise, mask)
    y = masked.sample(torch.full((2, 1, 8, 8), 0.5), ip.generator(0))
    even, seen = masked.stabilise(y), mask.mask.expand_as(y)
    assert torch.equal(even.value[seen], noise.stabilise(y).value[seen])
    assert not even.value[~seen].any()


def test_what_is_darker_than_any_brightness_comes_back_as_black():
    even = ip.SignalDependent(a=0.3, b=0.05).stabilise(torch.full((1, 1, 1, 1), -1.0))
    assert float(even.inverse(even.value)) == 0


@pytest.mark.parametrize("a", [1e-9, 1e-6, 1e-3])
def test_noise_that_hardly_grows_is_even_already(a):
    y = torch.rand(1, 1, 16, 16, generator=ip.generator(0))
    even = ip.SignalDependent(a=a, b=0.05).stabilise(y)
    span = even.value.max() - even.value.min()
    assert float(even.sd / span) == pytest.approx(0.05 / float(y.max() - y.min()), rel=0.03)
    assert torch.allclose(even.inverse(even.value), y, atol=0.01)
