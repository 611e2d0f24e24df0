"""The noise models of Xie et al. (2023), Table 1, number by number."""

import pytest

import invprob as ip

A = ip.CorrelationFilter("zero")
GAMMA, POISSON, RAYLEIGH = ip.Gamma(26), ip.Poisson(51), ip.Rayleigh(0.3)
TABLE = {
    1: "Gaussian(sigma=0.09804)",
    2: ip.ColouredGaussian(25 / 255, A),
    3: ip.SignalDependent(0.098, 25 / 255),
    4: ip.ColouredSignalDependent(0.098, 25 / 255, A),
    5: GAMMA,
    6: ip.Correlated(GAMMA, A),
    7: POISSON,
    8: ip.Correlated(POISSON, A),
    9: RAYLEIGH,
    10: ip.Correlated(RAYLEIGH, A),
    11: ip.Mixture(GAMMA, 10 / 255),
    12: ip.Mixture(ip.Correlated(GAMMA, A), 10 / 255),
    13: ip.Mixture(POISSON, 10 / 255),
    14: ip.Mixture(ip.Correlated(POISSON, A), 10 / 255),
    15: ip.Mixture(RAYLEIGH, 10 / 255),
    16: ip.Mixture(ip.Correlated(RAYLEIGH, A), 10 / 255),
}


@pytest.mark.parametrize("number", TABLE)
def test_a_number_is_a_model(number):
    assert str(ip.xie2023(number, boundary="zero")) == str(TABLE[number])


@pytest.mark.parametrize("number", [11, 13, 15])
def test_the_sums_of_pixelwise_noise_may_be_exact(number):
    assert ip.xie2023(number, exact=True).exact and not ip.xie2023(number).exact
