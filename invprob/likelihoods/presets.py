"""Noise models of several parts: counts with read noise, and those of Xie et al. (2023).

The sixteen models of their Table 1 have the paper's parameters.

The paper writes them for grey levels 0..255; here they are converted, once, to [0, 1]: Gaussian
levels are divided by 255, a Poisson rate per grey level is multiplied by 255, and alpha and the
scale of the Rayleigh law have no unit. A is the 3 x 3 filter of Eq. 19.

     1  Gaussian, sigma = 25                  2  the same, coloured by A
     3  signal-dependent, a x + b             4  the same, coloured by A
     5  Gamma, alpha = 26                     6  the same, filtered by A
     7  Poisson, lambda = 0.2                 8  the same, filtered by A
     9  Rayleigh, scale = 0.3                10  the same, filtered by A
    11  Gamma + Gaussian, sigma = 10         12  (the Gamma noise filtered) + Gaussian
    13  Poisson + Gaussian                   14  (the Poisson noise filtered) + Gaussian
    15  Rayleigh + Gaussian                  16  (the Rayleigh noise filtered) + Gaussian

`match_score(y, s, x0)` inverts `score_y(y, x)` for models 1 to 10. For 11 to 16 it is the paper's
algorithm 5, and `equation(y, x)` the score that this inverts. With `exact=True` models 11, 13 and
15 have the exact score, a sum or an integral over one number for each pixel, and `match_score`
inverts that. For 12, 14 and 16 there is none: the filter mixes the pixels of w before the Gaussian
noise is added, so p(y | x) = ∫ p(w | x) N(y; A w, sigma²) dw is one integral over as many numbers
as there are pixels, and with A there it does not fall into factors.

Doubtful in the paper: for models 3 and 4 it states b = 25 and a = 0.98, which is noise of 150 grey
levels on mid-grey and at odds with its own results; a = 0.098 agrees with them and is used. It
does not say what the filter does at the border; it wraps around here unless you say otherwise.

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

from ..contracts import Likelihood
from ..errors import InputError
from ..operators.boundaries import Boundary
from ..operators.correlation import CorrelationFilter
from .coloured import ColouredGaussian
from .coloured_signal_dependent import ColouredSignalDependent
from .correlated import Correlated
from .gamma import Gamma
from .gaussian import Gaussian
from .mixture import Mixture
from .poisson import Poisson
from .rayleigh import Rayleigh
from .signal_dependent import SignalDependent

WHITE = 255
A_OF_X, B = 0.098, 25 / WHITE


def xie2023(number: int, *, boundary: Boundary = "circular", exact: bool = False) -> Likelihood:
    """One of the sixteen noise models of Xie et al. (2023), Table 1, for images in [0, 1].

    Args:
        number: 1 to 16, the paper's.
        boundary: what the correlation filter does at the border.
        exact: whether `match_score` inverts the exact `score_y`, rather than that of the paper's
            algorithm 5, where the two differ: for 11, 13 and 15. 1 to 10 are exact anyway.

    Raises:
        InputError: there is no such number or boundary, or exact is asked of 12, 14 or 16.

    >>> import invprob as ip
    >>> ip.xie2023(13)
    Mixture(noise=Poisson(peak=51.0), sigma=0.0392156862745098, exact=False)

    The table, what is exact, the paper: help("invprob.likelihoods.presets").
    """
    A = CorrelationFilter(boundary)
    match None if isinstance(number, bool) else number:
        case 1:
            return Gaussian(25 / WHITE)
        case 2:
            return ColouredGaussian(25 / WHITE, A)
        case 3:
            return SignalDependent(A_OF_X, B)
        case 4:
            return ColouredSignalDependent(A_OF_X, B, A)
        case 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16:
            noise = (Gamma(26), Poisson(0.2 * WHITE), Rayleigh(0.3))[(number - 5) % 6 // 2]
            filtered = noise if number % 2 else Correlated(noise, A)
            return filtered if number <= 10 else Mixture(filtered, 10 / WHITE, exact=exact)
    raise InputError(f"number={number!r}: Table 1 has the noise models 1 to 16")


def poisson_gaussian(peak: float, sigma: float, *, exact: bool = False) -> Mixture:
    """The likelihood of photon counts with read noise, `Mixture(Poisson(peak), sigma)`.

    Args:
        peak: the mean count of a white pixel.
        sigma: the read noise, in units of the image (in counts it is peak sigma).
        exact: see `Mixture`.

    Raises:
        InputError: peak or sigma is not positive and finite.

    >>> import invprob as ip
    >>> ip.poisson_gaussian(peak=30, sigma=0.02)
    Mixture(noise=Poisson(peak=30.0), sigma=0.02, exact=False)
    """
    return Mixture(Poisson(peak), sigma, exact=exact)
