"""A catalogue of cheap parts, so that the command line is tested without the network."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import torch
from attrs import evolve, frozen
from torch import Tensor
from torch.nn.functional import avg_pool2d
from typer.testing import CliRunner

from invprob.catalogue import Catalogue, Component, Contribution
from invprob.components.operators import blur, circular_blur, fourier
from invprob.contracts import Denoises, Likelihood, Needs, Proximal
from invprob.images import write_image
from invprob.likelihoods.gamma import Gamma
from invprob.likelihoods.gaussian import Gaussian
from invprob.likelihoods.poisson import Poisson
from invprob.operators import kernels
from invprob.operators.blur import CircularBlur
from invprob.operators.frequencies import Fourier
from invprob.operators.hadamard import Hadamard
from invprob.operators.mask import Mask
from invprob.operators.valid_blur import Blur


@frozen
class Smooth:
    """A prior that prefers smooth images."""

    size: int = 3

    def denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        return avg_pool2d(x, self.size, 1, self.size // 2, count_include_pad=False)


@frozen(eq=False)
class Walk:
    """The state of `Wander`."""

    x: Tensor
    done: int


def start(problem: Any) -> Tensor:
    """The measurement; where the image has another shape, what the adjoint makes of it."""
    same = tuple(problem.y.shape[1:]) == problem.image_shape
    return problem.y.clone() if same else problem.likelihood.operator.adjoint(problem.y)


@frozen
class Wander:
    """A sampler: some steps to the denoised measurement, each with some noise."""

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Likelihood,))
    stochastic: ClassVar[bool] = True
    calls: int = 3
    noise: float = 0.01

    def steps(self, problem: Any, /) -> int:
        return self.calls

    def init(self, problem: Any, streams: Any, x0: Tensor | None, /) -> Walk:
        return Walk(start(problem), 0)

    def step(self, problem: Any, state: Walk, streams: Any, /) -> Walk:
        x = problem.prior.denoise(state.x, torch.tensor(self.noise))
        return evolve(state, x=x + self.noise * streams.normal(x), done=state.done + 1)

    def estimate(self, state: Walk, /) -> Tensor:
        return state.x


@frozen
class Once:
    """One denoising step, the same every time."""

    needs: ClassVar[Needs] = Needs(prior=(Denoises,), likelihood=(Proximal,))
    stochastic: ClassVar[bool] = False

    def steps(self, problem: Any, /) -> int:
        return 1

    def init(self, problem: Any, streams: Any, x0: Tensor | None, /) -> Walk:
        return Walk(start(problem), 0)

    def step(self, problem: Any, state: Walk, streams: Any, /) -> Walk:
        return Walk(problem.prior.denoise(state.x, torch.tensor(0.1)), 1)

    def estimate(self, state: Walk, /) -> Tensor:
        return state.x


@frozen
class Everything:
    """What each annotation makes of a text; it can only simulate."""

    count: int
    level: float = 0.5
    fast: bool = False
    word: str = "so"
    file: Path | None = None
    choice: Literal["a", "b"] = "a"
    shape: tuple[int, ...] = (1,)
    matrix: Tensor | None = None
    scale: float | Tensor = 1.0
    free = 3

    def sample(self, x: Tensor, generator: torch.Generator, /) -> Tensor:
        return x.flatten(1)


def picky(size: int) -> Smooth:
    """A prior that refuses what a plain Python class would refuse."""
    if size > 5:
        raise ValueError(f"size {size} is too large")
    return Smooth(size)


PARTS = (
    Component("prior", "denoiser", Smooth, summary="smooth images", reference="A. Nobody (2000)."),
    Component("prior", "picky", picky, example=lambda: picky(3)),
    Component("likelihood", "gaussian", Gaussian, example=lambda: Gaussian(sigma=0.1)),
    Component("likelihood", "poisson", Poisson, example=lambda: Poisson(30)),
    Component("likelihood", "gamma", Gamma, example=lambda: Gamma(4)),
    Component("prior", "shared", Smooth),
    Component("likelihood", "shared", Gamma, example=lambda: Gamma(4)),
    Component("likelihood", "everything", Everything, example=lambda: Everything(1)),
    Component(
        "operator",
        "mask",
        Mask,
        example=lambda: Mask(torch.eye(4)),
        from_text=Mask.from_file,
    ),
    Component(
        "operator",
        "circular-blur",
        CircularBlur,
        example=lambda: CircularBlur(kernels.uniform(3)),
        from_text=circular_blur,
    ),
    Component(
        "operator",
        "blur",
        Blur,
        example=lambda: Blur(kernels.uniform(3)),
        from_text=blur,
    ),
    Component("operator", "hadamard", Hadamard, example=lambda: Hadamard(4)),
    Component(
        "operator",
        "fourier",
        Fourier,
        example=lambda: Fourier.lines(4),
        from_text=fourier,
    ),
    Component("solver", "pnp", Once),
    Component("solver", "restart", Wander),
)
OWN = Component("solver", "own", Once, summary="my own")
PLUGIN = Contribution("own", "invprob-own", "2.0", (OWN,))
BROKEN = Contribution("glow", "invprob-glow", "1.0", cause="ImportError: no module named glow")


@pytest.fixture(autouse=True)
def parts(monkeypatch):
    found = Catalogue((Contribution("built-in", "invprob", "0.1.0", PARTS), PLUGIN, BROKEN))
    module = importlib.import_module("invprob.catalogue")  # `invprob.catalogue` is the function
    monkeypatch.setattr(module, "_catalogue", lambda chosen, strict: found)
    monkeypatch.delenv("INVPROB_DEBUG", raising=False)
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a colour and a gray picture in it."""
    monkeypatch.chdir(tmp_path)
    for name, channels in (("colour.png", 3), ("gray.png", 1)):
        x = torch.rand(channels, 12, 10, generator=torch.Generator().manual_seed(channels))
        write_image(tmp_path / name, 0.3 + 0.4 * x)
    write_image(tmp_path / "mask.png", (torch.arange(120).reshape(12, 10) % 3 > 0).float())
    return tmp_path


@pytest.fixture
def invprob(folder):
    """Run a command line: `invprob("solve gray.png ...")`."""
    from invprob.cli.app import app

    def run(line: str, code: int = 0):
        result = CliRunner().invoke(app, line.split(), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return run
