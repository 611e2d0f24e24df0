"""Sixteen kinds of noise, learned from noisy images alone: Tables 2 to 4 of Xie et al. (2023).

    python benchmarks/xie_tables.py --data DIR --weights WEIGHTS [--models 1,5-8] [--limit N]
    python benchmarks/xie_tables.py ... --train 20 --images DIR ... [--device cuda]
    python benchmarks/xie_tables.py ... --robustness [--picture FILE.png]

DIR (or the environment variable INVPROB_DATA) holds `test/kodak24`, `test/cset9`, `test/cbsd68`;
WEIGHTS is a folder of the files that `--train MINUTES` puts there: for each model the clean images
below `--images` get their noise once, and a score is learned by `invprob train score`, which
starts from an earlier model's weights where there are some (of noisy images, too). What is absent
is left out, with a line that says so.

A table has a line for each model: PSNR of y clipped to [0, 1], and of the score equation's answer
(not rounded). Next to it stands what the embedded denoiser does, trained on *clean* photographs:
for white Gaussian noise by itself, and as a prior of PnP (`--pnp`, slow) for what PnP can solve.

Filtered noise y = A w (models 6, 8, 10) has the score of w = A⁻¹ y, which is that of models 5, 7
and 9: A is known and invertible, so their weights serve, exactly. For counts (7, 8) the posterior
mean (`MeasuredPrior.of_counts`) is the line below the score equation's.

`--robustness` prints the paper's Fig. 2 instead: the same score, with the noise parameter of the
score equation wrong by some factor.

What is comparable with the paper, and what is not: it trains on other images, another network, and
for long; of its tables this file knows only that model 1 reaches 31.9 dB (on one of the sets), for
which FFDNet, supervised, has 32.1 / 31.7 / 31.2 dB on Kodak24 / CSet9 / CBSD68.

Y. Xie, M. Yuan, B. Dong, Q. Li (2023). Unsupervised Image Denoising with Score Function. NeurIPS.
https://arxiv.org/abs/2304.08384
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from attrs import evolve
from torch import Tensor

import invprob as ip
from invprob.compatibility import lacks
from invprob.contracts import Proximal
from invprob.networks.score import ScoreNetwork
from invprob.networks.stored_score import load_score
from invprob.operators.boundaries import Boundary

SETS = ("kodak24", "cset9", "cbsd68")
SAME_AS = {6: 5, 8: 7, 10: 9}
"""Filtered noise, and the noise that it is once the filter is undone."""

PARAMETERS = {"Gaussian": "sigma", "Gamma": "alpha", "Poisson": "peak", "Rayleigh": "scale"}
FACTORS = (0.6, 0.8, 0.9, 1.0, 1.1, 1.25, 1.6)


def file_of(weights: Path, number: int) -> Path:
    """Where the weights of a model are."""
    return weights / f"xie2023-{SAME_AS.get(number, number)}.safetensors"


def train(number: int, weights: Path, given: argparse.Namespace) -> None:
    """Learn one model, by the command that users type."""
    path = file_of(weights, number)
    if path.exists() and not path.with_suffix(".ckpt").exists():
        print(f"model {number}: {path} is there", flush=True)
        return
    others = [file_of(weights, k) for k in range(1, number) if file_of(weights, k) != path]
    start = next((other for other in others if other.exists()), None)
    command = [sys.executable, "-m", "invprob", "train", "score", *map(str, given.images)]
    command += ["-l", f"xie2023-{SAME_AS.get(number, number)}", "--simulate", "--channels", "3"]
    command += ["--hours", str(given.train / 60), "--device", given.device, "-o", str(path)]
    command += ["--start", str(start)] if start else []
    command += [f"--{option}" for option in given.option]
    print(" ".join(command), flush=True)
    subprocess.run(command, check=True)


def score_of(number: int, weights: Path) -> ScoreNetwork | None:
    """The score of a model's noisy images; None where it was not learned."""
    path = file_of(weights, number)
    if not path.exists():
        return None
    network = load_score(path)
    return filtered(network, ip.xie2023(number).A.boundary) if number in SAME_AS else network


def filtered(network: ScoreNetwork, boundary: Boundary | None) -> ScoreNetwork:
    """The same score of y = A w, or of w if there is no boundary."""
    coordinates = evolve(network.coordinates, boundary=boundary)
    other = ScoreNetwork(evolve(network.architecture, coordinates=coordinates))
    other.load_state_dict(network.state_dict())
    return other.eval().requires_grad_(False)


def decibels(x: Tensor, clean: Tensor) -> float:
    """PSNR of an image clipped to [0, 1]."""
    return float(ip.psnr(x.clamp(0, 1), clean))


