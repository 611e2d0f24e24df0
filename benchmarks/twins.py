"""Two answers that fit the data equally well: are they drawn equally often?

    python benchmarks/twins.py [--problems 6] [--samples 192] [--calls 100,300]

The prior is a list of 600 images of squares and discs, 16 x 16 pixels, all equally likely; its
exact denoiser is their mean, weighted by how well they explain the noisy image. The left half of
one of them is measured, with noise of 0.05, and another has the same left half. Printed: the total
variation distance of the samples, each taken for the nearest image, to the exact weights, mean
over the problems; and of the draws of either twin, how many were of the first, for each problem:
it should be half. Such a prior is hard: nothing leads from one image to another, and the second
twin's right half belongs to another shape.
"""

from __future__ import annotations

import argparse

import torch
from attrs import frozen
from torch import Tensor

import invprob as ip

SIDE, IMAGES, SIGMA = 16, 600, 0.05
SEEN = torch.arange(SIDE).expand(SIDE, SIDE) < SIDE // 2
NOISE = ip.Gaussian(SIGMA, operator=ip.Mask(SEEN))


@frozen(eq=False)
class Listed:
    """Images `(K, 1, H, W)`, one as likely as the other."""

    images: Tensor

    def denoise(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The posterior mean."""
        flat, listed = x.flatten(1), self.images.flatten(1)
        away = torch.cdist(flat, listed, compute_mode="donot_use_mm_for_euclid_dist").square()
        share = (-away / (2 * sigma.reshape(-1, 1).square())).softmax(1)
        return (share @ listed).view_as(x)


def shapes(seed: int) -> Tensor:
    """Squares and discs of any place, size and brightness, `(IMAGES, 1, SIDE, SIDE)`."""
    across, down = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="xy")
    left, top, size, inside, outside = torch.rand(5, IMAGES, 1, 1, generator=ip.generator(seed))
    dx, dy = across - 3 - 10 * left, down - 3 - 10 * top
    square = dx.abs().maximum(dy.abs())
    away = torch.where(torch.arange(IMAGES).view(-1, 1, 1) % 2 == 0, dx.hypot(dy), square)
    shade = torch.where(away < 2 + 4 * size, 0.2 + 0.6 * inside, 0.2 + 0.6 * outside)
    return shade[:, None]


def twins(seed: int) -> tuple[ip.Problem[Listed, ip.Gaussian], Tensor]:
    """The first image's left half, which the second one has as well; and all exact weights."""
    images = shapes(seed)
    images[1] = torch.where(SEEN, images[0], images[1])
    y = NOISE.sample(images[:1], ip.generator(seed, 1))
    exact = NOISE.log_prob(y.expand(IMAGES, *y.shape[1:]), images).softmax(0)
    return ip.Problem(Listed(images), NOISE, y), exact


def samplers(calls: int) -> dict[str, ip.AnySolver]:
    """What is compared."""
    return {
        "`Restart()`": ip.Restart(calls),
        "`Restart(population=16)`": ip.Restart(calls, population=16),
        "`Restart(particles=1)`": ip.Restart(calls, particles=1),
        "`Restart(particles=1, kappa=0, s_noise=1)`": ip.Restart(
            calls, particles=1, kappa=0.0, s_noise=1.0
        ),
        "`SplitGibbs()`": ip.SplitGibbs(calls),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=6)
    parser.add_argument("--samples", type=int, default=192, help="a multiple of 16")
    parser.add_argument("--calls", default="100,300")
    options = parser.parse_args()
    print("| | calls | total variation | share of the first twin |\n|---|---|---|---|")
    for calls in map(int, options.calls.split(",")):
        for name, solver in samplers(calls).items():
            far, shares = [], []
            for seed in range(options.problems):
                problem, exact = twins(seed)
                found = ip.solve(problem, solver, samples=options.samples, progress=False).samples
                near = torch.cdist(found.flatten(1), problem.prior.images.flatten(1)).argmin(1)
                drawn = torch.bincount(near, minlength=IMAGES).double() / len(near)
                far.append(float((drawn - exact).abs().sum()) / 2)
                shares.append(float(drawn[0] / drawn[:2].sum().clamp(min=1e-9)))
            told = ", ".join(f"{share:.2f}" for share in shares)
            print(f"| {name} | {calls} | {sum(far) / len(far):.2f} | {told} |", flush=True)


if __name__ == "__main__":
    main()
