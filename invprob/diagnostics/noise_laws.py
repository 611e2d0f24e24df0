"""Which law of noise explains how it grows with the brightness?

The variance of noise around a pixel of brightness m is

    sigma²             Gaussian noise
    m / peak           photon counts
    m² / alpha         speckle (Gamma)
    m / peak + sigma²  photon counts and read noise
    (a m + b)²         noise that grows with the signal

Each is fitted to the noise levels that were found, by least squares of the relative errors, with
no negative part. Of two that explain them about as well the simpler is the more plausible: for
each parameter more a law has to be three times as close. The variance does not tell laws apart
that have the same (speckle, noise in proportion to the signal, Rayleigh noise).

Reference: A. Foi, M. Trimeche, V. Katkovnik, K. Egiazarian (2008). Practical Poissonian-Gaussian
Noise Modeling and Fitting for Single-Image Raw-Data. IEEE TIP 17(10).
https://doi.org/10.1109/TIP.2008.2001399
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from attrs import frozen
from scipy.optimize import nnls
from torch import Tensor

SIMPLER = 3.0
"""So much closer a law must be for each parameter more."""
CLOSE = 0.02
"""Noise levels are not known better than that: misfits below are alike."""
DARKEST = 1e-3
"""Brightness is not taken for less: all but Gaussian noise would be none."""
FEWEST, SPAN, FAR = 3, 0.05, 4.0
"""So many levels of brightness at least, over so much of it, in units of its error as well."""


@frozen
class Law:
    """A law of noise, fitted.

    Attributes:
        text: as `-l` takes it, for example `poisson:peak=31.2`.
        misfit: root mean square relative error of the noise levels that it predicts.
        parameters: how many were fitted to these.
    """

    text: str
    misfit: float
    parameters: int

    @property
    def name(self) -> str:
        """Without the parameters."""
        return self.text.partition(":")[0]

    def __str__(self) -> str:
        """One line."""
        return f"{self.text:<42} explains the noise levels to {self.misfit:.1%}"


def laws(brightness: Tensor, sd: Tensor, /, *, error: float = 0.0) -> tuple[Law, ...]:
    """Laws of noise with these levels, the most plausible first.

    Where brightness hardly varies nothing tells laws apart, and Gaussian noise is all there is.

    Args:
        brightness: of some pixels, `(n,)`.
        sd: the noise of each, `(n,)`, above 0.
        error: of the brightness of a pixel.

    >>> m = torch.linspace(0.1, 0.9, 8, dtype=torch.float64)
    >>> laws(m, (m / 30).sqrt())[0].text
    'poisson:peak=30'
    """
    if len(sd) < FEWEST or float(brightness.max() - brightness.min()) < max(SPAN, FAR * error):
        constant = float(sd.square().mean().sqrt())
        return (Law(f"gaussian:sigma={constant:.3g}", misfit(constant + 0 * sd, sd), 1),)
    return sorted_laws(_fitted(brightness.clamp(min=DARKEST), sd))


def sorted_laws(laws: Iterable[Law], /) -> tuple[Law, ...]:
    """The most plausible first: by their misfit, times a penalty for each parameter."""
    return tuple(sorted(laws, key=lambda law: max(law.misfit, CLOSE) * SIMPLER**law.parameters))


def _fitted(m: Tensor, sd: Tensor) -> Iterator[Law]:
    """Each law once; those of two parameters if there are levels enough, and both count."""
    variance = sd.square()
    constant = torch.ones_like(m)
    for name, power in (("gaussian:sigma", 0), ("poisson:peak", 1), ("gamma:alpha", 2)):
        (scale,) = _least_squares([m**power], variance)
        value = scale**0.5 if power == 0 else 1 / scale
        yield Law(f"{name}={value:.3g}", misfit((scale * m**power).sqrt(), sd), 1)
    if len(m) < 4:
        return
    offset, slope = _least_squares([constant, m], variance)
    if offset > 0 and slope > 0:
        text = f"poisson-gaussian:peak={1 / slope:.3g},sigma={offset**0.5:.3g}"
        yield Law(text, misfit((offset + slope * m).sqrt(), sd), 2)
    black, growth = _least_squares([constant, m], sd)
    if black > 0 and growth > 0:
        text = f"signal-dependent:a={growth:.3g},b={black:.3g}"
        yield Law(text, misfit(black + growth * m, sd), 2)


def _least_squares(parts: list[Tensor], value: Tensor) -> tuple[float, ...]:
    """Shares of the parts, none negative, with the least squares of the relative errors."""
    weighed = (torch.stack(parts, 1) / value[:, None]).numpy()
    shares, _ = nnls(weighed, torch.ones_like(value).numpy())
    return tuple(float(share) for share in shares)


def misfit(predicted: Tensor, sd: Tensor, /) -> float:
    """The root mean square relative error of noise levels `(n,)`."""
    return float((predicted / sd - 1).square().mean().sqrt())
