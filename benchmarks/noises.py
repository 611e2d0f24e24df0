"""Photographs under noise of every kind: PSNR and brightness of every solver, as it is.

    python benchmarks/noises.py [--count 4] [--size 96] [--gray] [--keep 0.5]
                                [--noises "Gamma;Poisson"] [--solvers "PnP;VST"]

Default settings, centre crops of Kodak24, the embedded network. A cell is the mean PSNR in dB of
clipped images and, behind the slash, how bright the restoration is against the photograph, in
percent: noise that is skewed makes some methods too dark. *Biased* is `unbiased=False`; *both* is
the mean of the images by `PnP` and `VST`. With `--keep` only that share of the pixels is measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from crops import KODAK, centres
from torch import Tensor

import invprob as ip
from invprob.compatibility import missing
from invprob.contracts import AnySolver, Likelihood

SOLVERS: dict[str, AnySolver] = {
    "PnP": ip.PnP(),
    "VST": ip.VST(),
    "ADMM": ip.ADMM(),
    "FISTA": ip.ProximalGradient(),
    "RED": ip.RED(),
    "RED fixed point": ip.REDFixedPoint(),
    "RED ADMM": ip.REDADMM(),
    "PnP, biased": ip.PnP(unbiased=False),
}
BOTH, PARTS = "both", ("PnP", "VST")


def noises(size: int) -> dict[str, Likelihood]:
    """Noise models by the name of their row."""
    blur = ip.CircularBlur.named("uniform5")
    mask = ip.Mask.random((size, size), keep=0.5, seed=0)
    return {
        "Gaussian .05": ip.Gaussian(0.05),
        "Gaussian .1": ip.Gaussian(0.1),
        "Gaussian .2": ip.Gaussian(0.2),
        "Gaussian .6": ip.Gaussian(0.6),
        "Poisson 2": ip.Poisson(2),
        "Poisson 3": ip.Poisson(3),
        "Poisson 10": ip.Poisson(10),
        "Poisson 30": ip.Poisson(30),
        "Poisson 200": ip.Poisson(200),
        "Gamma 1.5": ip.Gamma(1.5),
        "Gamma 4": ip.Gamma(4),
        "Gamma 10": ip.Gamma(10),
        "Gamma 20": ip.Gamma(20),
        "Gamma 26": ip.Gamma(26),
        "Rayleigh .1": ip.Rayleigh(0.1),
        "Rayleigh .3": ip.Rayleigh(0.3),
        "Rayleigh 1": ip.Rayleigh(1.0),
        "Signal-dependent .05, .02": ip.SignalDependent(0.05, 0.02),
        "Signal-dependent .3, .05": ip.SignalDependent(0.3, 0.05),
        "Signal-dependent .6, .03": ip.SignalDependent(0.6, 0.03),
        "Poisson 30, read noise .03": ip.poisson_gaussian(30, 0.03),
        "Gamma 10, read noise .05": ip.Mixture(ip.Gamma(10), 0.05),
        "Poisson 30, blurred": ip.Observed(ip.Poisson(30), blur),
        "Gamma 4, blurred": ip.Observed(ip.Gamma(4), blur),
        "Poisson 30, half the pixels": ip.Observed(ip.Poisson(30), mask),
    }


def behind_mask(models: dict[str, Likelihood], size: int, keep: float) -> dict[str, Likelihood]:
    """Those without an operator, where only a share of the pixels is measured."""
    mask = ip.Mask.random((size, size), keep=keep, seed=0)
    free = {name: noise for name, noise in models.items() if not isinstance(noise, ip.Observed)}
    return {
        name: ip.Gaussian(noise.sigma, operator=mask)
        if isinstance(noise, ip.Gaussian)
        else ip.Observed(noise, mask)
        for name, noise in free.items()
    }


def restored(problem: ip.Problem, chosen: list[str]) -> dict[str, Tensor]:
    """The images that solvers find, by name; without those that can't solve that."""
    images = {}
    for name, solver in SOLVERS.items():
        wanted = name in chosen or (BOTH in chosen and name in PARTS)
        if wanted and not missing(solver, likelihood=problem.likelihood):
            images[name] = ip.solve(problem, solver, progress=False).x
    if all(name in images for name in PARTS):
        images[BOTH] = torch.stack([images[name] for name in PARTS]).mean(0)
    return images


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=KODAK)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--gray", action="store_true")
    parser.add_argument("--keep", type=float, help="the share of the pixels that is measured")
    parser.add_argument("--noises", default="", help="beginnings of names, with ; between")
    parser.add_argument("--solvers", default="", help="names, with ; between; by default all")
    options = parser.parse_args()
    x = centres(options.images, options.count, options.size)
    if x is None:
        parser.exit(0, f"skipped: no photographs in {options.images}\n")
    x = x.mean(1, keepdim=True) if options.gray else x
    prior = ip.DenoiserPrior.pretrained()
    chosen = options.solvers.split(";") if options.solvers else [*SOLVERS, BOTH]
    if unknown := set(chosen) - {*SOLVERS, BOTH}:
        parser.error(f"--solvers: {', '.join(unknown)} is none of {', '.join([*SOLVERS, BOTH])}")
    print("| | " + " | ".join(chosen) + " |")
    print("|---|" + "---|" * len(chosen))
    models = noises(options.size)
    if options.keep:
        models = behind_mask(models, options.size, options.keep)
    for task in (
        name for begin in options.noises.split(";") for name in models if name.startswith(begin)
    ):
        noise = models[task]
        problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(0)))
        cells = []
        images = restored(problem, chosen)
        for name in chosen:
            found = images.get(name)
            if found is None:
                cells.append("–")
                continue
            quality = float(ip.psnr(found.clamp(0, 1), x).mean())
            cells.append(f"{quality:.2f} / {float(100 * found.mean() / x.mean()):.0f}")
        print(f"| {task} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
