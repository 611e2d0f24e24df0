"""Are posterior samples right? Compare them with exact ones, where the posterior is known.

Under a mixture of Gaussians and a linear-Gaussian measurement the posterior is again a mixture of
Gaussians. Here images have two pixels, so it can be drawn; the measurement is their sum, which
leaves four of the five modes possible, one less likely than another.
"""

import torch
from matplotlib.figure import Figure

import invprob as ip

SAMPLES = 500


def main() -> None:
    """Draw both, and say by how much means and spreads differ."""
    angles = 2 * torch.pi * torch.arange(5) / 5 + 0.4
    means = 0.5 + 0.35 * torch.stack([angles.cos(), angles.sin()], dim=1)
    prior = ip.GaussianMixturePrior(torch.ones(5), means, 0.003 * torch.eye(2).repeat(5, 1, 1))
    noise = ip.Gaussian(sigma=0.15, operator=ip.Dense(torch.ones(1, 2), image_shape=(2,)))
    y = torch.tensor([[1.15]])
    exact = prior.posterior(noise, y).sample((SAMPLES, 2), ip.generator(0))
    problem = ip.Problem(prior, noise, y)
    runs = {"exact posterior": exact}
    for solver in (ip.Restart(calls=40), ip.AnnealedLangevin()):
        name = f"{type(solver).__name__}, {solver.steps(problem)} calls"
        runs[name] = ip.solve(problem, solver, samples=SAMPLES).samples[:, 0]
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    for axes, (name, x) in zip(figure.subplots(1, 3), runs.items(), strict=True):
        axes.plot(*prior.sample((SAMPLES, 2), ip.generator(1)).T, ".", color="0.85", ms=2)
        axes.plot(*x.T, ".", ms=2)
        axes.set(title=name, xlim=(-0.1, 1.1), ylim=(-0.1, 1.1), aspect="equal")
        mean, spread = (", ".join(f"{v:.3f}" for v in row) for row in (x.mean(0), x.std(0)))
        print(f"{name:27s} mean {mean}   spread {spread}")
    figure.savefig("exact-posterior.png", dpi=150)


if __name__ == "__main__":
    main()
