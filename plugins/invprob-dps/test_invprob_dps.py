"""The conformance kit on PiGDM and DPS, which it tells apart."""

from collections.abc import Callable

import pytest
import torch
from invprob_dps import DPS, PiGDM

import invprob as ip
from invprob.testing import conforms, parametrize


@parametrize(PiGDM(calls=100))
def test_pigdm_conforms(check: Callable[[], None]) -> None:
    """An identity per test."""
    check()


def test_dps_obeys_all_but_one() -> None:
    """Its samples are farther from the posterior mean than those of the posterior."""
    assert conforms(DPS(calls=100)).failed == ("a_full_run_is_as_near_as_a_sample",)


def test_dps_refuses_noise_that_was_filtered() -> None:
    """It compares H D(x) with y, and knows of no filter."""
    blur = ip.CircularBlur(torch.tensor([[0.2, 0.8]]))
    noise = ip.Correlated(ip.Gaussian(sigma=0.1), blur)
    prior = ip.GaussianPrior(torch.full((1, 4, 4), 0.5), sd=0.2)
    with pytest.raises(ip.InputError, match="PiGDM takes it"):
        ip.solve(ip.Problem(prior, noise, torch.rand(1, 1, 4, 4)), DPS(calls=2))
