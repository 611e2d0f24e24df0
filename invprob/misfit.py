"""Does the result explain the data? Three figures that say so.

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

* **Tails**: the kurtosis of the residual of samples under Gaussian noise, 0 if it is normal: see
  `tails`. It finds samples that are wrong in places, though right on average.

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
| PnP; noise of 0.1, said to be 0.07 | 0.95 .. 1.05 | -0.20 .. -0.17 |
| said to be 0.05 (0.02) | 0.77 .. 0.84 (0.82 .. 0.84) | -0.28 .. -0.26 (-0.41 .. -0.40) |
| said to be 0.05, Restart | 1.85 .. 1.93 | -0.31 .. -0.26 |
| said to be 0.15 (0.2) | 0.54 .. 0.56 (0.36 .. 0.38) | +0.02 (+0.02 .. +0.03) |
| PnP; noise of 0.02, blurred by 5 x 5, said to be 3 x 3 | 0.93 .. 0.95 | -0.07 .. -0.05 |
| said to be 7 x 7 (9 x 9) | 0.98 .. 1.00 (1.04 .. 1.13) | -0.04 .. -0.01 (+0.03 .. +0.09) |

So a wrong noise level shows. A wrong blur may not: an image that is too sharp or too soft explains
the data as well. That a result is not complained of is no proof that it is right. What is said of
these figures, and from which bounds on: see `doubts`.
"""

from __future__ import annotations

import math

from attrs import evolve, frozen
from torch import Tensor

from .contracts import Likelihood
from .echo import LEAST_SIDE, Echo, echo_of, is_white, shared_of
from .prediction import predicted
from .tails import Tails, tails_of

COARSE = 0.05
"""An echo with a larger error says nothing: too few neighbours were measured."""

VAGUE = 0.1
"""Where heavy tails give the misfit of the truth a larger error, it says nothing."""

DIM = 0.1
"""Half of an image is darker if weak noise may be a matter of its unit."""


@frozen(eq=False)
class Misfit:
    """What is left of the data beside what the noise does.

    Attributes:
        misfit: of each measurement, `(B,)`; infinite of photons where the image is black.
        error: how far noise moves their mean from 1.
        heavy: whether that is so far, by heavy tails, that the misfit says nothing.
        noise: its standard deviation.
        fewer: whether fewer numbers were measured than the image has.
        echo: `None` where neighbours say nothing.
        tails: the kurtosis of what is left of Gaussian noise; `None` of other noise.
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
    tails: Tails | None
    shared: float | None
    faint: float
    bright: float

    def remark(self, least: float, /) -> str | None:
        """That the noise is weaker than the prior's least level, where the unit may be why."""
        if self.faint >= least or self.bright >= DIM:
            return None
        return (
            f"half of y is below {self.bright:.2g}, and the noise there, {self.faint:.2g}, is "
            f"less than the prior sees, {least:.2g}: hardly any of it was removed. It is seen "
            "with a smaller white, which may lie below the brightest pixels: --white"
        )


def simulated(likelihood: Likelihood, x: Tensor, y: Tensor, /, samples: int) -> Misfit | None:
    """Compare y with new measurements of x; `None` where nothing was measured.

    Args:
        likelihood: what measures.
        x: images, `(samples * B, *image)`.
        y: what was measured, one row for each image.
        samples: how many images belong to one measurement.
    """
    told = predicted(likelihood, x)
    residual = told.mean.sub(y).mul_(told.seen)

    def per_measurement(values: Tensor) -> Tensor:
        return values.reshape(samples, -1, math.prod(values.shape[1:])).mean((0, 2))

    expected = told.larger * per_measurement(told.variance)
    if not bool((expected > 0).any()):
        return None
    found = per_measurement(residual.square())
    entries = int(told.seen.sum())
    echo = shared = None
    if y.ndim == 4 and min(y.shape[-2:]) >= LEAST_SIDE:
        echo = echo_of(residual, told.larger * told.variance, told.seen)
        echo = evolve(echo, error=echo.error * math.sqrt(samples))  # they share y
        shared = shared_of(residual)
        if echo.error > COARSE or not is_white(told.noise, told.variance, told.seen):
            echo = shared = None
    normal, spread = math.sqrt(2 * samples / entries), told.error(samples)
    noisy = told.seen & (told.variance > 0)
    known = told.variance.masked_select(noisy)  # an index of booleans takes four times as much
    return Misfit(
        misfit=(found / expected).where((found > 0) | (expected > 0), 1.0),  # black, and explained
        error=max(normal, spread),
        heavy=spread > max(VAGUE, 2 * normal),
        noise=float(known.mean().sqrt()),
        fewer=entries // len(y) < math.prod(x.shape[1:]),
        echo=echo,
        tails=tails_of(residual, told.variance, samples) if told.noise is None else None,
        shared=shared,
        faint=float(known.median().sqrt()),
        bright=float(y.expand(told.seen.shape).masked_select(told.seen).median()),
    )
