"""How exact are samples under noise that is not Gaussian? Against quadrature, where that can be.

    python benchmarks/pixelwise_noise.py [--samples 400] [--measurements 3] [--split 60]
                                         [--calibration 60 [--calls 50]] [--only NAME]
                                         [--output FILE]

Two pixels, and the posterior on a grid. Two priors: six modes that are narrower than the noise and
closer to each other than it is wide, and four that are far apart, of which the noise tells little.
The sliced Wasserstein distance of `Restart` to exact samples over that between two sets of exact
samples: 1.0 can't be told from exact. In two dimensions the distance sees little else than the
weights of the modes, and the noise of a number is about 0.2. `--split` adds `SplitGibbs`, with so
many samples; its draws are made row by row, so that two pixels take as long as a hundred.

`--calibration` prints instead, for so many measurements of images that the first prior drew, how
often 90 % intervals of 19 samples hold the truth / the dispersion of its ranks, 1 if the spread is
right and more if samples are too narrow.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import torch
from attrs import frozen
from torch import Generator, Tensor

import invprob as ip
from invprob.compatibility import accepts
from invprob.contracts import AnySolver, HasLikelihood
from invprob.diagnostics.wasserstein import exactness

CALLS = (20, 50, 100, 200)
SPLIT_CALLS = (20, 50, 100)
RANKED = 19
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


def chosen(options: argparse.Namespace) -> list[tuple[str, HasLikelihood]]:
    """The noises that were asked for."""
    return [(name, noise) for name, noise in NOISES.items() if options.only in name]


def columns(options: argparse.Namespace) -> dict[str, tuple[AnySolver, int]]:
    """Samplers, and of how many samples."""
    found: dict[str, tuple[AnySolver, int]] = {
        str(calls): (ip.Restart(calls=calls), options.samples) for calls in CALLS
    }
    for calls in SPLIT_CALLS if options.split else ():
        found[f"SplitGibbs, {calls}"] = ip.SplitGibbs(calls=calls), options.split
    return found


def table(options: argparse.Namespace, character: str) -> Iterator[str]:
    """Line by line."""
    prior, samplers = PRIORS[character](options.seed), columns(options)
    yield f"| noise, {character} modes, by calls | " + " | ".join(samplers) + " |"
    yield "|---|" + "---|" * len(samplers)
    for name, noise in chosen(options):
        draw = ip.generator(options.seed, 1)
        x = prior.sample((options.measurements, 1, 1, 2), draw)
        problem = ip.Problem(prior, noise, noise.sample(x, draw))
        exact = [Quadrature.of(prior, noise, y[None]) for y in problem.y]
        cells = []
        for solver, samples in samplers.values():
            if not accepts(solver, prior=prior, likelihood=noise):
                cells.append("–")
                continue
            result = ip.solve(problem, solver, samples=samples, seed=options.seed)
            rows = [result.samples[:, b] for b in range(options.measurements)]
            cells.append(f"{exactness(rows, exact, ip.generator(options.seed, 2)):.2f}")
        yield f"| {name} | " + " | ".join(cells) + " |"


def calibrations(options: argparse.Namespace) -> Iterator[str]:
    """Line by line: 90 % intervals, and the dispersion of the ranks."""
    samplers: dict[str, AnySolver] = {
        f"Restart, no particles, {options.calls}": ip.Restart(calls=options.calls, particles=1),
        f"SplitGibbs, {options.calls}": ip.SplitGibbs(calls=options.calls),
    }
    prior = overlapping_modes(options.seed)
    yield "| noise | " + " | ".join(samplers) + " |"
    yield "|---|" + "---|" * len(samplers)
    for name, noise in chosen(options):
        cells = []
        for solver in samplers.values():
            if not accepts(solver, prior=prior, likelihood=noise):
                cells.append("–")
                continue
            check = ip.calibrate(
                prior,
                noise,
                solver,
                images=options.calibration,
                samples=RANKED,
                numbers=2,
                seed=options.seed,
            )
            nominal, covered = check.coverage()
            nearest = int((nominal - 0.9).abs().argmin())
            cells.append(f"{100 * float(covered[nearest]):.0f} % / {check.dispersion:.2f}")
        yield f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table, and keep it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--measurements", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", type=int, default=0, help="samples of SplitGibbs")
    parser.add_argument("--calibration", type=int, default=0, help="measurements for the ranks")
    parser.add_argument("--calls", type=int, default=50, help="of the samplers that are ranked")
    parser.add_argument("--only", default="", help="noises with this in their names")
    parser.add_argument("--output", type=Path, help="a file for what is printed")
    options = parser.parse_args()
    lines = []
    tables = [table(options, character) for character in PRIORS]
    for part in [calibrations(options)] if options.calibration else tables:
        for line in chain(part, [""]):
            print(line, flush=True)
            lines.append(line)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
