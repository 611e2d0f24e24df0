"""The conformance kit: what any prior, likelihood, operator or solver must obey, as tests.

    from invprob.testing import conforms
    conforms(MyNoise(scale=0.1))                 # prints a table; true if nothing failed

    from invprob.testing import parametrize      # the whole test file of a plugin
    @parametrize(MyNoise(scale=0.1))
    def test_conforms(check):
        check()

and `invprob check NAME` for anything in the catalogue. A check is an *identity* that holds for
every part that has the capabilities it needs (a gradient is that of the density, samples have the
density's distribution, an adjoint is the transpose), never a comparison with stored numbers. Exact
identities are tried on cases that hypothesis chooses, statistical ones with thousands of samples
and bounds that a correct part breaks once in ten million times, each of them.
"""

from .case import Case
from .registry import Check, check, checks
from .report import Outcome, Report
from .run import conforms, parametrize, run_check
from .subject import Subject, subject
from .verdict import CheckFailure, Figure, Skip, below, close, finite, holds, looks_like, skip

__all__ = [
    "Case",
    "Check",
    "CheckFailure",
    "Figure",
    "Outcome",
    "Report",
    "Skip",
    "Subject",
    "below",
    "check",
    "checks",
    "close",
    "conforms",
    "finite",
    "holds",
    "looks_like",
    "parametrize",
    "run_check",
    "skip",
    "subject",
]
