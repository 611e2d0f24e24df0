"""FILE.csv: the losses of a training run."""

import pytest
import torch
from attrs import evolve
from made_up_photos import PHOTOS

from invprob.errors import InputError
from invprob.networks.denoiser import Architecture
from invprob.training.denoising import Denoising, Recipe
from invprob.training.patches import store_photos
from invprob.training.run import begin, train


@pytest.fixture(scope="module")
def task():
    architecture = Architecture(widths=(8, 8, 8), before=(1, 1, 1), after=(1, 1))
    recipe = Recipe(steps=24, batch=2, patch=16)
    return Denoising(recipe, architecture, store_photos(PHOTOS, 16))


def curve(task, folder, every=1e6, stop=None):
    """What is in the file after a run, which stops within the report after some steps."""
    out, kept = folder / "a.safetensors", folder / "a.ckpt"
    run = begin(task, out, kept, lambda line: None)

    def report(losses):
        if run.step == stop:
            raise OSError("killed")

    try:
        train(run, kept, every, report)
    except OSError:
        pass
    return (folder / "a.csv").read_text()


def test_equal_seeds_make_equal_files(task, tmp_path):
    one, other, third = (tmp_path / name for name in "abc")
    for folder in (one, other, third):
        folder.mkdir()
    usual = curve(task, one)
    assert curve(task, other, every=0.0) == usual
    rows = [line.split(",") for line in usual.splitlines()]
    assert rows[0] == ["step", "loss", "rate"]
    assert [row[0] for row in rows[1:]] == ["10", "20", "24"]
    assert float(rows[1][2]) == pytest.approx(2.5e-3 * 0.1, rel=0.4)
    assert curve(evolve(task, recipe=evolve(task.recipe, seed=1)), third) != usual


@pytest.mark.parametrize("stop", [5, 10, 13])
def test_a_run_that_was_killed_ends_with_the_same_file(task, tmp_path, stop):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    usual = curve(task, one)
    curve(task, other, every=0.0, stop=stop)
    with open(other / "a.csv", "a") as file:
        file.write("20,0.1,0.1\n24,7")  # rows of after the checkpoint, the last one torn
    assert curve(task, other) == usual
    assert curve(task, other) == usual  # a run that has ended


def test_a_larger_budget_goes_on_with_the_row_that_was_not_full(task, tmp_path):
    curve(task, tmp_path)
    longer = evolve(task, recipe=evolve(task.recipe, steps=30))
    lines = curve(longer, tmp_path).splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["10", "20", "30"]


def test_a_table_of_somebody_else_stays(task, tmp_path):
    (tmp_path / "a.csv").write_text("mine\n")
    with pytest.raises(InputError, match="a.csv exists and has no losses"):
        curve(task, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


def test_on_another_device_the_run_goes_on(task, tmp_path):
    out, kept, said = tmp_path / "a.safetensors", tmp_path / "a.ckpt", []
    run = begin(task, out, kept, said.append)
    run.advance()
    run.save(kept)
    state = torch.load(kept, weights_only=True)
    state["settings"]["device"] = "cuda"
    torch.save(state | {"generator": state["generator"][:16]}, kept)
    again = begin(task, out, kept, said.append)
    assert again.step == 1 and "it was on cuda and is on cpu now" in said[-1]
    assert again.advance() > 0
