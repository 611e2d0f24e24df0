"""What is said of a misfit: the figure, and a sentence on what is wrong with it.

Each bound lies beyond what right settings gave on photographs: see the table of `misfit`. Samples
are judged more strictly where every pixel was measured in white Gaussian noise. There, on 46 crops
of 48 x 48 pixels by `Restart` and `SplitGibbs`, denoised and deblurred, the misfit was 0.96 to
1.12, and the kurtosis of what is left -0.10 to +0.13, give or take 0.06. With missing pixels, a
lower resolution or noise of the brightness right samples of single crops had misfits up to 1.37.

Both find chains that stray from the image with the errors of a network, where they stray far: long
runs of `AnnealedLangevin`.
"""

from __future__ import annotations

import math

from attrs import frozen

from .misfit import Misfit

ESTIMATES = 0.5, 1.4
"""A misfit of an estimate outside of this is said to be wrong."""

FEWER = 2.0
"""The upper end, where fewer numbers were measured than the image has."""

SAMPLES = 0.8, 1.25
"""A misfit of samples outside of this is said to be wrong."""

NARROW = 1.18
"""Their upper end where every pixel was measured, in white Gaussian noise."""

SURELY = 5
"""So many errors from 1, at least, is what is said to be wrong; so is a kurtosis from 0."""

TAILS = 0.3
"""A kurtosis of what samples leave of Gaussian noise that is said to be wrong."""

WEAK = 0.03
"""Noise of a smaller deviation may well stay in an estimate, whose misfit is small then."""

FAINT = 0.01
"""Noise of a smaller deviation is fitted so far that more of an echo is usual."""

ECHO = 0.1, 0.15
"""An echo that is usual, give or take its error, and the one that is said to be wrong."""

FEW = 20
"""A sampler with fewer steps may not have got to the data."""

MIXED = 1.2
"""A larger split R-hat is a sampler's that needs more steps."""

LOOSE = 0.2, 0.25
"""The same of an echo below 0 where more noise is fitted: of fewer data than pixels, or faint, or
with a prior that allows it."""

ALIKE = 0.1, 0.3
"""A residual of which neighbours, or channels, have more in common is not that of white noise that
is weaker than was said: up to 0.06 and 0.17 of the residual itself."""

COLOURLESS = 0.3, -0.15
"""Of weak noise, of which more may stay in an estimate: so small a misfit, and channels with more
in common. White noise leaves colours, -0.29 and below, as more of the brightness is kept."""

UNLIKE = "this result does not explain the data: "
ADVICE = ". What noise an image has, estimate_noise(y) tells: invprob noise FILE"


@frozen
class Origin:
    """Where a result comes from.

    Attributes:
        sampled: whether it is samples, and not an estimate.
        loose: whether it is normal that much of any noise stays in an estimate.
        steps: how many a solver did; None if a prior drew the samples itself, in one.
        mixing: split R-hat of a sampler's chains, if there is one.
        exact: data with less noise than this were taken for exact; 0 where none were.
        finished: whether the solver came to its end.
        least: noise that is weaker than this is unknown to the prior, in the unit of y; 0 where
            none is, and for samples.
    """

    sampled: bool
    loose: bool = False
    steps: int | None = None
    mixing: float | None = None
    exact: float = 0.0
    finished: bool = True
    least: float = 0.0

    def suspect(self) -> str:
        """What may be wrong where the data are too far from the result."""
        others = "the noise is stronger than was said, or the operator {}is another"
        if self.steps is None:
            return f"Likely the generator has learned too little; or {others}"
        unmixed = self.mixing is not None and self.mixing > MIXED
        if self.sampled and (self.steps < FEW or unmixed):
            return (
                f"First take more calls: these samples had {self.steps} steps. If that changes "
                f"nothing, {others}"
            )
        return f"Likely {others}"


def lines(found: Misfit, origin: Origin, /) -> list[str]:
    """The figure, and a sentence for the first indicator that is wrong, whatever the noise."""
    size = float(found.misfit.mean())
    first = (
        f"misfit {size:{'.3f' if size < 1e4 else '.2e'}}: the data's distance from what the "
        f"result predicts, over the noise's; {_right(found, origin, size)}"
    )
    doubt = "" if found.heavy else _doubt(found, origin, size)
    if doubt and not origin.finished:
        return [first, "the run was stopped before its end: let it finish before judging that"]
    return [first, doubt + ADVICE] if doubt else [first]


