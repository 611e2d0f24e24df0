"""Edges, lines and stripes, drawn: how much of the noise in them does the embedded denoiser leave?

    python benchmarks/drawn_shapes.py [--count 4] [--data DIR] [--weights FILE]

Photographs are mostly texture, and what a denoiser makes of long straight edges and of stripes
hardly shows in the PSNR of one. So these are drawn alone, 192 x 192 pixels, in gray: half-planes
over one another; rectangles; discs; thin lines; text; stripes all over; and, to compare with,
random texture with a spectrum like that of photographs. FFDNet is beside it if its weights are in
DIR (or INVPROB_DATA), as for `denoiser_quality.py`. The last column is by how much the squared
error is larger than FFDNet's. The training paints shapes over some patches
(`invprob/training/shapes.py`); none of these is drawn by its code.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from denoiser_quality import MODERATE, ffdnet
from PIL import Image, ImageDraw, ImageFont
from torch import Generator, Tensor

import invprob as ip

SIDE = 192
ALPHABET = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJ 0123456789 .,"
EDGE = 0.6
"""How wide an edge is, in pixels."""


class Drawing:
    """An image that is drawn over, and where its numbers come from."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.rows = torch.arange(SIDE).view(-1, 1) - SIDE / 2
        self.columns = torch.arange(SIDE) - SIDE / 2
        self.image = torch.full((1, SIDE, SIDE), self.uniform(0.2, 0.8))

    def uniform(self, low: float, high: float) -> float:
        """A number."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def across(self) -> Tensor:
        """How far pixels are from a line in any direction."""
        angle = self.uniform(0, math.tau)
        return self.columns * math.cos(angle) + self.rows * math.sin(angle) - self.uniform(-70, 70)

    def cover(self, inside: Tensor) -> None:
        """One more shade, where this is positive."""
        mask = (inside / EDGE + 0.5).clamp(0, 1)
        self.image = self.image + mask * (self.uniform(0.05, 0.95) - self.image)


def half_planes(drawing: Drawing) -> None:
    """Four of them."""
    for _ in range(4):
        drawing.cover(drawing.across())


def discs(drawing: Drawing) -> None:
    """Thirty, of radius 4 to 60."""
    for _ in range(30):
        radius = math.exp(drawing.uniform(math.log(4), math.log(60)))
        rows, columns = (drawing.uniform(-SIDE / 2, SIDE / 2) for _ in range(2))
        away = (drawing.rows - rows).square() + (drawing.columns - columns).square()
        drawing.cover(radius - away.sqrt())


def thin_lines(drawing: Drawing) -> None:
    """Twelve, 1.4 to 5 pixels wide."""
    for _ in range(12):
        drawing.cover(drawing.uniform(0.7, 2.5) - drawing.across().abs())


def rectangles(drawing: Drawing) -> None:
    """Twenty, upright, with sides of 8 to 100."""
    for _ in range(20):
        row, column = (drawing.uniform(-SIDE / 2, SIDE / 2) for _ in range(2))
        high, wide = (math.exp(drawing.uniform(math.log(4), math.log(50))) for _ in range(2))
        down, across = high - (drawing.rows - row).abs(), wide - (drawing.columns - column).abs()
        drawing.cover(torch.minimum(down, across))


def text(drawing: Drawing) -> None:
    """Letters, dark on light."""
    page = Image.new("L", (SIDE, SIDE), 220)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for row in range(0, SIDE, 14):
        letters = [ALPHABET[int(drawing.uniform(0, len(ALPHABET)))] for _ in range(40)]
        pen.text((2, row), "".join(letters), fill=30, font=font)
    drawing.image = torch.from_numpy(np.array(page)).float()[None] / 255


def texture(drawing: Drawing) -> None:
    """Normal, with a spectrum of 1 / f^1.2."""
    across, down = torch.fft.rfftfreq(SIDE), torch.fft.fftfreq(SIDE).view(-1, 1)
    gains = ((across.square() + down.square()).sqrt() + 0.01).pow(-1.2)
    white = torch.randn(1, SIDE, SIDE, generator=drawing.generator)
    grain = torch.fft.irfft2(torch.fft.rfft2(white) * gains, s=(SIDE, SIDE))
    drawing.image = (0.5 + 0.16 * grain / grain.std()).clamp(0, 1)


def stripes(drawing: Drawing) -> None:
    """A wave of 3 to 9 pixels."""
    waves = drawing.across() * math.tau / drawing.uniform(3, 9)
    drawing.image = 0.5 + drawing.uniform(0.1, 0.4) * waves.sin()[None]


KINDS: tuple[Callable[[Drawing], None], ...] = (
    half_planes,
    rectangles,
    discs,
    thin_lines,
    text,
    stripes,
    texture,
)


@torch.no_grad()
def error(prior: ip.DenoiserPrior, x: Tensor, sigma: float) -> float:
    """The mean squared error."""
    y = ip.Gaussian(sigma=sigma).sample(x, ip.generator(1))
    return float((prior.denoise(y, sigma).clamp(0, 1) - x).square().mean())


def in_db(squared: float) -> str:
    """As PSNR."""
    return f"{-10 * math.log10(squared):.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=4, help="drawings of each kind")
    parser.add_argument("--data", type=Path, default=os.environ.get("INVPROB_DATA"))
    parser.add_argument("--weights", type=Path, help="others, used as that for gray is")
    given = parser.parse_args()
    prior = ip.DenoiserPrior.pretrained()
    if given.weights is not None:
        prior = ip.DenoiserPrior.load(given.weights, turns=True, multiscale=True)
    folder = Path(given.data or "") / "reference"
    other = None
    if (folder / "ffdnet_gray.safetensors").exists():
        other = ip.DenoiserPrior(ffdnet(folder))
    else:
        print(f"FFDNet skipped: its weights are not in {folder}")
    head = ["drawn", "noise", "noisy", "invprob", *(["FFDNet", "error more"] if other else [])]
    print(f"| {' | '.join(head)} |")
    print("|---" * len(head) + "|")
    for kind in KINDS:
        generator = ip.generator(0)
        drawings = [Drawing(generator) for _ in range(given.count)]
        for drawing in drawings:
            kind(drawing)
        x = torch.stack([drawing.image for drawing in drawings])
        for sigma in MODERATE:
            ours = error(prior, x, sigma)
            row = [kind.__name__.replace("_", " "), f"{sigma * 255:.0f}/255", in_db(sigma**2)]
            row.append(in_db(ours))
            if other is not None:
                theirs = error(other, x, sigma)
                row += [in_db(theirs), f"{ours / theirs - 1:+.0%}"]
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