def answers(number: int, score: ScoreNetwork, y: Tensor, pnp: bool) -> dict[str, Tensor]:
    """What each method makes of a measurement."""
    noise = ip.xie2023(number)
    equation = ip.ScoreEquation()
    found = {"score": ip.solve(ip.Problem(ip.MeasuredPrior(score), noise, y), equation).x}
    if number in (7, 8):
        # The filter is undone first: half a count is added to counts.
        w = y if number == 7 else noise.A.inverse(y)
        counts = noise if number == 7 else noise.noise
        prior = ip.MeasuredPrior.of_counts(filtered(score, None), peak=counts.peak)
        found["mean"] = ip.solve(ip.Problem(prior, counts, w), equation).x
    if number == 1:
        sigma = torch.tensor(noise.sigma)
        found["embedded"] = ip.DenoiserPrior.pretrained().denoise(y, sigma)
    elif pnp and lacks(noise, Proximal) is None:
        problem = ip.Problem(ip.DenoiserPrior.pretrained(), noise, y)
        found["embedded"] = ip.solve(problem, ip.PnP()).x
    return found


def table(numbers: list[int], sets: dict[str, list[Tensor]], given: argparse.Namespace) -> None:
    """PSNR of every model on every set."""
    width = max(map(len, sets))
    print("\nmodel  noise and method" + " " * 24 + "  ".join(f"{name:>{width}}" for name in sets))
    for number in numbers:
        score = score_of(number, given.weights)
        if score is None:
            print(f"{number:5d}  left out: there is no {file_of(given.weights, number)}")
            continue
        rows: dict[str, list[float]] = {}
        for images in sets.values():
            found: dict[str, list[float]] = {}
            for i, x in enumerate(images):
                y = ip.xie2023(number).sample(x, ip.generator(number, i))
                for name, answer in {"y": y, **answers(number, score, y, given.pnp)}.items():
                    found.setdefault(name, []).append(decibels(answer, x))
            for name, values in found.items():
                rows.setdefault(name, []).append(sum(values) / len(values))
        for name, values in rows.items():
            label = f"{type(ip.xie2023(number)).__name__}, {name}"
            print(
                f"{number:5d}  {label:38s}  " + "  ".join(f"{v:{width}.2f}" for v in values),
                flush=True,
            )


def misjudged(noise: Any, factor: float) -> Any:
    """The noise with its parameter times a factor; None if it has not just one."""
    if hasattr(noise, "noise"):
        inner = misjudged(noise.noise, factor)
        return None if inner is None else evolve(noise, noise=inner)
    name = PARAMETERS.get(type(noise).__name__)
    return None if name is None else evolve(noise, **{name: factor * getattr(noise, name)})


def robustness(
    numbers: list[int], sets: dict[str, list[Tensor]], given: argparse.Namespace
) -> None:
    """PSNR with a wrong noise parameter, on the first set."""
    name, images = next(iter(sets.items()))
    curves = {}
    print(f"\n{name}, parameter times  " + "".join(f"{f:8.2f}" for f in FACTORS))
    for number in numbers:
        score, noise = score_of(number, given.weights), ip.xie2023(number)
        if score is None or misjudged(noise, 1.0) is None:
            continue
        totals = [0.0] * len(FACTORS)
        for i, x in enumerate(images):
            y = noise.sample(x, ip.generator(number, i))
            s = score(y)
            for k, factor in enumerate(FACTORS):
                answer = misjudged(noise, factor).match_score(y, s, y)  # all in closed form
                totals[k] += decibels(answer, x) / len(images)
        print(
            f"model {number:2d}" + " " * (len(name) + 11) + "".join(f"{t:8.2f}" for t in totals),
            flush=True,
        )
        curves[f"{number}: {type(noise).__name__}"] = totals
    if given.picture:
        draw(curves, name, given.picture)


def draw(curves: dict[str, list[float]], name: str, path: Path) -> None:
    """The curves as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.2), layout="constrained")
    for label, totals in curves.items():
        axes.plot(FACTORS, totals, marker=".", label=label)
    axes.set(xscale="log", xlabel="assumed / true noise parameter", ylabel=f"PSNR on {name}, dB")
    axes.set_xticks(FACTORS, [f"{factor:g}" for factor in FACTORS], minor=False)
    axes.minorticks_off()
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def models(text: str) -> list[int]:
    """1,5-8 as numbers."""
    found = []
    for piece in text.split(","):
        first, _, last = piece.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=os.environ.get("INVPROB_DATA"))
    parser.add_argument("--weights", type=Path, required=True, metavar="WEIGHTS")
    parser.add_argument("--models", type=models, default=models("1-16"))
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--limit", type=int, default=100, help="images of each set")
    parser.add_argument("--pnp", action="store_true")
    parser.add_argument("--robustness", action="store_true")
    parser.add_argument("--picture", type=Path, help="of --robustness, for matplotlib to draw")
    parser.add_argument("--train", type=float, default=0.0, metavar="MINUTES", help="per model")
    parser.add_argument("--images", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--option", nargs="*", default=[], help="for invprob train score: widths=96,128,128"
    )
    given = parser.parse_args()
    if given.train:
        given.weights.mkdir(parents=True, exist_ok=True)
        for number in given.models:
            train(number, given.weights, given)
    sets = {}
    for name in given.sets:
        folder = Path(given.data or "") / "test" / name
        paths = sorted(folder.glob("*.*"))[: given.limit]
        if given.data is None or not paths:
            print(f"{name} is left out: there are no images in {folder}; --data names the folder")
            continue
        sets[name] = [ip.read_image(path) for path in paths]
    if not sets:
        return
    start = time.perf_counter()
    with torch.no_grad():
        (robustness if given.robustness else table)(given.models, sets, given)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
