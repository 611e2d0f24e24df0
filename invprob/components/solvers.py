"""Solvers, by name."""

from __future__ import annotations

from ..catalogue import Component
from ..solvers.annealed_langevin import AnnealedLangevin
from ..solvers.pnp import PnP
from ..solvers.restart import Restart


def solvers() -> list[Component]:
    """The built-in solvers."""
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
            reference="Y. Xu et al. (2023). Restart Sampling for Improving Generative Processes. "
            "NeurIPS. https://arxiv.org/abs/2306.14878",
        ),
    ]
