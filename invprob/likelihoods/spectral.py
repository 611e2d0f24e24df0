"""What every linear-Gaussian likelihood can do once it is diagonal.

In the right singular basis a linear measurement is one noisy number for each coordinate

    w_j = (Vᵀx)_j + sd_j n_j,        sd_j = +inf where nothing was measured,

so everything is exact and costs a few elementwise passes and the basis change:

    prox                v̂_j = v_j + k_j (w_j - v_j),     k = step / (step + sd²)
    given N(v, rho²)    N(v_j + k_j (w_j - v_j), (1 - k_j) rho²),   k = rho² / (rho² + sd²)
    annealed score      s_j + (w_j - x_j) / (sd_j² - sigma²)        where sigma < sd_j
                        (w_j - x_j) / (sigma² - sd_j²)              where sigma > sd_j

The annealed score belongs to p(x_sigma | y) when the annealing noise and the measurement noise are
two times of *one* Brownian path that starts in x: before the path meets the measurement
(sigma > sd_j) the coordinate depends on w_j alone, afterwards it adds an independent increment
(Kawar et al. 2021). It is exact while sigma < sd_j for every measured j. For larger sigma the
prior's score on the coordinates that were not measured would have to know w; it is taken at x
instead, the one approximation of SNIPS.

B. Kawar, G. Vaksman, M. Elad (2021). SNIPS: Solving Noisy Inverse Problems Stochastically.
NeurIPS. https://arxiv.org/abs/2105.14951
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from ..contracts import SVD, Map, Spectrum
from .rows import normal, per_row

LOUDEST = torch.finfo(torch.float32).max ** 0.5
"""What has more noise tells nothing: in single precision its square overflows."""
MOST = 1e6
"""By so much an approximate inverse shrinks a coordinate at most."""


def spectrum_of(svd: SVD, sigma: Tensor | float, like: Tensor | None = None, /) -> Spectrum:
    """The pseudo-observations of y = U S Vᵀ x + sigma n, of which only `sd` is kept.

    Args:
        svd: the operator's.
        sigma: the noise level, a number; or one for each entry of y, where U is the identity.
        like: `sd` gets the dtype and device of this, by default those of `svd.s`.
    """
    s = svd.s if like is None else svd.s.to(like)
    level, ut = torch.as_tensor(sigma, dtype=s.dtype, device=s.device), svd.ut
    sd = level / s
    sd = torch.where(sd < LOUDEST, sd, torch.inf)

    def observe(y: Tensor) -> Tensor:
        inverse = sd.to(y) / level.to(y)
        return ut(y) * inverse.nan_to_num_(posinf=0.0)

    return Spectrum(sd, svd.v, svd.vt, observe)


def prox(spectrum: Spectrum, y: Tensor, v: Tensor, step: Tensor, /) -> Tensor:
    """argminₓ -step log p(y | x) + ½ ‖x - v‖²; `step` is `()` or `(B,)`."""
    variance = spectrum.sd.square()
    coordinates = spectrum.vt(v)
    rate = per_row(step, coordinates)
    gain = rate / (rate + variance)
    return spectrum.v(torch.lerp(coordinates, spectrum.observe(y), gain))


def inverse(spectrum: Spectrum, step: Tensor, /) -> Map:
    """(I + step Hᵀ H / sigma²)⁻¹, for a preconditioner; `step` is `()` or `(B,)`.

    No coordinate shrinks by more than `MOST`: beyond, single precision would not have the map
    positive definite.
    """
    variance = spectrum.sd.square()

    def apply(x: Tensor) -> Tensor:
        coordinates = spectrum.vt(x)
        rate = per_row(step, coordinates)
        return spectrum.v(coordinates / (1 + (rate / variance).clamp(max=MOST)))

    return apply


def sample_given(
    spectrum: Spectrum, y: Tensor, v: Tensor, rho: Tensor, generator: Generator, /
) -> Tensor:
    """A draw x ~ p(y | x) N(x; v, rho² I), exactly; `rho` is `()` or `(B,)`."""
    coordinates = spectrum.vt(v)
    mean, sd = moments_given(spectrum, spectrum.observe(y), coordinates, rho)
    return spectrum.v(mean + sd * normal(coordinates, generator))


def moments_given(
    spectrum: Spectrum, w: Tensor, v: Tensor, rho: Tensor, /
) -> tuple[Tensor, Tensor]:
    """The mean and the deviation of such a draw, with everything in the singular basis already."""
    width = per_row(rho, v)
    ratio = spectrum.sd / width
    mean = torch.lerp(v, w, 1 / (1 + ratio.square()))
    return mean, width / (1 + ratio.reciprocal().square()).sqrt()


def annealed_score(
    spectrum: Spectrum, y: Tensor, x: Tensor, prior_score: Tensor, sigma: Tensor, /
) -> Tensor:
    """The score of p(x_sigma | y) at x; `sigma` >= 0 is `()` or `(B,)`."""
    coordinates = spectrum.vt(x)
    level, w, prior = per_row(sigma, coordinates), spectrum.observe(y), spectrum.vt(prior_score)
    return spectrum.v(coordinate_score(spectrum.sd, w, coordinates, prior, level))


def coordinate_score(sd: Tensor, w: Tensor, x: Tensor, prior: Tensor, sigma: Tensor, /) -> Tensor:
    """The same, with everything in the singular basis already.

    Where sigma equals sd, x is w with certainty and there is no density. The pull towards w is
    bounded there: without limit, its rounding would drown the other coordinates in V.

    Args:
        sd: noise of each coordinate, `(*spectral)`.
        w: what was measured, `(B, *spectral)`.
        x: the noisy image, `(B, *spectral)`.
        prior: the prior's score, `(B, *spectral)`.
        sigma: the noise level of x, `()`, or anything that broadcasts.
    """
    gap = ((sd - sigma) * (sd + sigma)).abs()
    gap = torch.maximum(gap, math.sqrt(torch.finfo(gap.dtype).eps) * sigma**2)
    return torch.where(sd >= sigma, prior, 0) + (w - x) / gap
