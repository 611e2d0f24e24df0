"""Does the result explain the data? Two figures that say so.

If an image x is right, the measurement y looks like a new measurement of x, y', made with new
noise. So compare the residual r = y - E[y' | x] with the noise of y' (both from `prediction`).

* **Misfit**: the size of the residual.

      misfit = sum r² / sum Var[y' | x].

  For a sample of p(x | y) it is 1, because a sample and y have the same joint distribution as the
  true image and y; give or take sqrt(2 / n) for n entries of independent noise, or what simulated
  measurements differ by where that is more: under a Student's t of 3 degrees of freedom a few
  entries make up most of the sum, and of 2 it has no limit, so that nothing is said of its size.

  An *estimate* was fitted to the data. It has taken up a part of the noise, so the residual is
  smaller than the noise, and a misfit below 1 is right. A misfit far below 1 means that the noise
  was fitted; one above 1, that the data were not. In three cases a small misfit is normal, because
  much of the noise stays in the estimate: the noise is weak enough to pass for detail; there are
  fewer data than pixels; or the prior has a density that allows images as rough as the noise (a
  Gaussian one of independent pixels leaves a misfit of sigma² / (sigma² + sd²)).
* **Echo**: how much neighbours in the residual have in common.

      echo = sum r[i] r[i + d] / sum Var[y' | x],   the largest of four neighbours d.

  For white noise it is 0. It finds what the misfit can't: noise of twice the stated deviation,
  half of which was fitted, leaves a residual of the right size. But what a prior takes for detail
  is smooth. What remains of the noise then has neighbours of opposite signs: the echo is negative.
  An image that the operator does not explain leaves neighbours that agree: the echo is positive.
  It is measured in units of the noise and not of the residual, so that it stays small for weak
  noise, of which an estimate keeps more than half.

The echo needs data in the shape of an image, and white noise; simulated noise shows whether it is
white. Where the misfit is small, there are two explanations: white noise that is weaker than was
said, or noise that is not white, as in JPEG files, where mostly the brightness is noisy, in all
channels alike. What neighbours and channels have in common, in units of the residual (`echo`),
tells the two apart.

The table was measured with the embedded denoiser on up to four crops, 64 x 64, of a photograph.
Settings are right unless the row says otherwise. It covers Gaussian noise of 0.001 to 0.3; three
blurs; half, a third or a tenth of the pixels; one channel of three; a half or a quarter of the
resolution (of 160 x 160); Poisson (peak 5 and 30), Gamma (alpha 4), Rayleigh and signal-dependent
noise:

| result | misfit | echo |
|---|---|---|
| PnP, ADMM, RED; noise of 0.02 and more | 0.68 .. 1.14 | -0.09 .. +0.06 |
| the same, weaker noise | 0.36 .. 0.98 | -0.15 .. -0.07 |
| the same, fewer data than pixels | 0.35 .. 1.68 | -0.16 .. +0.06 |
| PnP, ADMM with a Gaussian prior, as rough as the noise | 0.13 .. 0.98 | -0.11 .. +0.03 |
| Restart, 20 and 100 calls, 2 samples | 0.90 .. 1.16 | -0.03 .. +0.04 |
| the same, a third of the pixels | 1.03 .. 1.12 | +0.03 .. +0.16 |
| Restart, 8 calls (12) | 1.30 .. 2.70 (1.06 .. 1.28) | +0.32 .. +1.81 (+0.03 .. +0.22) |
| PnP; noise of 0.1, said to be 0.07 | 1.08 .. 1.15 | -0.21 .. -0.15 |
| said to be 0.05 (0.02) | 1.05 .. 1.14 (1.02 .. 1.15) | -0.32 .. -0.26 (-0.46 .. -0.39) |
| said to be 0.05, Restart | 1.85 .. 1.93 | -0.31 .. -0.26 |
| said to be 0.15 (0.2) | 0.54 .. 0.56 (0.36 .. 0.38) | +0.02 (+0.02 .. +0.03) |
| PnP; noise of 0.02, blurred by 5 x 5, said to be 3 x 3 | 0.93 .. 0.95 | -0.07 .. -0.05 |
| said to be 7 x 7 (9 x 9) | 0.98 .. 1.00 (1.04 .. 1.13) | -0.04 .. -0.01 (+0.03 .. +0.09) |

So a wrong noise level shows. A wrong blur may not: an image that is too sharp or too soft explains
the data as well. That a result is not complained of is no proof that it is right.
"""

