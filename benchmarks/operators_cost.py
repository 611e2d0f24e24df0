"""What does each map of each operator cost, in real FFTs of the image?

    python benchmarks/operators_cost.py [--sides 256 1024] [--repeats 5] [--markdown]

Every number is the least time of some repeats, for one colour image in single precision, divided
by the time of one pair of real 2-D FFTs (forth and back) of the same image on the same threads. A
1 means: as cheap as filtering in Fourier space. On one thread it is the thread's own time that is
taken, so that other work on the machine does not count. The `svd` column is the preparation, once
per image size, in milliseconds; what is computed once per operator is warm in the others.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import HasSVD, Invertible
from invprob.operators import kernels

COLUMNS = ("forward", "adjoint", "V", "Vt", "U", "Ut", "inverse")


def operators(side: int) -> dict[str, object]:
    """One of each, for images (3, side, side)."""
    gaussian = kernels.gaussian_profile(1.5)
    return {
        "Identity": ip.Identity(),
        "Mask": ip.Mask.random((side, side)),
        "CircularBlur": ip.CircularBlur(kernels.motion(9, 30)),
        "Blur": ip.Blur(kernels.motion(9, 30)),
        "SeparableBlur": ip.SeparableBlur(gaussian, gaussian, "reflect"),
        "Downsample": ip.Downsample(4),
        "BlurDecimate": ip.BlurDecimate(kernels.gaussian(1.5), 4),
        "Hadamard": ip.Hadamard(side, keep=0.25),
        "Hadamard, scrambled": ip.Hadamard(side, keep=0.25, scramble=True),
        "Fourier": ip.Fourier.lines(side, keep=0.25),
        "Grayscale": ip.Grayscale(),
        **{
            f"CorrelationFilter, {boundary}": ip.CorrelationFilter(boundary)
            for boundary in ("circular", "zero", "replicate", "reflect")
        },
        "Compose(Grayscale, CircularBlur)": ip.Compose(
            ip.Grayscale(), ip.CircularBlur(kernels.gaussian(1.5))
        ),
        "Stack(Mask, Downsample)": ip.Stack(
            [ip.Mask.random((side, side)), ip.Downsample(4)], (3, side, side)
        ),
    }


def seconds(action: Callable[[], object], repeats: int) -> float:
    """The least time of some repeats, after one that is not counted."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    action()
    times = []
    for _ in range(repeats):
        start = clock()
        action()
        times.append(clock() - start)
    return min(times)


def row(operator, side: int, repeats: int) -> tuple[dict[str, float], float]:
    """The seconds of each map, and of the first `svd`."""
    shape = (3, side, side)
    g = ip.generator(0)
    x = torch.rand(1, *shape, generator=g)
    y = torch.rand(1, *operator.out_shape(shape), generator=g)
    maps = {"forward": lambda: operator.forward(x), "adjoint": lambda: operator.adjoint(y)}
    prepared = float("nan")
    if not lacks(operator, HasSVD):
        start = time.perf_counter()
        svd = operator.svd(shape)
        prepared = time.perf_counter() - start
        w = svd.vt(x)
        maps |= {
            "V": lambda: svd.v(w),
            "Vt": lambda: svd.vt(x),
            "U": lambda: svd.u(w),
            "Ut": lambda: svd.ut(y),
        }
    if not lacks(operator, Invertible):
        try:
            operator.inverse(y)
            maps["inverse"] = lambda: operator.inverse(y)
        except ip.InputError:
            pass  # not for this kernel and size
    return {name: seconds(action, repeats) for name, action in maps.items()}, prepared


def table(side: int, repeats: int, markdown: bool) -> None:
    """Print one table."""
    x = torch.rand(1, 3, side, side, generator=ip.generator(0))
    unit = seconds(lambda: torch.fft.irfft2(torch.fft.rfft2(x), s=(side, side)), max(repeats, 20))
    print(
        f"\n{side} x {side} x 3, {torch.get_num_threads()} thread(s): one FFT pair takes "
        f"{unit * 1e3:.2f} ms\n"
    )
    names = operators(side)
    wide = max(map(len, names))
    head = [f"{'operator':<{wide}}", *(f"{name:>8}" for name in COLUMNS), f"{'svd ms':>8}"]
    between, edge = (" | ", "|") if markdown else ("  ", "")
    print(f"{edge}{between.join(head)}{edge}")
    if markdown:
        print("|" + "|".join(["---"] * len(head)) + "|")
    for name, operator in names.items():
        times, prepared = row(operator, side, repeats)
        cells = [
            f"{times[column] / unit:>8.2f}" if column in times else f"{'-':>8}"
            for column in COLUMNS
        ]
        svd = f"{'-':>8}" if prepared != prepared else f"{prepared * 1e3:>8.1f}"
        print(f"{edge}{between.join([f'{name:<{wide}}', *cells, svd])}{edge}", flush=True)


def main() -> None:
    """Read the options and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for side in options.sides:
        table(side, options.repeats, options.markdown)


if __name__ == "__main__":
    main()
