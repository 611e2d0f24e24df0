"""How much of a run is spent outside the denoiser?

    python benchmarks/driver_overhead.py [--size 256] [--threads 2] [--only SplitGibbs]

For each solver: wall time of `solve` over the time spent in `prior.denoise`, both of the same run,
on a 256x256 colour image with the shipped network. 1.00 would be no overhead at all; the target is
1.05. Also what `import invprob` costs beyond `import torch`, each in fresh processes, alternately.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

import torch
from attrs import define, field
from torch import Tensor

import invprob as ip
from invprob.compatibility import accepts


@define(eq=False)
class Timed:
    """A prior that counts the calls of another and the time they take."""

    prior: ip.DenoiserPrior
    calls: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """The other's answer."""
        begin = time.perf_counter()
        answer = self.prior.denoise(x, sigma)
        self.seconds += time.perf_counter() - begin
        self.calls += 1
        return answer

    def tone_free(self) -> bool:
        """As the other."""
        return self.prior.tone_free()

    def domain(self) -> ip.Domain:
        """The other's."""
        return self.prior.domain()


def overhead(solver, likelihood, y: Tensor, samples: int | None, repeats: int) -> str:
    """One line of the table."""
    ratios, calls = [], 0
    for _ in range(repeats + 1):
        prior = Timed(ip.DenoiserPrior.pretrained())
        problem = ip.Problem(prior, likelihood, y)
        begin = time.perf_counter()
        ip.solve(problem, solver, samples=samples)
        ratios.append((time.perf_counter() - begin) / prior.seconds)
        calls, each = prior.calls, prior.seconds / prior.calls
    ratio = statistics.median(ratios[1:])
    return f"{calls:6d} {1000 * each:10.1f} {ratio:9.3f}"


def import_cost(repeats: int = 5) -> None:
    """What `import invprob` costs, alone and up to the first names, beyond torch."""
    lines = {
        "import torch": "import torch",
        "import torch, invprob": "import torch, invprob",
        "... and use of solve, Problem, Gaussian, PnP": (
            "import torch, invprob as ip; ip.solve, ip.Problem, ip.Gaussian, ip.PnP"
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(repeats):
        for name, source in lines.items():
            code = (
                f"import time; t = time.perf_counter()\n{source}\nprint(time.perf_counter() - t)"
            )
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            seconds[name].append(float(done.stdout))
    base = statistics.median(seconds["import torch"])
    print("\nimport time, seconds (median of", repeats, "processes), and beyond torch")
    for name, times in seconds.items():
        print(
            f"  {name:46s} {statistics.median(times):6.3f} {statistics.median(times) - base:+7.3f}"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="solvers whose name begins with this")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    photo = ip.sample_photo()[..., : options.size, : options.size]
    shape = photo.shape[-2:]
    tasks = {
        "denoise": ip.Gaussian(sigma=0.2),
        "inpaint": ip.Gaussian(sigma=0.05, operator=ip.Mask.random(shape, keep=0.3)),
        "deblur": ip.Gaussian(sigma=0.02, operator=ip.CircularBlur.named("uniform5")),
        "counts": ip.Poisson(peak=30),
        "speckle, inpaint": ip.Observed(ip.Gamma(alpha=10), ip.Mask.random(shape, keep=0.3)),
        "counts, deblur": ip.Observed(ip.Poisson(peak=30), ip.CircularBlur.named("uniform5")),
    }
    runs = [
        (ip.PnP(), None),
        (ip.VST(), None),
        (ip.ADMM(), None),
        (ip.ProximalGradient(), None),
        (ip.RED(), None),
        (ip.REDFixedPoint(), None),
        (ip.REDADMM(), None),
        (ip.Restart(), 1),
        (ip.Restart(), 4),
        (ip.VSTSampling(), 1),
        (ip.SplitGibbs(), 1),
        (ip.AnnealedLangevin(levels=25, repeats=1), 1),
    ]
    print(f"{tuple(photo.shape)}, {options.threads} threads")
    print(
        f"{'solver':20s} {'task':16s} {'samples':>7s} {'calls':>6s} {'ms each':>10s} {'ratio':>9s}"
    )
    prior = Timed(ip.DenoiserPrior.pretrained())
    for solver, samples in runs:
        for task, likelihood in tasks.items():
            named = type(solver).__name__.startswith(options.only)
            if not named or not accepts(solver, prior=prior, likelihood=likelihood):
                continue
            y = likelihood.sample(photo, ip.generator(0))
            line = overhead(solver, likelihood, y, samples, options.repeats)
            print(f"{type(solver).__name__:20s} {task:16s} {samples or 1:7d} {line}", flush=True)
    import_cost()


if __name__ == "__main__":
    main()