from __future__ import annotations

import math

from attrs import evolve, frozen
from torch import Tensor

from .contracts import Likelihood
from .echo import LEAST_SIDE, Echo, echo_of, is_white, shared_of
from .prediction import predicted

ESTIMATES = 0.5, 1.4
"""A misfit of an estimate outside of this is said to be wrong."""

FEWER = 2.0
"""The upper end, where fewer numbers were measured than the image has."""

SAMPLES = 0.8, 1.25
"""A misfit of samples outside of this is said to be wrong."""

WEAK = 0.03
"""Noise of a smaller deviation may well stay in an estimate, whose misfit is small then."""

FAINT = 0.01
"""Noise of a smaller deviation is fitted so far that more of an echo is usual."""

ECHO = 0.1, 0.15
"""An echo that is usual, give or take its error, and the one that is said to be wrong."""

COARSE = 0.05
"""An echo with a larger error says nothing: too few neighbours were measured."""

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

VAGUE = 0.1
"""Where heavy tails give the misfit of the truth a larger error, it says nothing."""

DIM = 0.1
"""Half of an image is darker if weak noise may be a matter of its unit."""


@frozen(eq=False)
class Misfit:
    """What is left of the data beside what the noise does.

    Attributes:
        misfit: of each measurement, `(B,)`.
        error: how far noise moves their mean from 1.
        heavy: whether that is so far, by heavy tails, that the misfit says nothing.
        noise: its standard deviation.
        fewer: whether fewer numbers were measured than the image has.
        echo: `None` where neighbours say nothing.
        shared: what channels of the residual have in common; `None` where that says nothing.
        faint: the noise in the middle of all pixels.
        bright: the middle of all numbers that were measured.
    """

    misfit: Tensor
    error: float
    heavy: bool
    noise: float
    fewer: bool
    echo: Echo | None
    shared: float | None
    faint: float
    bright: float

    def lines(
        self, *, sampled: bool, loose: bool, steps: int | None, mixing: float | None
    ) -> list[str]:
        """The figure, and a sentence for each indicator that is wrong, whatever the noise.

        Args:
            sampled: whether the result is samples, and not an estimate.
            loose: whether it is normal that much of any noise stays in an estimate.
            steps: how many a sampler did; None if a prior drew the samples itself, in one.
            mixing: split R-hat of its chains, if there is one.
        """
        found = float(self.misfit.mean())
        least, most = SAMPLES if sampled else ESTIMATES
        if not sampled and self.fewer:
            most = FEWER
        right = f"samples of the posterior give 1 ± {self.error:.2g}"
        if not sampled:
            right = "an estimate fits some of the noise, so it should be "
            right += "below 1, as it is" if found <= 1 else "about 1 at most"
        if self.heavy:
            right = (
                "this noise has such heavy tails that the truth itself may give 1 "
                f"± {self.error:.1g}, or far more: it says nothing"
            )
        lines = [
            f"misfit {found:.3f}: the data's distance from what the result predicts, over the "
            f"noise's; {right}"
        ]
        if self.heavy:
            return lines
        surely = abs(found - 1) > 5 * self.error
        suspect = "Likely the noise is stronger than was said, or the operator {}is another"
        if steps is None:
            suspect = (
                "Likely the generator has learned too little; or the noise is stronger than was "
                "said, or the operator {}is another"
            )
        elif sampled and (steps < FEW or (mixing is not None and mixing > MIXED)):
            suspect = (
                f"First take more calls: these samples had {steps} steps. If that changes "
                "nothing, the noise is stronger than was said, or the operator {}is another"
            )
        loose = loose or self.fewer
        kept = not sampled and (loose or self.noise <= WEAK)
        if surely and found > most:
            if not sampled and steps is not None:
                suspect = (
                    "Either the noise is stronger than was said, or the operator {}is another, or "
                    "the estimate is poor, as it may be in the dark: compare another solver"
                )
            lines.append(
                "this result does not explain the data: they are too far from it. "
                + suspect.format("or the unit of y ")
            )
        elif surely and found < least and self._alike(found, kept):
            lines.append(
                "the noise is not as was said, but how strong can't be judged from that: it would "
                "leave the data farther from this result, and neighbours or channels of the rest "
                "are alike, as in images that were compressed (JPEG) or filtered, or have hardly "
                "any noise"
            )
        elif surely and found < least and not kept:
            lines.append(
                "this result does not explain the data: such noise would leave them farther from "
                "it. Either the noise is weaker than was said (a smaller level, a larger peak), "
                "or the prior leaves noise in, as a simple filter does"
            )
        elif self.echo is not None and self.echo.beyond(*self._usual(self.echo, loose)):
            like = "too unlike" if self.echo.size < 0 else "too much alike"
            lines.append(
                "this result does not explain the data: what it leaves of them is no white noise, "
                f"neighbours are {like} ({self.echo.size:+.2f} of its variance in common). "
                + suspect.format("")
            )
        if len(lines) > 1:
            lines[-1] += ". What noise an image has, estimate_noise(y) tells: invprob noise FILE"
        return lines

    def remark(self, least: float, /) -> str | None:
        """That the noise is weaker than the prior's least level, where the unit may be why."""
        if self.faint >= least or self.bright >= DIM:
            return None
        return (
            f"half of y is below {self.bright:.2g}, and the noise there, {self.faint:.2g}, is "
            f"less than the prior sees, {least:.2g}: hardly any of it was removed. It is seen "
            "with a smaller white, which may lie below the brightest pixels: --white"
        )

    def _alike(self, found: float, kept: bool) -> bool:
        """Whether a residual that is too small is not that of weaker white noise."""
        shared = self.shared
        if kept:
            level, common = COLOURLESS
            weak = self.noise <= WEAK and not self.fewer
            return weak and shared is not None and found < level and shared > common
        neighbours, channels = ALIKE
        echoes = self.echo is not None and self.echo.size > neighbours * found
        return echoes or (shared is not None and shared > channels)

    def _usual(self, echo: Echo, loose: bool) -> tuple[float, float]:
        return LOOSE if echo.size < 0 and (loose or self.noise < FAINT) else ECHO


