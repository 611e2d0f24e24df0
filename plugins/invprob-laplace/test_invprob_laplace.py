"""The conformance kit on Laplace noise."""

from collections.abc import Callable

from invprob_laplace import Laplace

from invprob.testing import parametrize


@parametrize(Laplace(scale=0.1), Laplace(scale=0.02))
def test_conforms(check: Callable[[], None]) -> None:
    """An identity per test."""
    check()
