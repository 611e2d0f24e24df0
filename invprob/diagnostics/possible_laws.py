"""A law of noise that was fitted to noise levels, as the numbers of a measurement allow it.

Photon counts are whole numbers of photons. A measurement whose numbers are whole multiples of one
unit, about a photon, tells the peak better than its noise does. One of other numbers, a rounded
or a resized file, or a camera of several units for each photon, has a little Gaussian noise as
well.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .noise_laws import Law

ABOUT = 1.3
"""A unit that is a photon is so near to what the noise says, by this factor."""
MANY = 100_000
"""So many numbers are looked at for the unit."""
SLACK, ROUNDING = 1e-3, 32 * torch.finfo(torch.float32).eps
"""Of a unit, and of a number: so far from whole are whole numbers that were divided."""
READ_NOISE = 0.3
"""Of a photon, where counts are no whole numbers."""


def possible(law: Law, y: Tensor, /) -> str:
    """What `-l` takes: the law, or the nearest one that can have made such numbers.

    Args:
        law: of the noise.
        y: the measurement; entries that are not finite do not count.

    >>> y = torch.tensor([0.0, 3.0, 7.0, 8.0])
    >>> possible(Law("poisson:peak=31.7", 0.0, 1), y / 30)
    'poisson:peak=30'
    >>> possible(Law("poisson:peak=31.7", 0.0, 1), y / 255)
    'poisson-gaussian:peak=31.7,sigma=0.00946'
    """
    if law.name != "poisson":
        return law.text
    y = y[y.isfinite()].double()
    peak = float(law.text.partition("=")[2])
    unit = _unit(y)
    if 1 / ABOUT < unit * peak < ABOUT:
        for told in (f"{1 / unit:.6g}", f"{1 / unit:.9g}"):
            if _are_counts(float(told) * y, float(told)):
                return f"poisson:peak={told}"
    return f"poisson-gaussian:peak={peak:g},sigma={READ_NOISE / peak:.3g}"


def _unit(y: Tensor) -> float:
    """The distance between the two nearest of some numbers, rounding aside; 0 if there is none."""
    values = y.flatten()[:MANY].sort().values
    steps = values.diff()
    steps = steps[steps > SLACK * steps.max()] if len(steps) else steps
    if not len(steps):
        return 0.0
    least = float(steps.min())
    return float(steps[steps < (1 + SLACK) * least].mean())


def _are_counts(counts: Tensor, peak: float) -> bool:
    slack = SLACK + ROUNDING * (counts.abs() + peak)
    return bool((counts > -0.5).all() and ((counts - counts.round()).abs() < slack).all())
