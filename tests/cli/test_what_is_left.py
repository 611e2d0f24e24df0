"""What an interruption leaves, where `-o` points, and what is said of many images once."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from listing import files

NOISE = "-l gaussian:sigma=0.1"


@pytest.fixture
def bright(folder):
    """Three pages, of which the last two have values that 8 bits do not hold."""
    pages = np.full((3, 12, 10), 0.5, np.float32)
    pages[1:, :6] = 1.5
    tifffile.imwrite(folder / "bright.tif", pages, photometric="minisblack")
    return pages


@pytest.mark.parametrize("output", ["new/deep/", "new/x.png", "there/"])
def test_an_interrupted_run_leaves_no_empty_folder(invprob, folder, parts, monkeypatch, output):
    def interrupted(*_):
        raise KeyboardInterrupt

    (folder / "there").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(parts.solvers["pnp"], "step", interrupted)
        invprob(f"solve gray.png {NOISE} -s pnp -o {output}", code=130)
    assert (folder / "there").is_dir() and not (folder / "new").exists()
    invprob(f"solve gray.png {NOISE} -s pnp -o {output}")
    assert len(files(folder / output.partition("/")[0])) == 1


def test_a_run_that_is_kept_in_the_folder_of_its_result(invprob, folder, parts, monkeypatch):
    sampler = parts.solvers["restart"]
    step = sampler.step

    def interrupted(self, problem, state, streams, /):
        if state.done == 1:
            raise KeyboardInterrupt
        return step(self, problem, state, streams)

    line = f"solve gray.png {NOISE} -s restart -o run/ --checkpoint run/run.ckpt"
    with monkeypatch.context() as patch:
        patch.setattr(sampler, "step", interrupted)
        invprob(line, code=130)
    assert files(folder / "run") == ["run.ckpt"]
    invprob(f"{line} --resume run/run.ckpt")
    assert "estimate.png" in files(folder / "run")


@pytest.mark.parametrize("written", [0, 1, 3])
def test_a_set_of_samples_is_there_as_a_whole_or_not_at_all(invprob, folder, monkeypatch, written):
    from invprob import formats

    line = f"solve gray.png colour.png {NOISE} -s restart --samples 2 -o run/"
    write, count = formats.write, iter(range(99))

    def interrupted(*arguments, **options):
        if next(count) == written:
            raise KeyboardInterrupt
        write(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr("invprob.formats.write", interrupted)
        invprob(line, code=130)
    assert not (folder / "run").exists()
    invprob(line)
    names = ["mean.png", "panel.png", "sample-0.png", "sample-1.png", "std.tif"]
    assert files(folder / "run" / "gray") == files(folder / "run" / "colour") == names
    assert not [path for path in (folder / "run").rglob(".*")]


def test_a_slash_says_that_it_is_a_folder(invprob, folder):
    invprob(f"solve gray.png colour.png {NOISE} -o run.v2/")
    assert files(folder / "run.v2") == ["colour.png", "gray.png"]
    invprob(f"solve gray.png {NOISE} -o x.png/")
    assert files(folder / "x.png") == ["estimate.png"]
    failed = invprob(f"solve gray.png colour.png {NOISE} -o mask.png/", code=2)
    assert "-o mask.png is a file, and no folder" in failed.stderr


def test_a_folder_that_is_not_there(invprob, folder):
    for line in ("gone/ -o run/", "gone -o x.png"):
        failed = invprob(f"solve {line} {NOISE}", code=2)
        assert "there is no file or folder gone; the current folder is" in failed.stderr
    failed = invprob(f"solve gray.png gone/ -o run/ {NOISE}", code=1)
    assert "gone failed: there is no file or folder gone" in failed.stderr


def test_advice_is_given_once(invprob, folder):
    """And what is wrong with a page is said of each."""
    pages = np.random.default_rng(0).uniform(0, 1, (3, 40, 40)).astype(np.float32)
    tifffile.imwrite(folder / "wild.tif", pages, photometric="minisblack")
    said = invprob("solve wild.tif --page all -l gaussian:sigma=0.02 -o x.tif").stdout
    assert said.count("this result does not explain the data: they are too far from it\n") == 3
    assert said.count("the noise is stronger than was said") == 1
    assert said.count("invprob noise FILE") == 1


@pytest.mark.parametrize("output", ["clean/", "clean.tif"])
def test_clipping_is_said_of_many(invprob, folder, bright, output):
    line = f"solve bright.tif --page all {NOISE} -s pnp --bits 8"
    said = invprob(f"{line} -o {output}").stderr
    assert "warning: 50.0% of the values were outside [0, 1] and are clipped; clean" in said
    assert ("bright-1.tif without --bits" in said) == (output == "clean/")
    assert "0.0%" not in said.replace("50.0%", "") and "bright-0" not in said
    assert invprob(f"solve bright.tif --page all {NOISE} -s pnp -o other.tif").stderr == ""


def test_few_values_are_not_said_to_be_none(invprob, folder):
    x = np.full((60, 60), 0.5, np.float32)
    tifffile.imwrite("dark.tif", np.where(np.arange(3600).reshape(60, 60) < 2, 0, x))
    said = invprob("simulate dark.tif -l gaussian:sigma=0.001 -o y.png").stderr
    assert "warning: fewer than 0.1% of the values were outside [0, 1] and are clipped" in said


def test_an_example_is_of_the_kind_that_was_typed(invprob, folder):
    for line, example in (
        (f"{NOISE} -A mask:mask.png", "for example mask:file=mask.png"),
        ("-l gaussian:0.1", "for example gaussian:sigma=0.1"),
        (f"{NOISE} --prior denoiser:x", "for example denoiser:file=mine.safetensors"),
        (f"{NOISE} -s pnp:20", "for example pnp:iterations=20"),
    ):
        assert example in invprob(f"solve gray.png {line} -o x.png", code=2).stderr
