"""Measurements in another unit, and a few pixels far above white."""

import pytest
import torch

import invprob as ip
from invprob.contracts import Domain
from invprob.errors import InputError


@pytest.fixture
def prior():
    return ip.DenoiserPrior(lambda x, sigma: x, Domain(unit_range=True))


def measured(noise, *bright):
    y = noise.sample(torch.full((1, 1, 60, 50), 0.4), torch.Generator().manual_seed(0))
    for place, value in enumerate(bright):
        y[0, 0, 7 * place, 9] = value
    return y


@pytest.mark.parametrize("noise", [ip.Gaussian(0.2), ip.Gamma(4.0), ip.Poisson(20.0)])
def test_few_are_to_be_left_out(prior, noise):
    y = measured(noise, 500, 300)
    with pytest.raises(InputError, match="2 entries are far above white, up to 500, and") as error:
        ip.Problem(prior, noise, y)
    assert error.value.typed.startswith("-A mask:file=mask.png, black where they are")
    assert "divide y" not in str(error.value)
    with pytest.raises(InputError, match="1 entry is far above white, up to 500, "):
        ip.Problem(prior, noise, measured(noise, 500))
    keep = ip.Mask(y[0].abs() < 50)
    without = ip.Gaussian(0.2, operator=keep)
    ip.Problem(prior, without if isinstance(noise, ip.Gaussian) else ip.Observed(noise, keep), y)


def test_many_are_of_another_unit(prior):
    noise = ip.Gaussian(0.2)
    for y in (255 * measured(noise), measured(noise, 500, 300, 400, 200)):
        with pytest.raises(InputError, match="divide y"):
            ip.Problem(prior, noise, y)


@pytest.mark.parametrize("operator", [ip.Hadamard(16, keep=0.5), ip.Fourier.lines(16, keep=0.5)])
def test_coefficients_in_another_unit_are_no_bright_pixels(prior, operator):
    """One of them, the sum of all pixels, is far above the others."""
    noise = ip.Gaussian(0.1, operator=operator)
    y = noise.sample(torch.full((1, 1, 16, 16), 0.4), ip.generator(0))
    with pytest.raises(InputError, match=r"divide y \(and every sigma\) by the white level"):
        ip.Problem(prior, noise, 255 * y)
