"""What the numbers of a measurement say of its noise."""

import pytest
import torch
from attrs import evolve

import invprob as ip
from invprob.diagnostics.noise_estimate import NoiseEstimate
from invprob.diagnostics.noise_laws import laws
from invprob.diagnostics.noise_numbers import counted, with_numbers

BRIGHTNESS = torch.linspace(0.1, 0.9, 8, dtype=torch.float64)


def levels(sd, brightness=BRIGHTNESS):
    sd = sd.expand(8)
    return NoiseEstimate(0.1, brightness, sd, None, laws(brightness, sd), 0.0)


def counts(peak, precision=torch.float32):
    x = torch.linspace(0.05, 1, 4000, dtype=precision)
    return ip.Poisson(peak=peak).sample(x[None, None, None], ip.generator(0))


@pytest.mark.parametrize("peak", [3.7, 30, 1000 / 7, 12345.678])
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_the_unit_of_counts_is_the_peak(peak, precision):
    y = counts(peak, precision)
    found = counted(y)
    assert float(found) == pytest.approx(peak, rel=1e-5)
    ip.Poisson(peak=float(found)).check_measurement(y)


@pytest.mark.parametrize(
    "y",
    [
        torch.rand(100),
        torch.full((100,), 0.5),
        torch.tensor([0.5]),
        torch.empty(0),
        torch.tensor([-0.1, 0.0, 0.1, 0.2]),
        torch.full((9,), torch.nan),
    ],
)
def test_other_numbers_are_no_counts(y):
    assert counted(y) is None


def test_noise_about_as_strong_as_that_of_the_counts_is_theirs():
    """Though speckle would explain the levels better, with a parameter of its own."""
    middling = torch.linspace(0.3, 0.7, 8, dtype=torch.float64)
    found = levels((middling / 30).sqrt() * (middling / 0.5) ** 0.3, middling)
    told = with_numbers(found, counts(30))
    assert found.best.name == "gamma" and found.best.misfit < told.best.misfit
    assert told.best.parameters == 0 and told.typed == "poisson:peak=30"
    assert [law.name for law in told.laws].count("poisson") == 1


def test_stronger_noise_is_none_of_the_counts():
    told = with_numbers(levels(torch.tensor(0.1, dtype=torch.float64)), counts(255))
    assert told.typed == told.best.text == "gaussian:sigma=0.1"


def test_photon_noise_of_other_numbers_has_a_little_more():
    told = with_numbers(levels((BRIGHTNESS / 30).sqrt()), torch.rand(1000))
    assert told.best.text == "poisson:peak=30"
    assert told.typed == "poisson-gaussian:peak=30,sigma=0.01"


@pytest.mark.parametrize(
    ("typed", "noise"),
    {
        "gaussian:sigma=0.1": ip.Gaussian(sigma=0.1),
        "poisson:peak=30": ip.Poisson(peak=30),
        "gamma:alpha=4": ip.Gamma(alpha=4),
        "poisson-gaussian:peak=30,sigma=0.01": ip.poisson_gaussian(peak=30, sigma=0.01),
        "signal-dependent:a=0.1,b=0.02": ip.SignalDependent(a=0.1, b=0.02),
    }.items(),
)
def test_the_likelihood_is_that_which_is_typed(typed, noise):
    found = levels(torch.tensor(0.1, dtype=torch.float64))
    assert repr(evolve(found, typed=typed).likelihood) == repr(noise)
