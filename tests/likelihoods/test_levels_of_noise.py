"""Noise levels: whose they are, how large they may be, and what may be given for them."""

import math

import pytest
import torch

import invprob as ip

SHAPE = (1, 2, 2)


def scaled(factor):
    """An operator that makes numbers as large as factor of images in [0, 1]."""
    return ip.Dense(factor * torch.eye(4), SHAPE)


def test_the_callers_levels_may_change_afterwards():
    sigma = torch.full(SHAPE, 0.5, dtype=torch.float64)
    noise = ip.Gaussian(sigma)
    sigma.zero_()
    assert float(noise.sigma.min()) == 0.5


def test_levels_carry_no_gradient():
    noise = ip.Gaussian(torch.full(SHAPE, 0.5, requires_grad=True))
    y = torch.ones(1, *SHAPE)
    assert not noise.grad_x(y, y).requires_grad


@pytest.mark.parametrize("sigma", [torch.ones(0), torch.ones(2, 0)])
def test_no_levels_are_refused(sigma):
    with pytest.raises(ip.InputError, match="it is empty"):
        ip.Gaussian(sigma)


def test_an_infinite_level_is_refused_behind_any_operator():
    for sigma in (math.inf, torch.tensor([0.1, math.inf])):
        with pytest.raises(ip.InputError, match="a noise level is a positive number"):
            ip.Gaussian(sigma, operator=scaled(1e9))


def test_ten_times_what_an_operator_makes_is_the_most():
    y = torch.zeros(1, 4)
    ip.Gaussian(900.0, operator=scaled(100.0)).check_measurement(y)
    with pytest.raises(ip.InputError, match="at most about 100 of images"):
        ip.Gaussian(1100.0, operator=scaled(100.0)).check_measurement(y)
    ip.Gaussian(9.0, operator=scaled(1e-3)).check_measurement(y)


def test_the_loudest_entry_counts():
    sigma = torch.tensor([0.1, 0.1, 0.1, 1e4])
    with pytest.raises(ip.InputError, match="sigma=1e[+]04"):
        ip.Gaussian(sigma, operator=scaled(100.0)).check_measurement(torch.zeros(1, 4))


def test_flat_and_rough_images_are_both_measured_to_know_what_an_operator_makes():
    differences = ip.from_callable(lambda x: 1e3 * x.diff(dim=-1), image_shape=(1, 4, 4))
    ip.Gaussian(1e3, operator=differences).check_measurement(torch.zeros(1, 1, 4, 3))
    total = ip.from_callable(lambda x: x.flatten(1).sum(1, keepdim=True), image_shape=(1, 8, 8))
    ip.Gaussian(600.0, operator=total).check_measurement(torch.zeros(1, 1))


@pytest.mark.parametrize("noise", [ip.Poisson(51), ip.Gamma(26), ip.Rayleigh(0.3)], ids=repr)
def test_less_than_half_a_grey_level_below_black_is_black(noise):
    x = torch.full((1, *SHAPE), -0.9 / 510)
    assert noise.sample(x, ip.generator(0)).max() < 1e-3
    with pytest.raises(ip.InputError, match="a brightness, which is not negative"):
        noise.sample(1.2 * x, ip.generator(0))


@pytest.mark.parametrize("bad", [ip.Mask, 3], ids=repr)
def test_a_class_is_no_operator(bad):
    for make in (lambda H: ip.Gaussian(0.1, operator=H), lambda H: ip.Observed(ip.Poisson(9), H)):
        with pytest.raises(ip.InputError, match="is no linear operator"):
            make(bad)


def test_a_tensor_of_one_level_is_a_number():
    noise = ip.Gaussian(torch.tensor([[0.1]]), operator=ip.CircularBlur.named("uniform3"))
    assert noise.sigma == ip.Gaussian(torch.tensor(0.1)).sigma and not noise.withdrawn()
