"""How exact are the samplers? On a Gaussian mixture, where the posterior is known in closed form.

    python benchmarks/exactness.py [--samples 400] [--measurements 6] [--seed 0] [--quick]

For each sampler and operator: the denoiser calls per sample in brackets, then the sliced
Wasserstein distance to the exact posterior over the one between two sets of exact samples, raw /
whitened by the posterior's covariance. 1.0 can't be told from exact. The noise of a number is
about 0.1 for 200 samples of 6 measurements each.
"""

from __future__ import annotations

import argparse
import math

import torch

import invprob as ip
from invprob.diagnostics.laboratory import smooth_mixture
from invprob.diagnostics.wasserstein import exactness

SIDE = 8


def likelihoods(seed: int) -> dict[str, ip.Gaussian]:
    """Five measurements of images of 8x8 pixels."""
    mask = torch.zeros(SIDE**2, dtype=torch.bool)
    mask[torch.randperm(SIDE**2, generator=ip.generator(seed, 1))[: SIDE**2 // 8]] = True
    return {
        "denoise, sigma 1": ip.Gaussian(sigma=1.0),
        "inpaint 1/8, .3": ip.Gaussian(sigma=0.3, operator=ip.Mask(mask.reshape(SIDE, SIDE))),
        "blur, .5": ip.Gaussian(sigma=0.5, operator=ip.CircularBlur.named("gaussian1")),
        "SR x4, .1": ip.Gaussian(sigma=0.1, operator=ip.Downsample(4)),
        "CS 1/8, .3": ip.Gaussian(
            sigma=0.3, operator=ip.Hadamard(SIDE, keep=0.125, scramble=True)
        ),
    }


def samplers(quick: bool) -> list[ip.Restart | ip.AnnealedLangevin | ip.DDRM]:
    """What is compared."""
    chosen: list[ip.Restart | ip.AnnealedLangevin | ip.DDRM] = [
        *(ip.Restart(calls=calls) for calls in (20, 52, 104)),
        *(ip.Restart(calls=calls, kappa=0) for calls in (20, 52)),
        ip.DDRM(),
        ip.AnnealedLangevin(),
    ]
    if not quick:
        published = {"levels": 200, "repeats": 5, "step_size": 0.1, "reuse_noise": False}
        chosen.append(ip.AnnealedLangevin(**published))
    return chosen


def measure(prior, noise, options):
    """Simulated measurements, in float32, and the exact posterior of each."""
    draw = ip.generator(options.seed, 2)
    x = prior.sample((options.measurements, 1, SIDE, SIDE), draw)
    y = noise.sample(x, draw)
    return y.float(), [prior.posterior(noise, row[None]) for row in y]


def ratios(prior, noise, measured, solver, options) -> str:
    """A cell of the table."""
    y, posteriors = measured
    result = ip.solve(
        ip.Problem(prior, noise, y), solver, samples=options.samples, seed=options.seed
    )
    samples = list(result.samples.transpose(0, 1).double())
    raw, whitened = (
        exactness(samples, posteriors, ip.generator(options.seed, 3), whitened=flag)
        for flag in (False, True)
    )
    return f"[{result.steps}] {raw:.2f} / {whitened:.2f}"


def modes(weights) -> float:
    """The exponential of the entropy: how many equal weights would be as undecided."""
    return math.exp(-float((weights * weights.log()).sum()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--measurements", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="leave out the longest run")
    options = parser.parse_args()
    prior, noises = smooth_mixture(SIDE, seed=options.seed), likelihoods(options.seed)
    measured = {name: measure(prior, noise, options) for name, noise in noises.items()}
    for name, (_, posteriors) in measured.items():
        counts = [modes(posterior.weights) for posterior in posteriors]
        print(f"{name}: {min(counts):.1f} to {max(counts):.1f} effective modes in the posterior")
    print(f"\n| sampler | {' | '.join(noises)} |")
    print("|---" * (len(noises) + 1) + "|")
    for solver in samplers(options.quick):
        cells = [
            ratios(prior, noise, measured[name], solver, options) for name, noise in noises.items()
        ]
        print(f"| `{solver!r}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
