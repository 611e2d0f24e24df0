"""How exact are the samplers? On a Gaussian mixture, where the posterior is known in closed form.

For each method, its denoiser calls per sample and, for each operator, the sliced Wasserstein
distance to the exact posterior over the one between two sets of exact samples, raw / whitened by
the posterior's covariance: 1.0 can't be told from exact. Several measurements, many samples of
each.

    python benchmarks/exactness.py [--samples 400] [--measurements 6] [--seed 0] [--quick]
"""

from __future__ import annotations

import argparse
import math
import time

import torch

import invprob as ip
from invprob.diagnostics.laboratory import smooth_mixture
from invprob.diagnostics.wasserstein import exactness
from invprob.operators import kernels


def likelihoods(seed: int) -> dict[str, ip.Gaussian]:
    mask = torch.zeros(64, dtype=torch.bool)
    mask[torch.randperm(64, generator=ip.generator(seed, 1))[:8]] = True
    return {
        "denoise": ip.Gaussian(sigma=1.0),
        "inpaint": ip.Gaussian(sigma=0.3, operator=ip.Mask(mask.reshape(8, 8))),
        "blur": ip.Gaussian(sigma=0.5, operator=ip.CircularBlur(kernels.gaussian(1.0))),
    }


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--samples", type=int, default=400)
    options.add_argument("--measurements", type=int, default=6)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--quick", action="store_true", help="leave out the longest runs")
    chosen = options.parse_args()
    solvers = [*(ip.Restart(calls=calls) for calls in (20,32))]
    solvers += [ip.AnnealedLangevin(repeats=n) for n in (1, 2, 3)]
    if not chosen.quick:
        solvers += [ip.AnnealedLangevin(levels=200, repeats=5, step_size=0.1, reuse_noise=False)]
    prior = smooth_mixture(seed=chosen.seed)
    noises = likelihoods(chosen.seed)
    measured = {name: measure(prior, noise, chosen) for name, noise in noises.items()}
    for name, (_, posteriors) in measured.items():
        modes = sorted(effective(posterior.weights) for posterior in posteriors)
        print(f"{name}: {modes[0]:.1f} to {modes[-1]:.1f} effective modes in the posterior")
    print(f"| {'method':<55} | " + " | ".join(f"{name:<22}" for name in noises) + " |")
    print("|-" + "-" * 55 + "-|" + ("-" * 24 + "|") * len(noises))
    for solver in solvers:
        cells = []
        for name, noise in noises.items():
            y, posteriors = measured[name]
            problem = ip.Problem(prior, noise, y)
            begin = time.perf_counter()
            result = ip.solve(
                problem, solver, samples=chosen.samples, seed=chosen.seed, progress=False
            )
            seconds = time.perf_counter() - begin
            samples = list(result.samples.transpose(0, 1).double())
            raw, whitened = (
                exactness(samples, posteriors, ip.generator(chosen.seed, 3), whitened=flag)
                for flag in (False, True)
            )
            cells.append(f"[{result.steps}] {raw:.2f} / {whitened:.2f}, {seconds:.0f} s")
        print(f"| {solver!r:<55} | " + " | ".join(f"{cell:<22}" for cell in cells) + " |")


def measure(prior, noise, chosen):
    """Simulated measurements, in float32, and the exact posterior of each."""
    draw = ip.generator(chosen.seed, 2)
    x = prior.sample((chosen.measurements, 1, 8, 8), draw)
    y = noise.sample(x, draw)
    return y.float(), [prior.posterior(noise, y[i : i + 1]) for i in range(len(y))]


def effective(weights):
    """The exponential of the entropy: how many equal weights would be as undecided."""
    return math.exp(-float((weights * weights.log()).sum()))


if __name__ == "__main__":
    main()
