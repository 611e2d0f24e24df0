"""Priors, by name."""

from __future__ import annotations

from pathlib import Path

import torch

from ..catalogue import Component
from ..errors import InputError
from ..networks.generator import Architecture as GeneratorArchitecture
from ..networks.generator import PosteriorGenerator
from ..networks.glow import Architecture, Glow
from ..networks.stored_denoiser import Precision
from ..networks.tiles import Tile
from ..priors.denoiser import DenoiserPrior
from ..priors.flow import FlowPrior
from ..priors.gaussian import GaussianPrior
from ..priors.gaussian_mixture import GaussianMixturePrior
from ..priors.generator import GeneratorPrior
from ..priors.measured import MeasuredPrior

OHAYON = (
    "G. Ohayon, T. Adrai, G. Vaksman, M. Elad, P. Milanfar (2021). High Perceptual Quality Image "
    "Denoising with a Posterior Sampling CGAN. ICCV Workshops. https://arxiv.org/abs/2103.04192"
)


def _gaussian() -> GaussianPrior:
    return GaussianPrior(mean=torch.full((1, 8, 8), 0.5), sd=0.2)


def _gaussian_mixture() -> GaussianMixturePrior:
    grey = torch.full((1, 8, 8), 0.5)
    means = torch.stack([0.5 * grey, 1.5 * grey])
    return GaussianMixturePrior(torch.ones(2), means, 0.01 * torch.eye(64).repeat(2, 1, 1))


def _towards_grey(y: torch.Tensor) -> torch.Tensor:
    """The score of measurements that are normal around grey."""
    return (0.5 - y) / 0.25**2


def _denoiser(
    file: Path | None = None,
    precision: Precision = "auto",
    tile: Tile = "auto",
    turns: bool | None = None,
    views: int = 1,
    multiscale: bool | None = None,
    luminance: bool | None = None,
) -> DenoiserPrior:
    if file is None:
        return DenoiserPrior.pretrained(
            precision,
            tile,
            turns is not False,
            views,
            multiscale is not False,
            luminance is not False,
        )
    if luminance is not None:
        raise InputError(
            "luminance=... is of the embedded networks, one for colour and one for gray; a file"
            " has one network: leave it out"
        )
    return DenoiserPrior.load(file, precision, tile, bool(turns), views, bool(multiscale))


def _flow() -> FlowPrior:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FlowPrior(Glow(Architecture((1, 8, 8), (2,), 8)))


def _flow_from_text(file: Path | None = None) -> FlowPrior:
    return FlowPrior.pretrained("digits") if file is None else FlowPrior.load(file)


def _generator() -> GeneratorPrior:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = PosteriorGenerator(GeneratorArchitecture(1, (8, 8), 1))
    return GeneratorPrior(network.eval().requires_grad_(False))


def priors() -> list[Component]:
    """The built-in priors."""
    return [
        Component(
            "prior",
            "denoiser",
            DenoiserPrior.pretrained,
            from_text=_denoiser,
            summary="photographs, by the embedded denoising network, or one of your own training",
        ),
        Component(
            "prior",
            "gaussian",
            GaussianPrior,
            example=_gaussian,
            summary="a Gaussian; everything in closed form",
        ),
        Component(
            "prior",
            "gaussian-mixture",
            GaussianMixturePrior,
            example=_gaussian_mixture,
            summary="a mixture of Gaussians; everything in closed form",
        ),
        Component(
            "prior",
            "flow",
            FlowPrior,
            example=_flow,
            from_text=_flow_from_text,
            summary="a density by a normalizing flow (Glow): of digits, or of your own training",
            reference="D. P. Kingma, P. Dhariwal (2018). Glow: Generative Flow with Invertible "
            "1x1 Convolutions. NeurIPS. https://arxiv.org/abs/1807.03039",
        ),
        Component(
            "prior",
            "measured",
            MeasuredPrior,
            example=lambda: MeasuredPrior(_towards_grey),
            from_text=MeasuredPrior.load,
            summary="the score of noisy images, learned from noisy images alone",
            reference="Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with "
            "Score Function. NeurIPS. https://arxiv.org/abs/2304.08384",
        ),
        Component(
            "prior",
            "generator",
            GeneratorPrior,
            example=_generator,
            from_text=GeneratorPrior.load,
            summary="images behind measurements of one likelihood, by a trained generator",
            reference=OHAYON,
        ),
    ]
