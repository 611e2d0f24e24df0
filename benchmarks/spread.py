"""Is the spread of samples of photographs honest? `Restart` and a network.

    python benchmarks/spread.py [--photos 1,5,8,11,14] [--size 64] [--gray] [--samples 6]
                                [--calls 20,50,100] [--s-noise 1] [--particles 1]
    python benchmarks/spread.py --stack digits.npy --weights digits.safetensors

Centre crops of photographs of Kodak24 under Gaussian noise and the embedded network, or the first
few of other images, 8-bit `(N, H, H)` in a file, and a network for them; samples of each. The mean
PSNR in dB of the samples' mean and of one sample; *error / spread*, the root mean square error of
the mean over what the samples' deviation promises (1 if it is honest, more if they are too
narrow); how many pixels lie between their samples, over the share that do so if samples are exact;
and the continuous ranked probability score times 1000, which is less for better samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from crops import KODAK, centres
from noisy_samples import row
from torch import Tensor

import invprob as ip

FIRST = 12
"""So many images of a stack."""


def tasks(size: int) -> dict[str, ip.Gaussian]:
    """The measurements."""
    blur, wide = (ip.CircularBlur.named(name) for name in ("uniform5", "gaussian1.5"))
    return {
        "5x5 uniform blur, noise .02": ip.Gaussian(0.02, operator=blur),
        "5x5 uniform blur, noise .13": ip.Gaussian(0.13, operator=blur),
        "Gaussian blur of 1.5, noise .05": ip.Gaussian(0.05, operator=wide),
        "four-fold super-resolution, noise .02": ip.Gaussian(0.02, operator=ip.Downsample(4)),
        "a fifth of the pixels, noise .05": ip.Gaussian(
            0.05, operator=ip.Mask.random((size, size), keep=0.2, seed=0)
        ),
    }


def images_of(options: argparse.Namespace) -> Tensor | None:
    """The images that are to be found again, `(N, C, H, W)`; None if there are none."""
    if options.stack:
        return torch.from_numpy(np.load(options.stack)[:FIRST, None]).float() / 255
    x = centres(options.images, 24, options.size)
    if x is None:
        return None
    x = x[[int(number) - 1 for number in options.photos.split(",")]]
    return x.mean(1, keepdim=True) if options.gray else x


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=KODAK)
    parser.add_argument("--photos", default="1,5,8,11,14", help="numbers of photographs, from 1")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--gray", action="store_true")
    parser.add_argument("--stack", type=Path, help="an NPY file of other images")
    parser.add_argument("--weights", type=Path, help="of another network")
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--calls", default="20,50,100")
    parser.add_argument("--s-noise", type=float, help="by default that of Restart")
    parser.add_argument("--particles", type=int, help="by default those of Restart")
    options = parser.parse_args()
    x = images_of(options)
    if x is None:
        parser.exit(0, f"skipped: no photographs in {options.images}\n")
    prior = ip.DenoiserPrior.pretrained()
    if options.weights:
        prior = ip.DenoiserPrior.load(options.weights)
    print("| | calls | mean, dB | one, dB | error / spread | covered | CRPS |\n|---|" + "---|" * 6)
    for name, noise in tasks(x.shape[-1]).items():
        problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(0)))
        for calls in map(int, options.calls.split(",")):
            solver = ip.Restart(calls, s_noise=options.s_noise, particles=options.particles)
            found = ip.solve(problem, solver, samples=options.samples, progress=False).samples
            score = f"{1e3 * ip.crps(found, x):.2f}"
            print(f"| {name} | {calls} | {row(found, x)} | {score} |", flush=True)


if __name__ == "__main__":
    main()
