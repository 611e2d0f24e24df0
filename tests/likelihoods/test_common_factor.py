"""Counts that come in twos."""

import pytest
import torch

import invprob as ip
from invprob.likelihoods.common_factor import shared_factor

X = torch.rand(1, 1, 16, 16, generator=ip.generator(0))


def test_two_units_for_each_photon_are_pointed_out():
    y = ip.Poisson(peak=120).sample(X, ip.generator(1))
    with pytest.warns(ip.NoiseWarning, match="multiples of 2.* Then peak=120"):
        ip.Poisson(peak=240).check_measurement(y)


def test_it_is_said_once_of_several_samples():
    y = ip.Poisson(peak=120).sample(X, ip.generator(1))
    prior = ip.GaussianPrior(mean=X[0], sd=0.2)
    with pytest.warns(UserWarning) as said:
        ip.Problem(prior, ip.Poisson(peak=240), y).repeat(3)
    assert len(said) == 1


def test_less_than_a_photon_at_white_is_not_suggested(recwarn):
    y = torch.arange(48.0).remainder(4).view(1, 1, 6, 8)
    ip.Poisson(peak=30).check_measurement(y)  # multiples of 30, and then peak=1
    assert len(recwarn.list) == 1
    ip.Poisson(peak=2).check_measurement(15 * y)
    assert len(recwarn.list) == 1


@pytest.mark.parametrize("peak", [0.05, 1, 120])
def test_photons_that_are_counted_share_none(peak, recwarn):
    noise = ip.Poisson(peak=peak)
    noise.check_measurement(noise.sample(X, ip.generator(1)))
    assert not recwarn.list


@pytest.mark.parametrize(
    ("counts", "factor"),
    [
        (3 * torch.arange(60.0), 3),
        (torch.cat([2 * torch.arange(2000.0), torch.ones(1)]), 1),
        (2 * torch.arange(30.0), 1),
        (torch.full((60,), 4.0), 1),
        (torch.zeros(60), 1),
    ],
    ids=["all", "all but one", "few", "alike", "none"],
)
def test_certainty(counts, factor):
    assert shared_factor(counts) == factor


def test_counts_that_were_not_divided_by_the_peak_are_told_apart():
    y = 30 * ip.Poisson(peak=30).sample(X, ip.generator(1))
    with pytest.warns(ip.NoiseWarning, match=r"are these the counts\? Then give y / 30"):
        ip.Poisson(peak=30).check_measurement(y)
