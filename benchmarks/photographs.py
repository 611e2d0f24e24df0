"""Restart on a photograph with the embedded network: how many calls are enough?

    python benchmarks/photographs.py [--image FILE] [--size 96] [--calls 20,50,100,300]

No exact posterior is known here, so the reference is a run of 1000 calls. For inpainting with a
fifth of the pixels, deblurring and four-fold super-resolution, 8 samples each: PSNR of their mean
and of one sample, how far the mean is from the reference's (over the reference's spread), their
spread over the reference's, the misfit with the data (1) and, where there are chains, split R-hat.
"""

from __future__ import annotations

import argparse

import torch
from crops import centre
from torch import Tensor

import invprob as ip

SAMPLES = 8


def tasks(size: int) -> dict[str, ip.Gaussian]:
    """The measurements."""
    mask = ip.Mask.random((size, size), keep=0.2, seed=1)
    blur = ip.CircularBlur.named("uniform5")
    return {
        "inpaint 20 %, .05": ip.Gaussian(sigma=0.05, operator=mask),
        "deblur, .02": ip.Gaussian(sigma=0.02, operator=blur),
        "SR x4, .02": ip.Gaussian(sigma=0.02, operator=ip.Downsample(4)),
    }


def row(calls: int, result: ip.Result, reference: ip.Result, x: Tensor) -> str:
    """A line of the table."""
    mean, width = result.samples.mean(0), reference.samples.std(0).square().mean().sqrt()
    away = (mean - reference.samples.mean(0)).square().mean().sqrt() / width
    spread = result.samples.std(0).square().mean().sqrt() / width
    one = ip.psnr(result.samples[:, 0].clamp(0, 1), x).mean()
    mixing = "" if result.mixing is None else f"{float(torch.as_tensor(result.mixing).max()):.2f}"
    return (
        f"| {calls} | {ip.psnr(mean.clamp(0, 1), x).item():.2f} | {one:.2f} | {away:.2f} "
        f"| {spread:.2f} | {float(torch.as_tensor(result.misfit()).mean()):.2f} | {mixing} |"
    )


def main() -> None:
    """Print a table for each task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", help="by default the photo that comes with invprob")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--calls", default="20,50,100,300")
    parser.add_argument("--reference", type=int, default=1000)
    options = parser.parse_args()
    photo = ip.read_image(options.image) if options.image else ip.sample_photo()
    x = centre(photo, options.size)
    prior = ip.DenoiserPrior.pretrained()
    for task, noise in tasks(options.size).items():
        problem = ip.Problem(prior, noise, noise.sample(x, ip.generator(0)))
        best = ip.solve(problem, ip.PnP(iterations=24), progress=False).x
        print(f"\n{task}; PnP with 24 calls: {ip.psnr(best.clamp(0, 1), x).item():.2f} dB\n")
        print("| calls | mean of 8, dB | one, dB | mean off by | spread | misfit | R-hat |")
        print("|---|---|---|---|---|---|---|", flush=True)
        reference = ip.solve(
            problem, ip.Restart(calls=options.reference), samples=SAMPLES, seed=1, progress=False
        )
        for calls in map(int, options.calls.split(",")):
            found = ip.solve(
                problem, ip.Restart(calls=calls), samples=SAMPLES, seed=0, progress=False
            )
            print(row(calls, found, reference, x), flush=True)
        print(row(options.reference, reference, reference, x), flush=True)


if __name__ == "__main__":
    main()
