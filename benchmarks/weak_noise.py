"""How wide are posterior samples where the noise is weak? On a Gaussian of correlated pixels.

    python benchmarks/weak_noise.py [--smooth] [--calls 20,50,100,300] [--samples 256]

Images of 8 x 8 pixels, sd 0.2, whose correlation falls by a factor e in two pixels; a quarter of
them seen, blurred by 5 x 5 pixels, averaged over 2 x 2, or 20 random projections; noise from 0.001
to 0.05. What was not measured varies a hundred times as much as what was then, and a sampler has a
long way down. With --smooth the correlation falls as a Gaussian does and details have an sd of
0.01: what was not measured follows from what was, the better the less noisy that is. The numbers
are the samples' total variance over the posterior's, for each of the four measurements; 1 is
right, and the noise of a number is 0.03, twice as much if images are smooth.
"""

from __future__ import annotations

import argparse

import torch

import invprob as ip

SIDE, SD, DETAIL, LENGTH = 8, 0.2, 0.01, 2.0
SHAPE = (SIDE, SIDE)
OPERATORS = {
    "inpaint": ip.Mask.random(SHAPE, keep=0.25, seed=1),
    "blur": ip.CircularBlur.named("uniform5"),
    "sr": ip.Downsample(2),
    "cs": ip.Dense(torch.randn(20, SIDE**2, generator=ip.generator(0)) / SIDE, (1, *SHAPE)),
}
SOLVERS = {
    "Restart": ip.Restart,
    "Restart, population 16": lambda calls: ip.Restart(calls=calls, population=16),
    "Restart, guided": lambda calls: ip.Restart(calls=calls, guided=True),
    "Restart, no particles": lambda calls: ip.Restart(calls=calls, particles=1),
    "AnnealedLangevin": lambda calls: ip.AnnealedLangevin(levels=max((calls - 1) // 3, 3)),
    "DDRM": ip.DDRM,
}


def prior(smooth: bool) -> ip.GaussianMixturePrior:
    """One Gaussian, whose posterior is known."""
    place = torch.cartesian_prod(*[torch.arange(SIDE, dtype=torch.float64)] * 2)
    distance = torch.cdist(place, place) / LENGTH
    covariance = SD**2 * (-(distance.square() / 2 if smooth else distance)).exp()
    if smooth:
        covariance += DETAIL**2 * torch.eye(SIDE**2, dtype=torch.float64)
    return ip.GaussianMixturePrior(
        torch.ones(1, dtype=torch.float64),
        torch.full((1, 1, *SHAPE), 0.5, dtype=torch.float64),
        covariance,
    )


def width(
    images: ip.GaussianMixturePrior, task: str, sigma: float, solver: ip.AnySolver, samples: int
) -> float:
    """The total variance of samples over that of the posterior."""
    noise = ip.Gaussian(sigma=sigma, operator=OPERATORS[task])
    y = noise.sample(images.sample((1, 1, *SHAPE), ip.generator(3)), ip.generator(0))
    problem = ip.Problem(images, noise, y)
    found = ip.solve(problem, solver, samples=samples, seed=0, progress=False).samples
    exact = images.posterior(noise, y).covariance().trace()
    return float(found.flatten(1).var(0).sum() / exact)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="20,50,100,300")
    parser.add_argument("--sigmas", default="0.001,0.005,0.02,0.05")
    parser.add_argument("--samples", type=int, default=256, help="a multiple of 16")
    parser.add_argument("--smooth", action="store_true", help="a smooth covariance")
    options = parser.parse_args()
    images = prior(options.smooth)
    sigmas = [float(part) for part in options.sigmas.split(",")]
    print("| sampler | calls | " + " | ".join(f"sigma {sigma}" for sigma in sigmas) + " |")
    print("|---|---|" + "---|" * len(sigmas))
    for name, make in SOLVERS.items():
        for calls in map(int, options.calls.split(",")):
            cells = (
                " / ".join(
                    f"{width(images, task, sigma, make(calls), options.samples):.2f}"
                    for task in OPERATORS
                )
                for sigma in sigmas
            )
            print(f"| {name} | {calls} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
