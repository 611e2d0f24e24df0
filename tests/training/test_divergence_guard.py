"""A training that goes wrong: weights that have become far worse are never saved."""

import pytest
import torch
from attrs import frozen
from torch import nn
from typer.testing import CliRunner

from invprob.cli.app import app
from invprob.errors import DivergenceError
from invprob.images import write_image
from invprob.training.denoising import Denoising
from invprob.training.divergence import refuse_worse
from invprob.training.run import begin, train

SMALL = "--widths 8,8,8 --before 1,1,1 --after 1,1 --batch 2 --patch 16 --every 0".split()


@pytest.mark.parametrize("least", [-50.0, -1.0, 0.0, 0.01, 1.0, 300.0])
def test_how_far_a_loss_may_rise(least):
    size = max(1.0, abs(least))
    assert refuse_worse(least + 9 * size, least, 1) == least
    assert refuse_worse(least - 1, least, 1) == least - 1
    for loss in (least + 11 * size, float("inf"), float("nan")):
        with pytest.raises(DivergenceError, match="has risen from .* by step 7"):
            refuse_worse(loss, least, 7)


@frozen
class Recipe:
    steps: int = 12
    hours: float = 0.0
    average: float = 0.5
    seed: int = 0


@frozen(eq=False)
class Square:
    """The loss w² + level, whose steps at this rate grow once they overshoot."""

    rate: float
    level: float = 0.0
    recipe: Recipe = Recipe()

    def settings(self):
        return {"rate": self.rate}

    def about(self):
        return "a number"

    def network(self):
        network = nn.Linear(1, 1, bias=False)
        nn.init.ones_(network.weight)
        return network

    def optimizers(self, network):
        return [torch.optim.SGD(network.parameters(), lr=self.rate)]

    def loss(self, network, step, generator):
        return network.weight.square().sum() + self.level


@pytest.mark.parametrize("level", [0.0, -3.0])
def test_a_run_that_explodes_at_once_leaves_nothing(tmp_path, level):
    out, kept = tmp_path / "a.safetensors", tmp_path / "a.ckpt"
    run = begin(Square(5e3, level), out, kept, lambda line: None)
    with pytest.raises(DivergenceError, match="by step 1: .*Stopped after 1 steps; nothing was"):
        train(run, kept, 0.0, lambda losses: None)
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


def test_the_last_good_checkpoint_stays(tmp_path):
    out, kept, steps = tmp_path / "a.safetensors", tmp_path / "a.ckpt", []
    run = begin(Square(300.0), out, kept, lambda line: None)
    with pytest.raises(DivergenceError, match=r"has risen from .*ckpt holds step \d"):
        train(run, kept, 0.0, lambda losses: steps.append(run.step))
    again = begin(Square(300.0), out, kept, lambda line: None)
    assert again.step == steps[-1] == run.step - 1
    assert again.network.weight.abs() < 4


def test_the_command_says_how_to_go_on(tmp_path, monkeypatch):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for k in range(3):
        x = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(k))
        write_image(pictures / f"{k}.png", x)
    out = tmp_path / "own.safetensors"
    line = ["train", "denoiser", str(pictures), *SMALL, "-o"]
    first = CliRunner().invoke(app, [*line, str(out), "--steps", "2"])
    assert first.exit_code == 0
    good = out.read_bytes()
    other = [*line, str(tmp_path / "b.safetensors"), "--start", str(out), "--steps", "100"]
    failed = CliRunner().invoke(app, [*other, "--rate", "1e5", "--adam-rate", "1e5"])
    text = " ".join((failed.output + failed.stderr).split())
    assert failed.exit_code == 1 and "begin anew, with a smaller rate" in text
    assert "on the command line: the same with a smaller --rate" in text
    assert not (tmp_path / "b.safetensors").exists() and out.read_bytes() == good

    loss = Denoising.loss
    monkeypatch.setattr(
        Denoising,
        "loss",
        lambda self, network, n, g: loss(self, network, n, g) * (torch.nan if n == 3 else 1),
    )
    failed = CliRunner().invoke(app, other)
    text = " ".join((failed.output + failed.stderr).split())
    begun = tmp_path / "b.safetensors"
    assert failed.exit_code == 1 and "Stopped after 3 steps" in text and "holds step 3" in text
    assert f"a smaller --rate, --start {begun} -o ANOTHER.safetensors" in text
