"""Denoising that has never seen a clean image: photon counts of cells, learned from counts alone.

Sixty noisy images are all there is. A network learns the gradient of their log-density, and the
score equation turns it into the posterior mean. (Clean images are used here to simulate the
counts, and to say at the end how well it went.)
"""

import torch
from torch import Tensor

import invprob as ip
from invprob.networks.coordinates import measure
from invprob.networks.score import Architecture
from invprob.training.noisy import Pair, store_noisy
from invprob.training.run import Run
from invprob.training.score import Recipe, ScoreMatching

SIDE, PEAK = 96, 25.0


def cells(count: int, generator: torch.Generator) -> Tensor:
    """Bright discs with soft edges on a dark ground, `(count, 1, SIDE, SIDE)`."""
    images = torch.full((count, 1, SIDE, SIDE), 0.08)
    axis = torch.arange(SIDE, dtype=torch.float32)
    for image in images:
        for _ in range(12):
            row, column, radius, light = torch.rand(4, generator=generator).tolist()
            down, across = axis[:, None] - SIDE * row, axis - SIDE * column
            distance = (down.square() + across.square()).sqrt() - (5 + 7 * radius)
            image[0] += (0.3 + 0.5 * light) * torch.sigmoid(-distance)
    return images.clamp(max=1)


def main() -> None:
    """Learn from sixty noisy images, and denoise another one."""
    generator = ip.generator(0)
    noise = ip.Poisson(peak=PEAK)
    counts = noise.sample(cells(60, generator), generator)

    coordinates = measure(noise)  # in which the noise has one level
    images = store_noisy([Pair(y, None) for y in counts], coordinates)
    network = Architecture(1, coordinates, widths=(16, 24, 32), before=(1, 1, 1), after=(1, 1))
    recipe = Recipe(steps=300, batch=8, patch=48, rate=0.01, adam_rate=0.005)
    run = Run(ScoreMatching(recipe, network, images))
    while run.used < 1:
        loss = run.advance()
        if run.step % 100 == 0:
            print(f"step {run.step}: loss {loss:.3f}")

    prior = ip.MeasuredPrior.of_counts(run.averaged.requires_grad_(False), peak=PEAK)
    clean = cells(1, generator)
    y = noise.sample(clean, generator)
    x = ip.solve(ip.Problem(prior, noise, y), ip.ScoreEquation()).x
    ip.write_image("unsupervised.png", torch.cat([clean, y, x], 3))
    print(f"counts:  {ip.psnr(y, clean).item():.1f} dB")
    print(f"denoised: {ip.psnr(x, clean).item():.1f} dB")


if __name__ == "__main__":
    main()
