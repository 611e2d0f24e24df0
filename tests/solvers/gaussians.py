"""A correlated Gaussian prior and measurements of it, for which every answer is known."""

import torch
from torch import Tensor

import invprob as ip

F64 = torch.float64
SHAPE = (1, 6, 6)
PIXELS = 36
ROW, COLUMN = torch.arange(PIXELS) // 6, torch.arange(PIXELS) % 6
DISTANCE = (ROW[:, None] - ROW).square() + (COLUMN[:, None] - COLUMN).square()
COVARIANCE = 0.04 * (-DISTANCE.to(F64) / 8).exp() + 2e-3 * torch.eye(PIXELS, dtype=F64)

NOISES = {
    "denoising": ip.Gaussian(sigma=0.1),
    "little noise": ip.Gaussian(sigma=0.01),
    "much noise": ip.Gaussian(sigma=0.6),
    "inpainting": ip.Gaussian(sigma=0.1, operator=ip.Mask.random(SHAPE, keep=0.5, seed=1)),
    "deblurring": ip.Gaussian(sigma=0.03, operator=ip.CircularBlur(torch.ones(3, 3) / 9)),
    "a larger unit": ip.Gaussian(sigma=0.3, operator=ip.CircularBlur(torch.full((1, 1), 3.0))),
}


def gaussian(extra: float = 0.0) -> ip.GaussianPrior:
    """The prior, blurred by a noise level."""
    covariance = COVARIANCE + extra**2 * torch.eye(PIXELS, dtype=F64)
    return ip.GaussianPrior.from_covariance(torch.full(SHAPE, 0.5, dtype=F64), covariance)


def measured(noise: ip.Gaussian, rows: int = 2) -> ip.Problem:
    """A problem whose truth was drawn from the prior."""
    prior = gaussian()
    x = prior.sample((rows, *SHAPE), ip.generator(0))
    return ip.Problem(prior, noise, noise.sample(x, ip.generator(1)))


def exact(problem: ip.Problem, extra: float = 0.0) -> Tensor:
    """The posterior mean of each row under the prior blurred by `extra`."""
    rows = (problem.y[row : row + 1] for row in range(len(problem.y)))
    return torch.stack([gaussian(extra).posterior(problem.likelihood, y).mean for y in rows])


def rms(difference: Tensor) -> float:
    """Root mean square."""
    return float(difference.square().mean().sqrt())
