"""Solvers, by name."""

from __future__ import annotations

from ..catalogue import Component
from ..solvers.admm import ADMM
from ..solvers.annealed_langevin import AnnealedLangevin
from ..solvers.ddrm import DDRM
from ..solvers.kadkhodaie_simoncelli import KadkhodaieSimoncelli
from ..solvers.map import MAP
from ..solvers.pnp import PnP
from ..solvers.prior_sampling import PriorSampling
from ..solvers.proximal_gradient import ProximalGradient
from ..solvers.pscgan import PSCGAN
from ..solvers.red import RED, REDFixedPoint
from ..solvers.red_admm import REDADMM
from ..solvers.restarts.restart import Restart
from ..solvers.score_equation import ScoreEquation
from ..solvers.split_gibbs import SplitGibbs
from ..solvers.vst import VST
from ..solvers.vst_sampling import VSTSampling
from .priors import OHAYON

ROMANO = (
    "Y. Romano, M. Elad, P. Milanfar (2017). The Little Engine That Could: Regularization by "
    "Denoising (RED). SIAM J. Imaging Sciences. https://arxiv.org/abs/1611.02862"
)
STABILISED = (
    "M. Mäkitalo, A. Foi (2013). Optimal Inversion of the Generalized Anscombe Transformation for "
    "Poisson-Gaussian Noise. IEEE TIP 22. https://doi.org/10.1109/TIP.2012.2202675"
)


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
            "vst",
            VST,
            summary="one estimate in one call, by a variance-stabilising transform",
            reference=STABILISED,
        ),
        Component(
            "solver",
            "admm",
            ADMM,
            summary="one estimate: plug-and-play ADMM",
            reference="S. Venkatakrishnan, C. Bouman, B. Wohlberg (2013). Plug-and-Play Priors "
            "for Model Based Reconstruction. GlobalSIP. "
            "https://doi.org/10.1109/GlobalSIP.2013.6737048",
        ),
        Component(
            "solver",
            "proximal-gradient",
            ProximalGradient,
            summary="one estimate: plug-and-play FISTA; a gradient of the likelihood is enough",
            reference="U. Kamilov, H. Mansour, B. Wohlberg (2017). A Plug-and-Play Priors "
            "Approach for Solving Nonlinear Imaging Inverse Problems. IEEE SPL. "
            "https://doi.org/10.1109/LSP.2017.2763583",
        ),
        Component(
            "solver",
            "red",
            RED,
            summary="one estimate: regularization by denoising, steepest descent",
            reference=ROMANO,
        ),
        Component(
            "solver",
            "red-fixed-point",
            REDFixedPoint,
            summary="one estimate: regularization by denoising, fixed point",
            reference=ROMANO,
        ),
        Component(
            "solver",
            "red-admm",
            REDADMM,
            summary="one estimate: regularization by denoising, ADMM",
            reference=ROMANO,
        ),
        Component(
            "solver",
            "map",
            MAP,
            summary="the most probable image, by gradient ascent",
            reference="L. Helminger et al. (2020). Blind Image Restoration with Flow Based "
            "Priors. https://arxiv.org/abs/2009.04583",
        ),
        Component(
            "solver",
            "score-equation",
            ScoreEquation,
            summary="unsupervised denoising from the score of noisy images",
            reference="Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with "
            "Score Function. NeurIPS. https://arxiv.org/abs/2304.08384",
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
            "snips",
            AnnealedLangevin,
            summary="annealed-langevin by the name it has for operators other than masks",
            reference="B. Kawar, G. Vaksman, M. Elad (2021). SNIPS: Solving Noisy Inverse "
            "Problems Stochastically. NeurIPS. https://arxiv.org/abs/2105.14951",
        ),
        Component(
            "solver",
            "restart",
            Restart,
            summary="posterior samples: reverse diffusion with restarts, no step size to choose",
            reference="Y. Xu et al. (2023). Restart Sampling for Improving Generative Processes. "
            "NeurIPS. https://arxiv.org/abs/2306.14878",
        ),
        Component(
            "solver",
            "vst-sampling",
            VSTSampling,
            summary="posterior samples in few calls, by a variance-stabilising transform",
            reference=STABILISED,
        ),
        Component(
            "solver",
            "split-gibbs",
            SplitGibbs,
            summary="posterior samples for any operator: denoise, draw from the likelihood",
            reference="M. Vono, N. Dobigeon, P. Chainais (2019). Split-and-Augmented Gibbs "
            "Sampler: Application to Large-Scale Inference Problems. IEEE TSP. "
            "https://arxiv.org/abs/1804.05809",
        ),
        Component(
            "solver",
            "ddrm",
            DDRM,
            summary="good images in 20 calls, any linear measurement",
            reference="B. Kawar, M. Elad, S. Ermon, J. Song (2022). Denoising Diffusion "
            "Restoration Models. NeurIPS. https://arxiv.org/abs/2201.11793",
        ),
        Component(
            "solver",
            "kadkhodaie-simoncelli",
            KadkhodaieSimoncelli,
            summary="samples under noise-free linear constraints",
            reference="Z. Kadkhodaie, E. Simoncelli (2021). Stochastic Solutions for Linear "
            "Inverse Problems using the Prior Implicit in a Denoiser. NeurIPS. "
            "https://arxiv.org/abs/2007.13640",
        ),
        Component(
            "solver",
            "prior-sampling",
            PriorSampling,
            summary="images from the prior alone (synthesis)",
            reference="Y. Song et al. (2021). Score-Based Generative Modeling through Stochastic "
            "Differential Equations. ICLR. https://arxiv.org/abs/2011.13456",
        ),
        Component(
            "solver",
            "pscgan",
            PSCGAN,
            summary="posterior samples with one call each, by a generator trained for it",
            reference=OHAYON,
        ),
    ]
