"""Is the spread of samples of photographs honest? `Restart` and the embedded network.

    python benchmarks/spread.py [--photos 1,5,8,11,14] [--size 64] [--samples 6]
                                [--calls 20,50,100] [--s-noise 1]

Centre crops of photographs of Kodak24, in colour, under Gaussian noise; samples of each. The mean
PSNR in dB of the samples' mean and of one sample; *error / spread*, the root mean square error of
the mean over what the samples' deviation promises (1 if it is honest, more if they are too
narrow); how many pixels lie between their samples, over the share that do so if samples are exact;
and the continuous ranked probability score times 1000, which is less for better samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from crops import KODAK, centres
from noisy_samples import row

import invprob as ip


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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=KODAK)
    parser.add_argument("--photos", default="1,5,8,11,14", help="numbers of photographs, from 1")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--calls", default="20,50,100")
    parser.add_argument("--s-noise", type=float, help="by default that of Restart")
    options = parser.parse_args()
    x = centres(options.images, 24, options.size)
    if x is None:
        parser.exit(0, f"skipped: no photographs in {options.images}\n")
    x = x[[int(number) - 1 for number in options.photos.split(",")]]
    prior = ip.DenoiserPrior.pretrained()
    print("| | calls | mean, dB | one, dB | error / spread | covered | CRPS |\n|---|" + "---|" * 6)
    for name, noise in tasks(options.size).items():
        problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(0)))
        for calls in map(int, options.calls.split(",")):
            solver = ip.Restart(calls, s_noise=options.s_noise)
            found = ip.solve(problem, solver, samples=options.samples, progress=False).samples
            score = f"{1e3 * ip.crps(found, x):.2f}"
            print(f"| {name} | {calls} | {row(found, x)} | {score} |", flush=True)


if __name__ == "__main__":
    main()
