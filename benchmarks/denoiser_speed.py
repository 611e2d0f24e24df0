"""How fast is the embedded denoiser, what does speed cost, and how much memory does it take?

    python benchmarks/denoiser_speed.py [--threads N] [--side 4096] [--precision auto]

Printed are the time of one call on a 256 x 256 colour image, next to the network alone in float32;
the TFLOP/s that this makes, next to those of a large matrix product in the same process; what
bfloat16 changes in the score of the bundled photo; and, in a process of its own, the peak memory
(all of it: Python, torch, the image and its estimate) of one call on a `--side` squared colour
image at sigma = 0.1. Least of several times each; `--side 0` leaves the last out.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from invprob.images import sample_photo
from invprob.networks.stored_denoiser import COLOUR, GRAY, Precision
from invprob.priors.denoiser import DenoiserPrior

REPEATS = 10
MATRIX = 3072
SIGMAS = (0.005, 0.01, 0.02, 0.06, 0.1, 0.3, 1.0)


def least(function: Callable[[], object]) -> float:
    """Seconds of the fastest of some calls, after one that does not count."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def teraflops(dtype: torch.dtype) -> float:
    """What a large matrix product reaches."""
    matrix = torch.rand(MATRIX, MATRIX, generator=torch.Generator().manual_seed(0)).to(dtype)
    return 2 * MATRIX**3 / least(lambda: matrix @ matrix) / 1e12


def speed(x: Tensor) -> None:
    """One call."""
    network, sigma = (GRAY if x.shape[1] == 1 else COLOUR).load(), torch.tensor(0.1)
    plain = least(lambda: network(x, sigma))
    print(f"{tuple(x.shape)}, {torch.get_num_threads()} threads")
    print("| call | GFLOP | ms | of plain float32 | TFLOP/s | of a matrix product |")
    print("|---|---|---|---|---|---|")
    for name, call, dtype in [
        ("the network, plain float32", lambda: network(x, sigma), torch.float32),
        ("one scale, float32", call_of("float32", x, scales=False, gray=False), torch.float32),
        ("one scale, bfloat16", call_of("bfloat16", x, scales=False, gray=False), torch.bfloat16),
        ("one scale, auto", call_of("auto", x, scales=False, gray=False), torch.bfloat16),
        ("the network at all scales", call_of("auto", x, gray=False), torch.bfloat16),
        ("the default", call_of("auto", x), torch.bfloat16),
    ]:
        with FlopCounterMode(display=False) as counter:
            call()
        work, seconds = counter.get_total_flops(), least(call)
        rate = work / seconds / 1e12
        print(
            f"| {name} | {work / 1e9:.0f} | {1e3 * seconds:.0f} | {seconds / plain:.2f} |"
            f" {rate:.3f} | {rate / teraflops(dtype):.0%} of {str(dtype)[6:]} |",
            flush=True,
        )


def call_of(
    precision: Precision, x: Tensor, scales: bool = True, gray: bool = True
) -> Callable[[], Tensor]:
    """The prior, called on an image: at all scales, and with the network for gray."""
    prior = DenoiserPrior.pretrained(precision, multiscale=scales, luminance=gray)
    return lambda: prior.denoise(x, 0.1)


def rounding(x: Tensor) -> None:
    """What bfloat16 changes: the score, relative to its length, and PSNR."""
    exact, fast = DenoiserPrior.pretrained("float32"), DenoiserPrior.pretrained("bfloat16")
    print("\n| sigma | score changes by | PSNR in dB | in bfloat16 |\n|---|---|---|---|")
    for sigma in SIGMAS:
        y = x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        a, b = exact.denoise(y, sigma), fast.denoise(y, sigma)
        psnr = [float(-10 * (out - x).square().mean().log10()) for out in (a, b)]
        change = float((a - b).norm() / (a - y).norm())
        print(f"| {sigma} | {change:.2%} | {psnr[0]:.3f} | {psnr[1]:.3f} |", flush=True)


def peak(side: int, precision: str) -> None:
    """One call on a large image, in this process."""
    start = time.perf_counter()
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    out = DenoiserPrior.pretrained(precision).denoise(x, 0.1)
    unit = 2**30 if sys.platform == "darwin" else 2**20
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    seconds = time.perf_counter() - start
    print(f"{tuple(out.shape)}, {precision}: peak {most:.2f} GiB, {seconds:.0f} s", flush=True)


@torch.no_grad()
def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--only-peak", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.only_peak:
        peak(given.side, given.precision)
        return
    speed(sample_photo())
    rounding(sample_photo())
    if given.side:
        command = [sys.executable, __file__, "--only-peak", "--side", str(given.side)]
        command += ["--precision", given.precision, "--threads", str(given.threads)]
        print(flush=True)
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
