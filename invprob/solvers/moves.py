"""Moves between noise levels: a restart to the next one, and the reverse diffusion.

The formulas are those of `restarts.restart`, in the singular basis.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from attrs import evolve, frozen
from torch import Tensor

from ..contracts import Spectrum, Surrogate


@frozen(eq=False)
class Move:
    """A restart, x(r') = mean + width (n_old + n_new); a fall, x(r') = mean + width n_new.

    Attributes:
        mean: `(N, *spectral)`.
        free: 1 - k, what the data leave to the prior.
        width: of each of the two normal numbers, or of the only one.
    """

    mean: Tensor
    free: Tensor
    width: Tensor

    def to(self, noise: Tensor, /) -> Tensor:
        """x(r') in the singular basis, given the normal numbers; overwrites the mean."""
        return self.mean.addcmul_(self.width, noise)

    def louder(self, factor: Tensor, /) -> Move:
        """The same with noise that is wider by this factor, in each coordinate."""
        return evolve(self, width=self.width * factor)

    def steady(self, level: float, sd: Tensor, /) -> Move:
        """The same, with the width of noise that a measurement of this sd has, whatever the image.

        Noise of a width that depends on the image, as k does where it is not Gaussian, would make
        images drift to where it is narrow.
        """
        k = (level / sd).square().clamp(max=0.5)
        return evolve(self, width=level * ((1 - k) / 2).sqrt())


def restart(
    near: Spectrum | Surrogate,
    w: Tensor,
    x: Tensor,
    denoised: Tensor,
    sigma: float,
    level: float,
    kappa: float | Tensor,
) -> Move:
    """A restart from x at noise level sigma to a level that is not above it.

    Each coordinate may have a `kappa` of its own.
    """
    k = (level / near.sd).clamp_(max=1).square_()
    mean = torch.lerp(near.vt(denoised), w, k)
    if isinstance(kappa, Tensor) or kappa:
        mean = mean.lerp_(near.vt(x), kappa**2 * (level / sigma))
    free = k.neg_().add_(1)
    return Move(mean, free, level * (free * ((1 - kappa**2) / 2)).sqrt_())


def fall(sd: Tensor, x: Tensor, ahead: Tensor, sigma: float, level: float) -> Move:
    """The reverse SDE of a sample whose coordinates with sd below its level are pinned to w.

    Where sd is between the levels, the path begins at sd; below the new one, x stays w.

    Args:
        sd: of the measurement, in the singular basis.
        x: the sample there, `(N, *spectral)`.
        ahead: the extrapolated denoised image there.
        sigma: its noise level.
        level: the next one, which is lower.
    """
    kept = (level / sd.clamp(max=sigma)).clamp_(max=1).square_()
    free = 1 - kept
    return Move(torch.lerp(ahead, x, kept), free, level * free.sqrt())


def ahead(before: Tensor, denoised: Tensor, levels: tuple[float, float, float]) -> Tensor:
    """The denoised image, extrapolated from the one before to the middle of the next move.

    Args:
        before: denoised images at the first of the levels, `(N, *image)`.
        denoised: the same at the second.
        levels: the one before, the present one, and the next.
    """
    fallen, falls = (math.log(one / other) for one, other in pairwise(levels))
    return torch.lerp(before, denoised, 1 + min(falls / fallen, 1) / 2)


def diffuse(x: Tensor, ahead: Tensor, normal: Tensor, sigma: float, level: float) -> Tensor:
    """The reverse SDE from sigma to the next level, towards the extrapolated denoised image."""
    h = math.log(sigma / level)
    mean = torch.lerp(ahead, x, math.exp(-2 * h))
    return mean.add_(normal, alpha=level * math.sqrt(-math.expm1(-2 * h)))
