"""What the very numbers of a measurement say about the law of its noise.

Photon counts are whole numbers. If all numbers of a measurement are whole multiples of one unit,
and the noise is about what it were if that unit is a photon, these are counts: a law with nothing
fitted, which is as plausible as one with a parameter that explains the noise levels three times as
well. Counts that are no multiples, as those of a rounded or a resized file, or of a camera of
several units for each photon, have a little Gaussian noise as well.
"""

from __future__ import annotations

import torch
from attrs import evolve
from torch import Tensor

from .noise_estimate import POOR, NoiseEstimate
from .noise_laws import Law, misfit, sorted_laws

MANY = 100_000
"""So many numbers are looked at for the unit."""
SLACK, ROUNDINGS = 1e-3, 32
"""Of a unit, and of the last digit: so far from whole are whole numbers that were divided."""
READ_NOISE = 0.3
"""Of a photon, where counts are no whole numbers."""


def with_numbers(found: NoiseEstimate, y: Tensor, /) -> NoiseEstimate:
    """What is known of the noise, and what can have made these numbers.

    Args:
        found: from the noise levels.
        y: the measurement; entries that are not finite do not count.
    """
    peak = counted(y)
    if peak is not None:
        value = float(peak)
        error = misfit((found.brightness.clamp(min=0) / value).sqrt(), found.sd)
        if error <= POOR:
            others = [law for law in found.laws if law.name != "poisson"]
            laws = sorted_laws([*others, Law(f"poisson:peak={peak}", error, 0)])
            found = evolve(found, laws=laws)
    best = found.best
    if best.name != "poisson" or best.parameters == 0:
        return evolve(found, typed=best.text)
    fitted = float(best.text.partition("=")[2])
    text = f"poisson-gaussian:peak={fitted:g},sigma={READ_NOISE / fitted:.3g}"
    return evolve(found, typed=text)


def counted(y: Tensor, /) -> str | None:
    """The peak of which all numbers are counts, as text; None if there is none.

    Args:
        y: a measurement; entries that are not finite do not count.

    >>> counted(torch.tensor([0.0, 3.0, 7.0, 8.0]) / 30)
    '30'
    >>> counted(torch.tensor([0.0, 3.0, 7.1, 8.0]) / 30)
    """
    eps = torch.finfo(y.dtype).eps
    y = y[y.isfinite()].cpu()  # some devices have no 64 bits
    some = y[:MANY].double()
    if unit := _unit(some):
        for text in (f"{1 / unit:.{digits}g}" for digits in (6, 9, 13)):
            peak = float(text)
            if _are_counts(peak * some, peak, eps) and _are_counts(peak * y.double(), peak, eps):
                return text
    return None


def _unit(y: Tensor) -> float:
    """The distance between the two nearest of some numbers, rounding aside; 0 if there is none."""
    steps = y.sort().values.diff()
    steps = steps[steps > SLACK * steps.max()] if len(steps) else steps
    if not len(steps):
        return 0.0
    least = float(steps.min())
    return float(steps[steps < (1 + SLACK) * least].mean())


def _are_counts(counts: Tensor, peak: float, eps: float) -> bool:
    slack = SLACK + ROUNDINGS * eps * (counts.abs() + peak)
    return bool((counts > -0.5).all() and ((counts - counts.round()).abs() < slack).all())
