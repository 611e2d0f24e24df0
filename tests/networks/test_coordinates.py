"""Coordinates in which noise is even, and scores that are brought back from them."""

import pytest
import torch

import invprob as ip
from invprob.networks.coordinates import Coordinates, measure

NUMBERS = range(1, 17)
LEVELS = torch.linspace(0.1, 1, 10, dtype=torch.float64).view(-1, 1, 1, 1)


def flat_images(noise):
    return noise.sample(LEVELS.expand(-1, 1, 64, 64), ip.generator(1))


@pytest.mark.parametrize("number", NUMBERS)
def test_noise_is_even(number):
    noise = ip.xie2023(number)
    z = measure(noise)
    levels = z.forward(flat_images(noise)).std((1, 2, 3))
    assert (levels / z.sigma - 1).abs().max() < 0.2  # of brightness 0.1 to 1
    assert (levels[2:] / z.sigma - 1).abs().max() < 0.1


@pytest.mark.parametrize("number", [2, 4, 6, 8, 10])
def test_noise_is_white(number):
    noise = ip.xie2023(number)
    residual = measure(noise).forward(flat_images(noise))
    residual = residual - residual.mean((2, 3), keepdim=True)
    for shift in [(0, 1), (1, 0), (1, 1)]:
        product = (residual * residual.roll(shift, (2, 3))).mean() / residual.square().mean()
        assert abs(product) < 0.02  # before: more than 0.5


@pytest.mark.parametrize("number", NUMBERS)
def test_the_change_of_variables_is_exact(number):
    """With p(z) standard normal about 0.4, log p(y) is known: differentiate that."""
    noise = ip.xie2023(number)
    z = measure(noise)
    y = noise.sample(LEVELS[2:].expand(-1, 1, 8, 8), ip.generator(2)).requires_grad_()
    w = z._undo(y)
    t = (w - z.start).clamp_min(0)
    log_jacobian = -0.5 * z._variance(t).log()
    log_p = (-0.5 * (z.forward(y) - 0.4).square() + log_jacobian).sum()
    (exact,) = torch.autograd.grad(log_p, y)
    with torch.no_grad():
        s = z.score(y, 0.4 - z.forward(y))
    torch.testing.assert_close(s, exact, rtol=1e-9, atol=1e-9 * float(exact.abs().max()))


def test_the_transform_is_the_integral_of_its_jacobian():
    z = Coordinates(0.1, (0.01, 0.02, 0.03), 4.0, 0.25)
    y = torch.linspace(-0.5, 2, 200_001, dtype=torch.float64)
    middle = (y[1:] + y[:-1]) / 2
    slope = 1 / (4 * z._variance((middle - 0.1).clamp_min(0)).sqrt())
    torch.testing.assert_close(z.forward(y).diff(), slope * y.diff(), rtol=1e-4, atol=0)


def test_white_noise_stays_as_it_is():
    z = measure(ip.Gaussian(0.2))
    y = torch.rand(1, 1, 4, 4, generator=ip.generator(0))
    torch.testing.assert_close(z.forward(y), y, rtol=0, atol=0.02)
    assert z.sigma == pytest.approx(0.2, rel=0.02) and z.spacing == 0


def test_counts_lie_on_a_lattice():
    z = measure(ip.Poisson(51))
    first = z.forward(torch.tensor([0, 1 / 51])).diff()
    assert z.spacing == pytest.approx(float(first), rel=1e-4)
    assert 1 < z.spacing / z.sigma < 1.3
    assert measure(ip.Mixture(ip.Poisson(51), 0.04)).spacing == 0


def test_filtered_counts_of_zero_are_counts_of_zero():
    noise, filtered = ip.Poisson(51), ip.xie2023(8)
    w = noise.sample(torch.full((1, 1, 32, 32), 0.02), ip.generator(0))
    y = filtered.A.forward(w)
    assert filtered.A.inverse(y).min() < 0  # by rounding
    s = measure(noise).score(w, torch.zeros_like(w))
    back = filtered.A.adjoint(measure(filtered).score(y, torch.zeros_like(y)))
    torch.testing.assert_close(back, s, rtol=1e-3, atol=1e-2)


def test_as_text():
    z = measure(ip.xie2023(6))
    assert Coordinates.from_json(z.to_json()) == z
    for text in ("{}", "no", '{"start": 1}'):
        with pytest.raises(ip.InputError, match="no coordinates"):
            Coordinates.from_json(text)


def test_what_can_not_be_learned():
    with pytest.raises(ip.InputError, match="of no use"):
        measure(ip.Unobserved())
    with pytest.raises(ip.InputError, match="of no use"):
        measure(3)
    kernel = torch.tensor([[0.2, 0.8]])
    with pytest.raises(ip.InputError, match="Bᵀ s"):
        measure(ip.Correlated(ip.Gamma(26), ip.CircularBlur(kernel)))


def test_precision_and_inputs_are_kept():
    z = measure(ip.xie2023(8))
    y = flat_images(ip.xie2023(8)).float()
    before = y.clone()
    assert z.forward(y).dtype == z.score(y, y).dtype == torch.float32
    assert torch.equal(y, before)
