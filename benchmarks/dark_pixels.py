"""A few dark pixels among bright ones, which noise of a brightness knows best: by quadrature.

    python benchmarks/dark_pixels.py [--calls 20,50,100] [--samples 200] [--side 24]

Pixels that are independent, with a Gaussian prior: the posterior is one of numbers. One in thirty
is dark, 0.01 to 0.05, all others are 0.7. For the dark ones and for as many others, the width of
the samples from their 5 % to their 95 % quantile over that of the posterior, geometric mean /
furthest from 1, and how far the median is off, in units of that width, mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from torch import Tensor

import invprob as ip
from invprob.contracts import HasLikelihood

MEAN, DEVIATION, BRIGHT = 0.5, 0.2, 0.7
SHARES = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
NOISES: dict[str, HasLikelihood] = {
    "Poisson(peak=1000)": ip.Poisson(peak=1000),
    "Poisson(peak=100)": ip.Poisson(peak=100),
    "Gamma(alpha=20)": ip.Gamma(alpha=20),
    "Rayleigh(scale=0.2)": ip.Rayleigh(scale=0.2),
    "SignalDependent(a=0.2, b=0.005)": ip.SignalDependent(a=0.2, b=0.005),
}


def quantiles(noise: HasLikelihood, y: Tensor) -> Tensor:
    """Of the posterior of each pixel, `(3, N)`."""
    x = torch.linspace(-0.1, 1.5, 80_001, dtype=torch.float64).view(-1, 1, 1, 1)
    prior = ((x - MEAN) / DEVIATION).square().flatten() / 2
    found = []
    for value in y:
        log_p = noise.log_prob(value.expand_as(x), x).nan_to_num(nan=-torch.inf) - prior
        found.append(x.flatten()[torch.searchsorted(log_p.softmax(0).cumsum(0), SHARES)])
    return torch.stack(found, 1)


def cell(samples: Tensor, exact: Tensor) -> str:
    """What is printed of some pixels' samples `(S, N)`."""
    found = samples.quantile(SHARES, 0)
    width = exact[2] - exact[0]
    ratio = ((found[2] - found[0]) / width).log()
    furthest = ratio[ratio.abs().argmax()].exp()
    off = ((found[1] - exact[1]).abs() / width).mean()
    return f"{ratio.mean().exp():.2f} / {furthest:.2f}, {off:.2f}"


def table(options: argparse.Namespace) -> Iterator[str]:
    """Line by line."""
    side, dark = options.side, options.side**2 // 30
    yield "| noise | calls | dark pixels: width, median off | bright ones |"
    yield "|---|---|---|---|"
    prior = ip.GaussianPrior(mean=torch.full((1, side, side), MEAN).double(), sd=DEVIATION)
    x = torch.full((1, 1, side, side), BRIGHT, dtype=torch.float64)
    x.view(-1)[:dark] = torch.linspace(0.01, 0.05, dark, dtype=torch.float64)
    for name, noise in NOISES.items():
        problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(0)))
        exact = quantiles(noise, problem.y.flatten()[: 2 * dark])
        for calls in map(int, options.calls.split(",")):
            solver = ip.Restart(calls=calls)
            result = ip.solve(problem, solver, samples=options.samples, progress=False)
            found = result.samples[:, 0].flatten(1)
            parts = [
                cell(found[:, part], exact[:, part])
                for part in (slice(dark), slice(dark, 2 * dark))
            ]
            yield f"| `{name}` | {calls} | {parts[0]} | {parts[1]} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="20,50,100")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--side", type=int, default=24)
    for line in table(parser.parse_args()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
