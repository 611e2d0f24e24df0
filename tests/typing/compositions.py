"""What a type checker must accept and refuse; read by test_typing.py, never run.

A line that must be refused ends in a comment with `error:` and a part of mypy's message.
"""

import torch
from torch import Generator, Tensor

import invprob as ip


class OnlySamples:
    """A likelihood that can only be simulated."""

    def sample(self, x: Tensor, generator: Generator, /) -> Tensor:
        return x


class OnlyLogProb:
    """A prior that has a density and no denoiser."""

    def log_prob(self, x: Tensor, /) -> Tensor:
        return x.flatten(1).sum(1)


y = torch.zeros(1, 1, 8, 8)
prior = ip.GaussianPrior(mean=y[0], sd=0.2)
noise = ip.Gaussian(sigma=0.1)
density = OnlyLogProb()

ip.solve(ip.Problem(prior, noise, y), ip.PnP())
ip.solve(ip.Problem(prior, noise, y), ip.Restart(), samples=3)
ip.solve(ip.Problem(prior, noise, y), ip.AnnealedLangevin())
ip.solve(ip.Problem(prior, ip.Poisson(peak=30), y), ip.SplitGibbs())
ip.solve(ip.Problem(prior, ip.Poisson(peak=30), y), ip.Restart())
ip.solve(ip.Problem(prior, ip.Observed(ip.Gamma(26), ip.CorrelationFilter()), y), ip.Restart())
ip.solve(ip.Problem(prior, noise, y))
ip.solve(ip.Problem(density, OnlySamples(), y), samples=3)  # refused when it runs, not before
ip.solve(ip.Problem(ip.DenoiserPrior.pretrained(), noise, y), ip.PnP())
ip.solve(ip.Problem(ip.GeneratorPrior(lambda y, t, g: y), noise, y), ip.PSCGAN(), samples=3)

solvers: list[ip.AnySolver] = [ip.PnP(), ip.Restart(calls=20), ip.AnnealedLangevin()]
for solver in solvers:
    ip.solve(ip.Problem(prior, noise, y), solver)
by_name: dict[str, ip.AnySolver] = {"PnP": ip.PnP(), "Restart": ip.Restart()}
ip.solve(ip.Problem(prior, noise, y), by_name["PnP"])

ip.solve(ip.Problem(prior, noise, y), ip.PSCGAN())  # error: type parameter "P"
ip.solve(ip.Problem(prior, OnlySamples(), y), ip.PnP())  # error: type parameter "L"
ip.solve(ip.Problem(prior, OnlySamples(), y), ip.Restart())  # error: type parameter "L"
ip.solve(ip.Problem(prior, OnlySamples(), y), ip.SplitGibbs())  # error: type parameter "L"
ip.solve(ip.Problem(density, noise, y), ip.PnP())  # error: type parameter "P"
ip.solve(ip.Problem(density, noise, y), ip.AnnealedLangevin())  # error: type parameter "P"
ip.iterate(ip.Problem(density, noise, y), ip.Restart())  # error: type parameter "P"
ip.solve(prior, ip.PnP())  # error: Argument 1 to "solve"
ip.solve(ip.Problem(prior, ip.Poisson(peak=30), y), ip.DDRM())  # error: type parameter "L"
not_solvers: list[ip.AnySolver] = [noise]  # error: incompatible type
