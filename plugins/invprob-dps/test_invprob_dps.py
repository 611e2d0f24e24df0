"""The conformance kit on DPS and PiGDM."""

from collections.abc import Callable

from invprob_dps import DPS, PiGDM

from invprob.testing import parametrize


@parametrize(DPS(calls=20), DPS(calls=5, zeta=0.3), PiGDM(calls=20))
def test_conforms(check: Callable[[], None]) -> None:
    """An identity per test."""
    check()
