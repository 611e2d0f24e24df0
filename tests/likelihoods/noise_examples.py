"""The noise models that the tests of this folder run over, and images for them."""

import math

import torch
from torch import Tensor

import invprob as ip

SHAPE = (1, 6, 7)
A = ip.CorrelationFilter()
BLUR = ip.CircularBlur(torch.tensor([[0.1, 0.6], [0.1, 0.2]]))  # neither symmetric nor singular

PIXELWISE = {
    "gamma": ip.Gamma(alpha=26),
    "gamma, 3 looks": ip.Gamma(alpha=3),
    "poisson": ip.Poisson(peak=51),
    "poisson, dim": ip.Poisson(peak=4),
    "rayleigh": ip.Rayleigh(scale=0.3),
    "rayleigh, wide": ip.Rayleigh(scale=2),
    "rayleigh, not convex": ip.Rayleigh(scale=8),
    "signal-dependent": ip.SignalDependent(a=0.098, b=25 / 255),
    "signal-dependent, steep": ip.SignalDependent(a=0.6, b=0.03),
}
MIXED = {
    f"{name} + gaussian": ip.Mixture(noise, sigma=10 / 255, exact=True)
    for name, noise in PIXELWISE.items()
}
CORRELATED = {
    f"{name}, filtered": ip.Correlated(noise, BLUR)
    for name, noise in PIXELWISE.items()
    if "," not in name
}
COLOURED = {
    "coloured gaussian": ip.ColouredGaussian(sigma=0.1, A=BLUR),
    "coloured signal-dependent": ip.ColouredSignalDependent(a=0.098, b=0.1, A=BLUR),
}
NOISES = {
    "gaussian": ip.Gaussian(sigma=0.1),
    "masked gaussian": ip.Gaussian(sigma=0.1, operator=ip.Mask.random(SHAPE, 0.6, seed=1)),
    "blurred gaussian": ip.Gaussian(sigma=0.1, operator=BLUR),
    **PIXELWISE,
    **MIXED,
    **CORRELATED,
    **COLOURED,
}


def image(seed: int = 0, rows: int = 3, darkest: float = 0.05) -> Tensor:
    u = torch.rand(rows, *SHAPE, generator=ip.generator(seed), dtype=torch.float64)
    return darkest + (1 - darkest) * u


def measure(noise: ip.contracts.Likelihood, x: Tensor, seed: int = 1) -> Tensor:
    return noise.sample(x, ip.generator(seed))


def moments(noise: object, x: float) -> tuple[float, float]:
    """Mean and variance of one pixel of brightness x."""
    match noise:
        case ip.Mixture():
            mean, variance = moments(noise.noise, x)
            return mean, variance + noise.sigma**2
        case ip.Gamma():
            return x, x**2 / noise.alpha
        case ip.Poisson():
            return x, x / noise.peak
        case ip.Rayleigh():
            return x * (1 + noise.scale * math.sqrt(math.pi / 2)), (x * noise.scale) ** 2 * (
                2 - math.pi / 2
            )
        case ip.SignalDependent():
            return x, (noise.a * x + noise.b) ** 2
    raise AssertionError(noise)
