"""Noise models, by name."""

from __future__ import annotations

from functools import partial

from ..catalogue import Component
from ..contracts import Likelihood, LinearOperator
from ..likelihoods.coloured import ColouredGaussian
from ..likelihoods.coloured_signal_dependent import ColouredSignalDependent
from ..likelihoods.correlated import Correlated
from ..likelihoods.gamma import Gamma
from ..likelihoods.gaussian import Gaussian
from ..likelihoods.mixture import Mixture
from ..likelihoods.observed import Observed
from ..likelihoods.poisson import Poisson
from ..likelihoods.presets import poisson_gaussian, xie2023
from ..likelihoods.rayleigh import Rayleigh
from ..likelihoods.signal_dependent import SignalDependent
from ..likelihoods.unobserved import Unobserved
from ..operators.blur import CircularBlur
from ..operators.boundaries import Boundary
from ..operators.correlation import CorrelationFilter

XIE = (
    "Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. "
    "NeurIPS. https://arxiv.org/abs/2304.08384"
)

PAPER = CorrelationFilter()


def _coloured_gaussian(sigma: float, boundary: Boundary = "circular") -> ColouredGaussian:
    return ColouredGaussian(sigma, CorrelationFilter(boundary))


def _coloured_signal_dependent(
    a: float, b: float, boundary: Boundary = "circular"
) -> ColouredSignalDependent:
    return ColouredSignalDependent(a, b, CorrelationFilter(boundary))


def _correlated(noise: Likelihood, A: LinearOperator = PAPER) -> Correlated:
    return Correlated(noise, A)


def _mixture(noise: Likelihood, sigma: float, exact: bool = False) -> Mixture:
    return Mixture(noise, sigma, exact=exact)


def _observed(noise: Likelihood, operator: LinearOperator = PAPER) -> Observed:
    return Observed(noise, operator)


def likelihoods() -> list[Component]:
    """The built-in noise models, and those of Xie et al. by their number."""
    return [
        Component(
            "likelihood",
            "gaussian",
            Gaussian,
            example=lambda: Gaussian(sigma=0.1),
            summary="y = H x + sigma n",
        ),
        Component(
            "likelihood",
            "coloured-gaussian",
            ColouredGaussian,
            example=lambda: _coloured_gaussian(0.1),
            from_text=_coloured_gaussian,
            summary="y = x + Aᵀ sigma n",
        ),
        Component(
            "likelihood",
            "signal-dependent",
            SignalDependent,
            example=lambda: SignalDependent(0.1, 0.05),
            summary="y = x + (a x + b) n",
        ),
        Component(
            "likelihood",
            "coloured-signal-dependent",
            ColouredSignalDependent,
            example=lambda: _coloured_signal_dependent(0.1, 0.05),
            from_text=_coloured_signal_dependent,
            summary="y = x + Aᵀ (a x + b) n",
        ),
        Component(
            "likelihood",
            "gamma",
            Gamma,
            example=lambda: Gamma(26),
            summary="speckle: y = x g, g of mean 1 and variance 1 / alpha",
        ),
        Component(
            "likelihood",
            "poisson",
            Poisson,
            example=lambda: Poisson(30),
            summary="photon counts: peak y is Poisson with mean peak x",
        ),
        Component(
            "likelihood",
            "rayleigh",
            Rayleigh,
            example=lambda: Rayleigh(0.3),
            summary="y = (1 + eta) x, eta of a Rayleigh law",
        ),
        Component(
            "likelihood",
            "poisson-gaussian",
            poisson_gaussian,
            example=lambda: poisson_gaussian(30, 0.02),
            summary="photon counts, read out with Gaussian noise",
        ),
        Component(
            "likelihood",
            "correlated",
            Correlated,
            example=lambda: Correlated(Gamma(26), CorrelationFilter()),
            from_text=_correlated,
            summary="y = A w, w of any noise model",
        ),
        Component(
            "likelihood",
            "mixture",
            Mixture,
            example=lambda: Mixture(Gamma(26), 0.04),
            from_text=_mixture,
            summary="y = w + sigma n, w of any noise model",
        ),
        Component(
            "likelihood",
            "observed",
            Observed,
            example=lambda: Observed(Poisson(30), CircularBlur.named("uniform5")),
            from_text=_observed,
            summary="y = any noise of H x",
        ),
        Component(
            "likelihood", "unobserved", Unobserved, summary="no measurement: the prior itself"
        ),
        *(
            Component(
                "likelihood",
                f"xie2023-{number}",
                partial(xie2023, number),
                summary=f"noise model {number} of Xie et al. (2023), Table 1",
                reference=XIE,
            )
            for number in range(1, 17)
        ),
    ]
