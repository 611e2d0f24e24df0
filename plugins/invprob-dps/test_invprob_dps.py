"""The conformance kit on PiGDM and DPS, which it tells apart."""

from collections.abc import Callable

from invprob_dps import DPS, PiGDM

from invprob.testing import conforms, parametrize


@parametrize(PiGDM(calls=100))
def test_pigdm_conforms(check: Callable[[], None]) -> None:
    """An identity per test."""
    check()


def test_dps_obeys_all_but_one() -> None:
    """Its samples are farther from the posterior mean than those of the posterior."""
    assert conforms(DPS(calls=100)).failed == ("a_full_run_is_as_near_as_a_sample",)
