"""What is a denoiser for gray worth to photographs in colour?

    python benchmarks/luminance.py --images FOLDER [--count 24] [--size 256] [--scale 0.5]

Centre crops of a folder's photographs, made smaller by a factor, with noise of several levels. For
each the share of `invprob/networks/luminance.py` that makes the error least, of crops weighed as
PSNR does; the share of the squared error that is in the mean of the channels; and the PSNR in dB
of the denoiser without a network for gray, with the usual share, and with all of it. The embedded
network for colour has learned colours at the cost of luminance, 0.07 dB of it (see the model
card), so a network that had to do without would be better than the one without here.
"""

from __future__ import annotations

import torch
from scales import asked_for, quality
from torch import Tensor

import invprob as ip
from invprob.networks.luminance import QUIETER, luminance

LEVELS = (0.01, 0.02, 0.04, 0.0588, 0.098, 0.196, 0.4, 1.0)


def best_share(x: Tensor, alone: Tensor, gray: Tensor) -> float:
    """That of least error, each image counting as PSNR counts it."""
    weight = (x - alone).square().mean((1, 2, 3), keepdim=True).reciprocal()
    told = gray - luminance(alone)
    return float((weight * told * luminance(x - alone)).sum() / (weight * told.square()).sum())


def main() -> None:
    """Print the table."""
    x = asked_for(__doc__)
    if x.shape[1] == 1:
        raise SystemExit("skipped: gray photographs are their own luminance; leave out --gray")
    prior, without = (ip.DenoiserPrior.pretrained(luminance=told) for told in (True, False))
    print("| sigma | share | of the error | without, dB | with | all of it |")
    print("|---|---|---|---|---|---|")
    for sigma in LEVELS:
        y = x + sigma * torch.randn(x.shape, generator=ip.generator(0))
        alone, gray = without.denoise(y, sigma), prior.denoise(luminance(y), sigma * QUIETER)
        light = float(luminance(x - alone).square().mean() / (x - alone).square().mean())
        whole = alone + gray - luminance(alone)
        cells = [f"{quality(found, x):.2f}" for found in (alone, prior.denoise(y, sigma), whole)]
        share = best_share(x, alone, gray)
        print(f"| {sigma:g} | {share:.2f} | {light:.2f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
