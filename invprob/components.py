"""The built-in parts, by name: our own contribution, through the same door as any plugin's."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from .catalogue import Component
from .hookspecs import hookimpl
from .likelihoods.gaussian import Gaussian
from .operators import kernels
from .operators.blur import CircularBlur
from .operators.identity import Identity
from .operators.mask import Mask
from .priors.denoiser import DenoiserPrior
from .priors.gaussian import GaussianPrior
from .priors.gaussian_mixture import GaussianMixturePrior
from .solvers.annealed_langevin import AnnealedLangevin
from .solvers.pnp import PnP
from .solvers.restart import Restart


@hookimpl
def invprob_components() -> Iterable[Component]:
    """Everything that comes with invprob itself."""
    return [*_priors(), *_likelihoods(), *_operators(), *_solvers()]


def _gray() -> torch.Tensor:
    return torch.full((1, 8, 8), 0.5)


def _priors() -> list[Component]:
    return [
        Component(
            "prior",
            "denoiser",
            DenoiserPrior.pretrained,
            summary="photographs, by the embedded denoising network",
        ),
        Component(
            "prior",
            "gaussian",
            GaussianPrior,
            example=lambda: GaussianPrior(mean=_gray(), sd=0.2),
            summary="a Gaussian, everything in closed form",
        ),
        Component(
            "prior",
            "gaussian-mixture",
            GaussianMixturePrior,
            example=lambda: GaussianMixturePrior(
                torch.ones(2),
                torch.stack([0.5 * _gray(), 1.5 * _gray()]),
                0.01 * torch.eye(64).repeat(2, 1, 1),
            ),
            summary="a mixture of Gaussians, everything in closed form",
        ),
    ]


def _likelihoods() -> list[Component]:
    return [
        Component(
            "likelihood",
            "gaussian",
            Gaussian,
            example=lambda: Gaussian(sigma=0.1),
            summary="y = H x + sigma n",
        ),
    ]


def _operators() -> list[Component]:
    return [
        Component("operator", "identity", Identity, summary="every pixel (denoising)"),
        Component(
            "operator",
            "mask",
            Mask,
            example=lambda: Mask(torch.arange(64).reshape(8, 8) % 3 == 0),
            from_text=Mask.from_file,
            summary="some pixels (inpainting)",
        ),
        Component(
            "operator",
            "circular-blur",
            CircularBlur,
            example=lambda: CircularBlur(kernels.gaussian(1.0)),
            from_text=CircularBlur.named,
            summary="convolution with borders that wrap around (deblurring)",
        ),
    ]


def _solvers() -> list[Component]:
    return [
        Component(
            "solver",
            "pnp",
            PnP,
            summary="one estimate: plug-and-play half-quadratic splitting",
            reference="K. Zhang et al. (2021). Plug-and-Play Image Restoration with Deep Denoiser "
            "Prior. IEEE TPAMI. https://arxiv.org/abs/2008.13751",
        ),
        Component(
            "solver",
            "annealed-langevin",
            AnnealedLangevin,
            summary="posterior samples: annealed Langevin dynamics",
            reference="B. Kawar, G. Vaksman, M. Elad (2021). Stochastic Image Denoising by "
            "Sampling from the Posterior Distribution. https://arxiv.org/abs/2101.09552",
        ),
        Component(
            "solver",
            "restart",
            Restart,
            summary="posterior samples: reverse diffusion with restarts, no step size to choose",
        ),
    ]
