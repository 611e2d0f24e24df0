"""What people know by another name than it has here."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

OTHER_NAMES = {
    "Denoiser": "DenoiserPrior",
    "DPIR": "PnP",
    "FISTA": "ProximalGradient",
    "Glow": "FlowPrior",
    "GMM": "GaussianMixturePrior",
    "HQS": "PnP",
    "Inpainting": "Mask",
    "ISTA": "ProximalGradient",
    "Langevin": "AnnealedLangevin",
    "MRI": "Fourier",
    "PGD": "ProximalGradient",
    "PoissonGaussian": "poisson_gaussian",
    "REDSD": "RED",
    "SNIPS": "AnnealedLangevin",
    "Speckle": "Gamma",
    "SuperResolution": "Downsample",
}


def no_such_name(name: str, names: Sequence[str], /) -> str:
    """What to say of a name that the package does not have.

    Args:
        name: what was asked for.
        names: what there is.

    >>> no_such_name("SNIPS", ["PnP", "AnnealedLangevin"])
    "invprob has no 'SNIPS'; it is AnnealedLangevin here"
    >>> no_such_name("Gausian", ["Gaussian", "Gamma"])
    "invprob has no 'Gausian'; did you mean Gaussian?"
    """
    known = {other.lower(): own for other, own in OTHER_NAMES.items()}
    if own := known.get(name.lower()):
        return f"invprob has no {name!r}; it is {own} here"
    if own := {each.lower(): each for each in names}.get(name.lower()):
        return f"invprob has no {name!r}; did you mean {own}?"
    near = get_close_matches(name, names, 1)
    return f"invprob has no {name!r}" + (f"; did you mean {near[0]}?" if near else "")
