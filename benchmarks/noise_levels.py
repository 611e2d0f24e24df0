"""How well is the noise of a photograph found, from the noisy photograph alone?

    python benchmarks/noise_levels.py [--count 24] [--size 256] [--only gamma]

`estimate_noise`, as it is, on centre crops of Kodak24. For each noise: how often its law is the
one that is named; the median and the worst relative error of the first parameter of the true law,
over all photographs, whether it was named or not; how often the noise is called white. Where no
noise is found the error is 100 %. Photon counts are known by their numbers as well, so in the
rows that do not say "whole counts" these have a trace of other noise.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from attrs import frozen
from crops import KODAK, centres
from PIL import Image
from torch import Generator, Tensor

import invprob as ip
from invprob.contracts import Likelihood
from invprob.diagnostics.noise_estimate import NoiseEstimate


@frozen
class Smoothed:
    """White noise, averaged over 3 x 3 pixels, and three times as much of that: as strong."""

    sigma: float

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """A noisy image."""
        noise = ip.Gaussian(sigma=self.sigma).sample(0 * x, generator)
        return x + 3 * F.avg_pool2d(F.pad(noise, (1, 1, 1, 1), mode="circular"), 3, 1)


@frozen
class Traced:
    """A noise, and a trace of Gaussian noise that hides of what the numbers are multiples."""

    noise: Likelihood

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """A noisy image."""
        y = self.noise.sample(x, generator)
        return y + 1e-5 * torch.randn(y.shape, generator=generator)


@frozen
class Compressed:
    """White noise, and JPEG after it, with half of the resolution of the colours."""

    sigma: float
    quality: int

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """A noisy image, as its file has it."""
        y = ip.Gaussian(sigma=self.sigma).sample(x, generator)
        pixels = (255 * y[0].permute(1, 2, 0)).round().clamp(0, 255).byte().numpy()
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=self.quality, subsampling=2)
        values = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None]
        return values / 255


NOISES: dict[str, tuple[Any, float]] = {
    "gaussian, sigma 0.005": (ip.Gaussian(sigma=0.005), 0.005),
    "gaussian, sigma 0.02": (ip.Gaussian(sigma=0.02), 0.02),
    "gaussian, sigma 0.1": (ip.Gaussian(sigma=0.1), 0.1),
    "gaussian, sigma 0.4": (ip.Gaussian(sigma=0.4), 0.4),
    "poisson, peak 10": (Traced(ip.Poisson(peak=10)), 10),
    "poisson, peak 100": (Traced(ip.Poisson(peak=100)), 100),
    "poisson, peak 1000": (Traced(ip.Poisson(peak=1000)), 1000),
    "poisson, peak 100, whole counts": (ip.Poisson(peak=100), 100),
    "poisson, peak 1000, whole counts": (ip.Poisson(peak=1000), 1000),
    "poisson-gaussian, peak 200, sigma 0.03": (ip.Mixture(ip.Poisson(200), sigma=0.03), 200),
    "gamma, alpha 1": (ip.Gamma(1.0), 1),
    "gamma, alpha 4": (ip.Gamma(4.0), 4),
    "gamma, alpha 10": (ip.Gamma(10.0), 10),
    "signal-dependent, a 0.1, b 0.02": (ip.SignalDependent(a=0.1, b=0.02), 0.1),
    "gaussian, smoothed, sigma 0.1": (Smoothed(0.1), 0.1),
    "gaussian, sigma 0.1, JPEG 90": (Compressed(0.1, 90), 0.1),
    "gaussian, sigma 0.1, JPEG 75": (Compressed(0.1, 75), 0.1),
    "gaussian, sigma 0.04, JPEG 90": (Compressed(0.04, 90), 0.04),
}


def first(found: NoiseEstimate, name: str) -> float | None:
    """The first parameter of a law, if it was fitted."""
    for law in found.laws:
        if law.name == name:
            return float(law.text.partition("=")[2].partition(",")[0])
    return None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--only", default="", help="noises with this in their names")
    options = parser.parse_args()
    photos = centres(KODAK, options.count, options.size)
    if photos is None:
        raise SystemExit(f"no photographs in {KODAK}")
    print("| noise | law found | median error | worst | called white |\n|---|---|---|---|---|")
    for title, (noise, true) in NOISES.items():
        if options.only not in title:
            continue
        name = title.partition(",")[0]
        found = []
        for number, photo in enumerate(photos):
            with contextlib.suppress(ip.InputError):
                y = noise.sample(photo[None], ip.generator(0, number))
                found.append(ip.estimate_noise(y))
        values = [first(one, name) for one in found] + [None] * (len(photos) - len(found))
        errors = [1.0 if value is None else abs(value / true - 1) for value in values]
        right, white = (
            sum(one.best.name == name for one in found),
            sum(one.is_white for one in found),
        )
        print(
            f"| {title} | {right} of {len(photos)} | {statistics.median(errors):.1%} "
            f"| {max(errors):.1%} | {white} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
