"""The generalised Anscombe transform: stable variance, unbiased inverse."""

import math

import pytest
import torch

import invprob as ip


def mean_stable(transform, counts, draws=400000):
    """E[forward(y) | x] and its standard deviation, by sampling."""
    x = torch.full((draws, 1), counts / transform.peak, dtype=torch.float64)
    noise = ip.Poisson(transform.peak)
    if transform.sigma:
        noise = ip.poisson_gaussian(transform.peak, transform.sigma)
    d = transform.forward(noise.sample(x, ip.generator(1)))
    return d.mean().reshape(1), float(d.std())


@pytest.mark.parametrize("read", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("counts", [4, 10, 40])
def test_the_noise_level_is_the_same_for_all_brightnesses(read, counts):
    transform = ip.Anscombe(peak=40, sigma=read / 40)
    assert mean_stable(transform, counts)[1] == pytest.approx(transform.noise_level(), rel=0.03)


@pytest.mark.parametrize("read", [0.0, 1.0])
@pytest.mark.parametrize("counts", [0.3, 1, 3, 10, 40])
def test_the_inverse_is_unbiased(read, counts):
    transform = ip.Anscombe(peak=40, sigma=read / 40)
    mean, sd = mean_stable(transform, counts)
    error = float(transform.inverse(mean)) * 40 - counts
    sampling = 5 * sd / math.sqrt(400000) / transform.noise_level() * math.sqrt(counts + 1)
    assert abs(error) < 0.045 + sampling
    algebraic = ((float(mean) / transform.noise_level() + float(first(transform))) ** 2) / 4
    assert abs(algebraic - 3 / 8 - read**2 - counts) > abs(error)


def first(transform):
    return 2 * math.sqrt(3 / 8 + (transform.peak * transform.sigma) ** 2)


def test_black_and_white_stay_where_they_are():
    transform = ip.Anscombe(peak=30, sigma=0.02)
    ends = torch.tensor([0.0, 1.0])
    torch.testing.assert_close(transform.forward(ends), ends)
    assert not transform.inverse(torch.tensor([-0.1, -0.3, -1.0, -9.0])).any()
    assert transform.forward(torch.tensor([-5.0])).isfinite().all()
    with pytest.raises(ip.InputError, match="d has type"):
        transform.inverse(torch.tensor([1]))


def test_poisson_gaussian_is_a_mixture():
    noise = ip.poisson_gaussian(30, 0.02, exact=True)
    assert noise.noise == ip.Poisson(30) and noise.sigma == 0.02 and noise.exact
