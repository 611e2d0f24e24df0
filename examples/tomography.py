"""An operator of one's own: parallel rays through an image, as in tomography.

The operator is a sparse matrix, each row a ray. Nothing else is known of it, no singular values:
an estimate and posterior samples ask for its products alone, and samples say what noisy rays in a
few directions leave open.
"""

import os

import numpy as np
import scipy.sparse
import torch

import invprob as ip
from invprob.plotting import Tile, panel

SIDE, ANGLES, RAYS = 64, 45, 91
"""The image's side, how many directions there are, and how many rays in each."""
CALLS = int(os.environ.get("STEPS", "8")) * 5
"""The denoiser's for each sample."""


def rays() -> scipy.sparse.csr_array:
    """The mean brightness that each ray meets, `(ANGLES * RAYS, SIDE²)`: pixels nearest to it."""
    along = np.arange(RAYS) - (RAYS - 1) / 2
    angle, across, place = np.meshgrid(
        np.arange(ANGLES) * np.pi / ANGLES, along, along, indexing="ij"
    )
    column = np.rint(across * np.cos(angle) - place * np.sin(angle) + (SIDE - 1) / 2).astype(int)
    row = np.rint(across * np.sin(angle) + place * np.cos(angle) + (SIDE - 1) / 2).astype(int)
    ray = np.broadcast_to(np.arange(ANGLES * RAYS).reshape(ANGLES, RAYS, 1), row.shape)
    inside = (row >= 0) & (row < SIDE) & (column >= 0) & (column < SIDE)
    pixel = (row * SIDE + column)[inside]
    weight = np.full(len(pixel), 1 / SIDE)
    return scipy.sparse.csr_array(
        (weight, (ray[inside], pixel)), shape=(ANGLES * RAYS, SIDE * SIDE)
    )


def main() -> None:
    """Reconstruct a slice from noisy rays, and ask how sure that is."""
    image = ip.sample_photo()[..., 70 : 70 + SIDE, 70 : 70 + SIDE].mean(1, keepdim=True)
    matrix = rays()
    operator = ip.from_scipy(matrix, (1, SIDE, SIDE))
    noise = ip.Gaussian(sigma=0.005, operator=operator)
    y = noise.sample(image, ip.generator(0))
    problem = ip.Problem(ip.DenoiserPrior.pretrained(), noise, y)

    smooth = noise.prox(y, torch.full_like(image, 0.5), torch.tensor(0.02))  # least squares
    estimate = ip.solve(problem, ip.PnP(iterations=24)).x
    result = ip.solve(problem, ip.SplitGibbs(CALLS), samples=3, progress=False)
    for name, x in (("least squares", smooth), ("PnP", estimate), ("mean of 3", result.mean)):
        print(f"{name + ':':14s} {ip.psnr(x, image).item():.1f} dB")
    print(result)

    sinogram = y.reshape(1, ANGLES, RAYS)
    panel(
        [
            [
                Tile(image[0], "the slice"),
                Tile(sinogram / sinogram.max(), "its rays"),
                Tile(smooth[0], "least squares"),
                Tile(estimate[0], "PnP"),
            ],
            [
                *(Tile(sample[0], f"sample {i}") for i, sample in enumerate(result.samples)),
                Tile(result.std[0], "standard deviation", spread=True),
            ],
        ]
    ).savefig("tomography.png")


if __name__ == "__main__":
    main()
