"""How exact are samples under noise that is not Gaussian? Against quadrature, where that can be.

    python benchmarks/pixelwise_noise.py [--samples 400] [--measurements 3] [--output FILE]

Two pixels, and the posterior on a grid. Two priors: six modes that are narrower than the noise and
closer to each other than it is wide, and four that are far apart, of which the noise tells little.
The sliced Wasserstein distance of `Restart` to exact samples over that between two sets of exact
samples: 1.0 can't be told from exact. In two dimensions the distance sees little else than the
weights of the modes, and the noise of a number is about 0.2.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from attrs import frozen
from torch import Generator, Tensor

import invprob as ip
from invprob.contracts import HasLikelihood
from invprob.diagnostics.wasserstein import exactness

CALLS = (20, 50, 100, 200)
BLUR = ip.CircularBlur(torch.tensor([[0.7, 0.3]]))
NOISES: dict[str, HasLikelihood] = {
    "Poisson(peak=20)": ip.Poisson(peak=20),
    "Gamma(alpha=10)": ip.Gamma(alpha=10),
    "Rayleigh(scale=0.3)": ip.Rayleigh(scale=0.3),
    "SignalDependent(a=0.2, b=0.05)": ip.SignalDependent(a=0.2, b=0.05),
    "Poisson(peak=20), read noise 0.05": ip.poisson_gaussian(peak=20, sigma=0.05),
    "Poisson(peak=20) of a blurred image": ip.Observed(ip.Poisson(peak=20), BLUR),
    "Gamma(alpha=10) of a blurred image": ip.Observed(ip.Gamma(alpha=10), BLUR),
    "Gaussian(0.15) of a blurred image": ip.Gaussian(sigma=0.15, operator=BLUR),
}


def overlapping_modes(seed: int) -> ip.GaussianMixturePrior:
    """Six modes in two pixels."""
    draw = ip.generator(seed)
    means = 0.55 + 0.16 * torch.randn(6, 1, 1, 2, generator=draw, dtype=torch.float64)
    skew = 0.5 * torch.randn(6, 2, 2, generator=draw, dtype=torch.float64)
    covariances = 0.07**2 * (torch.eye(2, dtype=torch.float64) + 0.5 * skew @ skew.mT)
    weights = 0.5 + torch.rand(6, generator=draw, dtype=torch.float64)
    return ip.GaussianMixturePrior(weights, means.clamp(0.25, 0.9), covariances)


def distant_modes(seed: int) -> ip.GaussianMixturePrior:
    """Four modes in two pixels, each of them dark or bright; no seed changes them."""
    level = torch.tensor([0.25, 0.7], dtype=torch.float64)
    covariances = 0.06**2 * torch.eye(2, dtype=torch.float64).expand(4, 2, 2)
    means = torch.cartesian_prod(level, level).view(4, 1, 1, 2)
    return ip.GaussianMixturePrior(torch.ones(4, dtype=torch.float64), means, covariances)


PRIORS = {"overlapping": overlapping_modes, "distant": distant_modes}


@frozen(eq=False)
class Quadrature:
    """The posterior of two pixels: cells of a grid, and their probabilities."""

    x: Tensor
    probability: Tensor
    width: float

    @classmethod
    def of(cls, prior: ip.GaussianMixturePrior, noise: HasLikelihood, y: Tensor) -> Quadrature:
        """For one measurement `(1, 1, 2)`."""
        line = torch.linspace(0.003, 1.5, 500, dtype=torch.float64)
        x = torch.cartesian_prod(line, line).reshape(-1, 1, 1, 2)
        log_p = prior.log_prob(x) + noise.log_prob(y.expand(len(x), 1, 1, 2), x)
        return cls(x, log_p.softmax(0), float(line[1] - line[0]))

    def sample(self, shape: tuple[int, ...], generator: Generator, /) -> Tensor:
        """Points drawn evenly from the cells."""
        cells = torch.multinomial(self.probability, shape[0], True, generator=generator)
        within = torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5
        return self.x[cells] + self.width * within

    def covariance(self) -> Tensor:
        """Over the two pixels."""
        points = self.x.flatten(1)
        points = points - self.probability @ points
        return (points * self.probability[:, None]).mT @ points


def table(options: argparse.Namespace, character: str) -> Iterator[str]:
    """Line by line."""
    prior = PRIORS[character](options.seed)
    yield f"| noise, {character} modes, by calls | " + " | ".join(map(str, CALLS)) + " |"
    yield "|---|" + "---|" * len(CALLS)
    for name, noise in NOISES.items():
        draw = ip.generator(options.seed, 1)
        x = prior.sample((options.measurements, 1, 1, 2), draw)
        problem = ip.Problem(prior, noise, noise.sample(x, draw))
        exact = [Quadrature.of(prior, noise, y[None]) for y in problem.y]
        cells = []
        for calls in CALLS:
            solver = ip.Restart(calls=calls)
            result = ip.solve(problem, solver, samples=options.samples, seed=options.seed)
            rows = [result.samples[:, b] for b in range(options.measurements)]
            cells.append(f"{exactness(rows, exact, ip.generator(options.seed, 2)):.2f}")
        yield f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table, and keep it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--measurements", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="a file for what is printed")
    options = parser.parse_args()
    lines = []
    for character in PRIORS:
        for line in (*table(options, character), ""):
            print(line, flush=True)
            lines.append(line)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