def simulated(likelihood: Likelihood, x: Tensor, y: Tensor, /, samples: int) -> Misfit | None:
    """Compare y with new measurements of x; `None` where nothing was measured.

    Args:
        likelihood: what measures.
        x: images, `(samples * B, *image)`.
        y: what was measured, one row for each image.
        samples: how many images belong to one measurement.
    """
    told = predicted(likelihood, x)
    measured = told.variance > 0
    residual = told.mean.sub(y).mul_(measured)

    def per_measurement(values: Tensor) -> Tensor:
        return values.reshape(samples, -1, math.prod(values.shape[1:])).mean((0, 2))

    expected = told.larger * per_measurement(told.variance)
    if not bool((expected > 0).all()):
        return None
    entries = int(measured.sum())
    echo = shared = None
    if y.ndim == 4 and min(y.shape[-2:]) >= LEAST_SIDE:
        echo = echo_of(residual, told.larger * told.variance)
        echo = evolve(echo, error=echo.error * math.sqrt(samples))  # they share y
        shared = shared_of(residual)
        if echo.error > COARSE or not is_white(told.noise, told.variance):
            echo = shared = None
    normal, spread = math.sqrt(2 * samples / entries), told.error(samples)
    known = told.variance.masked_select(measured)  # an index of booleans takes four times as much
    return Misfit(
        misfit=per_measurement(residual.square()) / expected,
        error=max(normal, spread),
        heavy=spread > max(VAGUE, 2 * normal),
        noise=float(known.mean().sqrt()),
        fewer=entries // len(y) < math.prod(x.shape[1:]),
        echo=echo,
        shared=shared,
        faint=float(known.median().sqrt()),
        bright=float(y.expand(measured.shape).masked_select(measured).median()),
    )
