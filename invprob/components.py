"""The built-in parts, by name: our own contribution, through the same door as any plugin's."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from .catalogue import Component
from .hookspecs import hookimpl
from .likelihoods.gaussian import Gaussian
from .operators.blur import CircularBlur
from .operators.identity import Identity
from .operators.kernels import uniform_kernel
from .operators.mask import Mask
from .priors.denoiser import DenoiserPrior
from .priors.gaussian import GaussianPrior
from .priors.gaussian_mixture import GaussianMixturePrior
from .solvers.annealed_langevin import AnnealedLangevin
from .solvers.pnp import PnP
from .solvers.restart import Restart

KAWAR_2021 = (
    "B. Kawar, G. Vaksman, M. Elad (2021). Stochastic Image Denoising by Sampling from the "
    "Posterior Distribution. ICCV Workshops. https://arxiv.org/abs/2101.09552"
)


@hookimpl
def invprob_components() -> Iterable[Component]:
    """Everything that comes with invprob itself."""
    return [*_priors(), *_likelihoods(), *_operators(), *_solvers()]


def _priors() -> list[Component]:
    return [
        Component(
            "prior",
            "denoiser",
            DenoiserPrior.pretrained,
            summary="photographs, by the embedded denoising network",
        ),
    ]
