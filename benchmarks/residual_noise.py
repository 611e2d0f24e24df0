"""Is what stochastic denoising takes away noise? And how much worse is a sample than the mean?

    python benchmarks/residual_noise.py [--images FILE ...] [--size 256] [--solver restart]

For noise of 0.1, 0.2, 0.4 and 0.6: the residual y - x of one posterior sample (its deviation over
sigma, its largest correlation with a neighbour, the p-value of normality), what white noise would
stay below, and the squared error of samples over that of the denoiser's one-call estimate, which
is 2 for an exact sampler and an exact denoiser. By default on the photo that comes with invprob.
"""

from __future__ import annotations

import argparse

import torch

import invprob as ip


def row(prior, sampler, x, sigma: float, seed: int) -> str:
    """A line of the table."""
    noise = ip.Gaussian(sigma=sigma)
    y = noise.sample(x, ip.generator(seed))
    samples = ip.solve(ip.Problem(prior, noise, y), sampler, samples=2, seed=seed).samples
    (report,) = ip.residual_report(y - samples[0], sigma)
    with torch.no_grad():
        mean = prior.denoise(y, y.new_tensor(sigma))
    ratio = float((samples - x).square().mean() / (mean - x).square().mean())
    return (
        f"| {sigma} | {report.deviation:.3f} | {report.correlation:.4f} (< {report.chance:.4f}) "
        f"| {report.p_value:.2g} | {ratio:.2f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", nargs="*", default=[])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--solver", default="restart")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    prior = ip.DenoiserPrior.pretrained()
    sampler = ip.catalogue().get("solver", options.solver).example()
    photos = {name: ip.read_image(name) for name in options.images}
    for name, photo in (photos or {"the photo": ip.sample_photo()}).items():
        top, left = (max(0, (n - options.size) // 2) for n in photo.shape[-2:])
        x = photo[..., top : top + options.size, left : left + options.size]
        print(f"\n{name}, {tuple(x.shape)}, {sampler!r}\n")
        print("| sigma | deviation / sigma | neighbours | normal, p | error ratio |")
        print("|---|---|---|---|---|")
        for sigma in (0.1, 0.2, 0.4, 0.6):
            print(row(prior, sampler, x, sigma, options.seed), flush=True)


if __name__ == "__main__":
    main()
