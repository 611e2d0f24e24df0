"""What do the prox, the score equation and the sampler of each noise model cost?

Nanoseconds per pixel, of one call on a batch of images, next to one pass of `torch.exp` over the
same pixels: the unit in which an elementwise formula is thought of. A denoiser costs some 100 000
multiplications for each pixel, which is thousands of such passes. On one thread it is the
thread's own time that is taken, so that other work on the machine does not count.

    python benchmarks/likelihoods_cost.py --size 256 --dtype float32
"""

from __future__ import annotations

import argparse
import re
import time

import torch

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import MatchesScore, Proximal, SamplesGivenGaussian


def noises(size):
    """One of each kind, and the paper's sixteen."""
    mask = ip.Mask.random((size, size), 0.5)
    level = torch.full((size, size), 0.1)
    blur = ip.CircularBlur.named("uniform5")
    return [
        ip.Gaussian(0.1),
        ip.Gaussian(level, operator=mask),
        ip.Gaussian(0.1, operator=blur),
        ip.Gaussian(0.1, operator=ip.Stack([mask, ip.Downsample(4)], image_shape=(3, size, size))),
        *(ip.xie2023(number) for number in range(2, 17)),
        *(ip.xie2023(number, exact=True) for number in (11, 13, 15)),
        ip.ColouredGaussian(25 / 255, ip.CorrelationFilter("reflect")),
        *(ip.Observed(ip.xie2023(n), blur) for n in (3, 5, 7, 9)),
        ip.Observed(ip.Poisson(peak=51), ip.Downsample(2)),
    ]


def cost(call, pixels, seconds):
    """The least of a few repetitions, in nanoseconds per pixel."""
    on_cpu = not torch.cuda.is_initialized()
    alone = on_cpu and torch.get_num_threads() == 1

    def clock():
        if not on_cpu:
            torch.cuda.synchronize()
        return time.thread_time() if alone else time.perf_counter()

    call()
    times, begin = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begin < seconds:
        start = clock()
        call()
        times.append(clock() - start)
        if len(times) >= 3 and time.perf_counter() - begin > seconds:
            break
    return 1e9 * min(times) / pixels


def measure(noise, x, seconds):
    """What a prox, a match and a draw cost; None where there is none."""
    y = noise.sample(x, ip.generator(0))
    step = torch.tensor(0.01, dtype=x.dtype, device=x.device)
    calls = {
        Proximal: lambda: noise.prox(y, x, step),
        MatchesScore: lambda: noise.match_score(y, s, y),
        SamplesGivenGaussian: lambda: noise.sample_given(y, x, step, ip.generator(1)),
    }
    s = 20 * (x - y) if y.shape == x.shape else None  # of the size that scores have
    return [
        None if lacks(noise, capability) else cost(call, x.numel(), seconds)
        for capability, call in calls.items()
    ]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="side of the image")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.3, help="at least, for each figure")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    shape = (1, 3, options.size, options.size)
    x = 0.05 + 0.9 * torch.rand(shape, generator=ip.generator(0))
    x = x.to(options.device, getattr(torch, options.dtype))
    exp = cost(lambda: torch.exp(x), x.numel(), options.seconds)
    between, edge = (" | ", "|") if options.markdown else ("  ", "")

    def line(name, cells):
        shown = ("-" if cell is None else cell for cell in cells)
        print(
            f"{edge}{between.join([f'{name:<64}', *(f'{c:>8}' for c in shown)])}{edge}", flush=True
        )

    line("ns per pixel", ("prox", "match", "sample"))
    if options.markdown:
        print("|---|---|---|---|")
    line("torch.exp", (f"{exp:.1f}", None, None))
    for noise in noises(options.size):
        figures = measure(noise, x, options.seconds)
        line(short(noise), [None if f is None else f"{f:.1f}" for f in figures])


def short(noise):
    """Its repr, without what all have in common."""
    text = repr(noise).replace("boundary=", "").replace("(256, 256)", "pixels")
    text = re.sub(r"\w+=", "", text).replace("CorrelationFilter", "Filter")
    return re.sub(r"\d\.\d{3,}", lambda number: f"{float(number[0]):.3g}", text)[:64]


if __name__ == "__main__":
    main()
