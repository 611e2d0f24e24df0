"""How good is a flow of digits, as a density and as a prior?

    python benchmarks/flow_quality.py --images test.npy [--weights FILE] [--restore N]

`test.npy` holds digits that it was not trained on, 8-bit, `(N, 28, 28)`; for MNIST's,

    numpy.save("test.npy", numpy.load("mnist.npz")["x_test"])

Printed are bits per dimension at the flow's levels of gray (dequantised with uniform noise, an
upper bound on what storing a pixel takes), the largest error of decode(encode(x)) in single
precision, mean log-densities of digits and of what is none, and the PSNR of N digits with noise,
restored by MAP with this prior, and by PnP with the embedded denoiser of photographs beside it:
all pixels at three noise levels, and a random half of them at one. Without `--weights` it is the
embedded flow.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Generator, Tensor

from invprob.drive import solve
from invprob.likelihoods.gaussian import Gaussian
from invprob.networks.stored_glow import DIGITS, load_glow
from invprob.operators.mask import Mask
from invprob.priors.denoiser import DenoiserPrior
from invprob.priors.flow import FlowPrior
from invprob.problem import Problem
from invprob.solvers.map import MAP
from invprob.solvers.pnp import PnP
from invprob.training.flow import validate
from invprob.training.images import load_images

SIGMAS = (0.1, 0.25, 0.5)
BETAS = (1.0, 2.0, 4.0)
HALF = 0.1


def noise(x: Tensor, seed: int) -> Tensor:
    """Standard normal, in x's shape."""
    return torch.randn(x.shape, generator=Generator().manual_seed(seed))


def density(weights: Path, x: Tensor) -> None:
    """The flow as a density."""
    flow, prior = load_glow(weights), FlowPrior.load(weights)
    size = sum(parameter.numel() for parameter in flow.parameters())
    print(f"{flow.architecture}: {size} parameters, {weights.stat().st_size} bytes")
    with torch.no_grad():
        print(f"{validate(flow, x):.4f} bits/dim on {len(x)} digits")
        some = x[:1000]
        error = float((prior.decode(prior.encode(some)[0]) - some).abs().max())
        print(f"{error:.1e} largest error of decode(encode(x)), float32, {len(some)} digits")
        uniform = torch.rand(some.shape, generator=Generator().manual_seed(0))
        drawn = prior.sample(some.shape, Generator().manual_seed(0))
        for name, images in {
            "digits": some,
            "samples": drawn,
            "samples, clipped": drawn.clamp(0, 1),
            "digits + 0.1 n": some + 0.1 * noise(some, 0),
            "digits upside down": some.flip(2),
            "digits, black on white": 1 - some,
            "nothing": torch.zeros_like(some),
            "white noise": uniform,
        }.items():
            print(f"{float(prior.log_prob(images).mean()):12.0f} nats  {name}")


def restoration(weights: Path, x: Tensor) -> None:
    """The flow as a prior."""
    flow, photos = FlowPrior.load(weights), DenoiserPrior.pretrained()
    print("\nsigma   noisy  " + "".join(f"MAP({b:g})  " for b in BETAS) + "PnP, photographs")
    for sigma in SIGMAS:
        y = x + sigma * noise(x, 1)
        likelihood = Gaussian(sigma=sigma)
        found = [solve(Problem(flow, likelihood, y), MAP(beta=beta)).x for beta in BETAS]
        found.append(solve(Problem(photos, likelihood, y), PnP()).x)
        row = "  ".join(f"{psnr(estimate, x):6.2f}" for estimate in [y, *found])
        print(f"{sigma:5.2f}  {row}", flush=True)
    mask = Mask.random((x.shape[2], x.shape[3]), keep=0.5)
    likelihood = Gaussian(sigma=HALF, operator=mask)
    y = likelihood.sample(x, Generator().manual_seed(1))
    found = [
        solve(Problem(prior, likelihood, y), solver).x
        for prior, solver in [(flow, MAP()), (photos, PnP())]
    ]
    row = ", ".join(f"{psnr(estimate, x):.2f}" for estimate in [y, *found])
    print(f"half of the pixels, sigma {HALF}: measurement, MAP(1), PnP: {row}")


def psnr(estimate: Tensor, x: Tensor) -> float:
    """The mean over images, in dB, of estimates clipped to [0, 1]."""
    error = (estimate.clamp(0, 1) - x).square().mean((1, 2, 3))
    return float(-10 * error.log10().mean())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=DIGITS)
    parser.add_argument("--restore", type=int, default=20)
    given = parser.parse_args()
    x = load_images([given.images]).centres(10**9)
    density(given.weights, x)
    if given.restore:
        restoration(given.weights, x[: given.restore])


if __name__ == "__main__":
    main()