def _right(found: Misfit, origin: Origin, size: float) -> str:
    if found.heavy:
        return (
            "this noise has such heavy tails that the truth itself may give 1 "
            f"± {found.error:.1g}, or far more: it says nothing"
        )
    if origin.exact:
        return (
            f"data with noise below {origin.exact:g} were taken for exact, and leave 0; others "
            "were ignored"
        )
    if _beyond_sight(found, origin, size):
        return (
            f"the noise, {found.noise:.2g}, is less than the prior sees, {origin.least:.2g}, and "
            "an estimate is no nearer to the data than that"
        )
    if origin.sampled:
        return f"samples of the posterior give 1 ± {found.error:.2g}"
    right = "an estimate fits some of the noise, so it should be "
    return right + ("below 1, as it is" if size <= 1 else "about 1 at most")


def _beyond_sight(found: Misfit, origin: Origin, size: float) -> bool:
    """Whether noise is too weak for a prior, and an estimate as near to the data as it can be."""
    return found.noise < origin.least and math.sqrt(size) * found.noise <= origin.least


def _doubt(found: Misfit, origin: Origin, size: float) -> str:
    """What is wrong with it; empty if nothing is."""
    if _beyond_sight(found, origin, size):
        return ""
    least, most = _bounds(found, origin)
    surely = abs(size - 1) > SURELY * found.error
    loose = origin.loose or found.fewer
    kept = not origin.sampled and (loose or found.noise <= WEAK)
    suspect = origin.suspect()
    if surely and size > most:
        if not origin.sampled and origin.steps is not None:
            suspect = (
                "Either the noise is stronger than was said, or the operator {}is another, or "
                "the estimate is poor, as it may be in the dark: compare another solver"
            )
        elif origin.steps is not None and found.tails is not None and not found.fewer:
            suspect += (
                ", or the samples strayed, as the errors of a network add up in long chains: "
                "compare another solver"
            )
        return f"{UNLIKE}they are too far from it. " + suspect.format("or the unit of y ")
    if surely and size < least and _alike(found, size, kept):
        return (
            "the noise is not as was said, but how strong can't be judged from that: it would "
            "leave the data farther from this result, and neighbours or channels of the rest "
            "are alike, as in images that were compressed (JPEG) or filtered, or have hardly "
            "any noise"
        )
    if surely and size < least and not kept:
        return (
            f"{UNLIKE}such noise would leave them farther from it. Either the noise is weaker "
            "than was said (a smaller level, a larger peak), or the prior leaves noise in, as a "
            "simple filter does"
        )
    echo = found.echo
    if echo is not None and echo.beyond(
        *(LOOSE if echo.size < 0 and (loose or found.noise < FAINT) else ECHO)
    ):
        like = "too unlike" if echo.size < 0 else "too much alike"
        return (
            f"{UNLIKE}what it leaves of them is no white noise, neighbours are {like} "
            f"({echo.size:+.2f} of its variance in common). " + suspect.format("")
        )
    tails = found.tails
    judged = origin.sampled and not origin.exact  # of exact data there is rounding left
    if judged and tails is not None and tails.beyond(TAILS, SURELY):
        return (
            f"{UNLIKE}what it leaves of them is not normal, as Gaussian noise is: its kurtosis is "
            f"{tails.size:+.2f} and not 0 ± {tails.error:.2g}. Either the noise is another, with "
            "outliers perhaps, or the samples strayed, as the errors of a network add up in long "
            "chains: compare another solver"
        )
    return ""


def _bounds(found: Misfit, origin: Origin) -> tuple[float, float]:
    """Outside of which a misfit is said to be wrong."""
    if not origin.sampled:
        return ESTIMATES[0], FEWER if found.fewer else ESTIMATES[1]
    least, most = SAMPLES
    if found.tails is not None and not found.fewer:
        most = NARROW
    return 0.0 if origin.exact else least, most


def _alike(found: Misfit, size: float, kept: bool) -> bool:
    """Whether a residual that is too small is not that of weaker white noise."""
    shared = found.shared
    if kept:
        level, common = COLOURLESS
        weak = found.noise <= WEAK and not found.fewer
        return weak and shared is not None and size < level and shared > common
    neighbours, channels = ALIKE
    echoes = found.echo is not None and found.echo.size > neighbours * size
    return echoes or (shared is not None and shared > channels)
