"""`invprob solve` of several files, of a folder, and of the pages of a stack."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile
import torch
from listing import files

from invprob.images import read_image, write_image

NOISE = "-l gaussian:sigma=0.1"


@pytest.fixture
def noisy(folder):
    """A folder of three images of different kinds, a note and a folder within."""
    inside = folder / "noisy"
    (inside / "deeper").mkdir(parents=True)
    for number, name in enumerate(("a.tif", "b.png", "c.jpg", "deeper/d.png")):
        x = torch.rand(1, 12, 10, generator=torch.Generator().manual_seed(number))
        write_image(inside / name, 0.3 + 0.4 * x)
    (inside / "note.txt").write_text("no image")
    shutil.copy(inside / "b.png", inside / ".b.png")
    return inside


@pytest.fixture
def stack(folder):
    """Four pages, of which the third is damaged."""
    pages = np.random.default_rng(0).uniform(0.3, 0.7, (4, 12, 10)).astype(np.float32)
    pages[2, 0, 0] = np.nan
    tifffile.imwrite(folder / "stack.tif", pages, photometric="minisblack")
    return pages


def test_a_folder(invprob, folder, noisy):
    said = invprob(f"solve noisy {NOISE} -o clean/").stdout.splitlines()
    assert files(folder / "clean") == ["a.tif", "b.png", "c.png"]
    assert said[0].startswith("Once, because the prior denoises") and len(said) == 4
    for number, line in enumerate(said[1:], 1):
        assert line.startswith(f"{number}/3 noisy/{'abc'[number - 1]}.")
        assert "Once() ran its only step in" in line and "; misfit " in line
    assert said[1].endswith("; wrote clean/a.tif")


def test_what_a_mask_leaves_is_said_once(invprob, folder, noisy):
    write_image("inverted.png", (torch.arange(120).reshape(12, 10) % 10 == 0).float())
    done = invprob(f"solve noisy {NOISE} -A mask:file=inverted.png -o clean/")
    assert done.stdout.count("mask: 10.0% of the pixels are measured") == 1
    assert done.stderr.count("warning: the mask is white in 10.0% of the pixels") == 1


@pytest.mark.parametrize("options", ["", "--samples 3 --seed 7"])
def test_an_image_is_solved_as_if_it_were_alone(invprob, folder, noisy, options):
    line = f"{NOISE} -s restart {options} --white 1"
    invprob(f"solve noisy {line} -o all/")
    invprob(f"solve noisy/c.jpg noisy/b.png {line} -o few/")
    invprob(f"solve noisy/c.jpg {line} -o one/ --bits 32")
    if options:
        assert files(folder / "few") == [
            f"{name}/{file}"
            for name in "bc"
            for file in (
                "mean.tif",
                "panel.png",
                *(f"sample-{i}.tif" for i in range(3)),
                "std.tif",
            )
        ]
        pairs = [("c/mean.tif", "mean.tif"), ("c/sample-2.tif", "sample-2.tif")]
    else:
        assert files(folder / "few") == ["b.tif", "c.tif"]
        pairs = [("c.tif", "estimate.tif")]
    for many, one in pairs:
        alone = read_image(f"one/{one}")
        assert torch.equal(read_image(f"all/{many}"), alone)
        assert torch.equal(read_image(f"few/{many}"), alone)


def test_parts_are_made_once(invprob, folder, noisy, monkeypatch):
    from invprob.cli import specs

    made, make = [], specs.make
    monkeypatch.setattr(specs, "make", lambda *args: (made.append(args[:2]), make(*args))[1])
    invprob(f"solve noisy {NOISE} -s pnp -o clean/")
    assert sorted(made) == [("prior", "denoiser"), ("solver", "pnp")]  # the noise: by `make_noise`


def test_what_fails_is_named_and_passed_over(invprob, folder, noisy):
    write_image(noisy / "a2.png", torch.rand(7, 7))
    (noisy / "b.png").write_text("no image")
    failed = invprob(f"solve noisy gone.png {NOISE} -A mask:file=mask.png -o clean/", code=1)
    assert files(folder / "clean") == ["a.tif", "c.png"]
    first, second, third, last = failed.stderr.splitlines()
    assert first.startswith("2/5 noisy/a2.png failed: ") and "(7, 7)" in first
    assert "3/5 noisy/b.png failed: noisy/b.png can't be read as a PNG file" in second
    assert "5/5 gone.png failed: there is no file gone.png" in third
    assert last == "3 of 5 failed: noisy/a2.png, noisy/b.png, gone.png"


def test_what_is_there_is_not_made_again(invprob, folder, noisy):
    invprob(f"solve noisy/b.png noisy/c.jpg {NOISE} -o clean/")
    before = (folder / "clean" / "b.png").stat().st_mtime_ns
    failed = invprob(f"solve noisy {NOISE} -o clean/", code=1)
    assert "clean/b.png exists already; type --force" in failed.stderr
    assert (folder / "clean" / "b.png").stat().st_mtime_ns == before
    assert files(folder / "clean") == ["a.tif", "b.png", "c.png"]
    invprob(f"solve noisy {NOISE} -o clean/ --force")
    assert (folder / "clean" / "b.png").stat().st_mtime_ns > before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("noisy -o clean.png", "-o clean.png is one file, and 3 files are to be solved"),
        ("noisy/a.tif noisy/b.png -o clean.tif --page all", "name a folder for them, -o clean/"),
        ("noisy/b.png --page all -o x.png", "and all pages of noisy/b.png are to be solved: name"),
        ("noisy -o noisy", "-o noisy is the folder of the measurements"),
        ("noisy/a.tif gray.png -o noisy --force", "noisy/a.tif is one of the inputs"),
        ("noisy noisy/deeper/b.jpg -o clean/", "noisy/b.png and noisy/deeper/b.jpg would both be"),
        ("empty -o clean/", "no file in empty ends in .png, "),
        ("noisy -o clean/ --bits 12", "bits=12: a .tif file is written in 8 or 16 or 32 bits"),
        ("noisy -o clean/ --checkpoint run.ckpt", "a checkpoint is of one image"),
        ("noisy/a.tif --page all --samples 2 -o x.tif", "none for samples; name a folder"),
        ("noisy/a.tif --page some -o x.tif", "'some' is no page; the first is 0"),
        ("noisy/a.tif --page -1 -o x.tif", "'-1' is no page"),
        ("noisy -s pnp --prior shared:size=x -o clean/", "size=x: it must be a whole number"),
    ],
)
def test_what_can_not_be_ends_in_one_message_and_no_file(invprob, folder, noisy, line, message):
    shutil.copy(noisy / "c.jpg", noisy / "deeper" / "b.jpg")
    (folder / "empty").mkdir()
    before = files(folder)
    failed = invprob(f"solve {line} {NOISE}", code=2)
    assert message in " ".join(failed.stderr.replace("│", " ").split())
    assert files(folder) == before


def test_parts_that_do_not_go_together_are_said_once(invprob, folder, noisy):
    failed = invprob("solve noisy -l everything:count=1 -s pnp -o clean/", code=2)
    assert failed.stderr.count("Once cannot solve this problem") == 1


def test_pages_to_a_folder(invprob, folder, stack):
    failed = invprob(f"solve stack.tif {NOISE} --page all -o clean/", code=1)
    assert files(folder / "clean") == ["stack-0.tif", "stack-1.tif", "stack-3.tif"]
    assert "3/4 stack.tif page 2 failed: y has 1 values that are not finite" in failed.stderr
    invprob(f"solve stack.tif {NOISE} --page 3 -o one.tif")
    assert torch.equal(read_image("one.tif"), read_image("clean/stack-3.tif"))
    invprob(f"solve gray.png colour.png {NOISE} --page all -o more/")
    assert files(folder / "more") == ["colour.png", "gray.png"]
    invprob(f"solve stack.tif {NOISE} --samples 2 -s restart --page all -o run/", code=1)
    assert {"stack-0/mean.tif", "stack-3/sample-1.tif"} <= set(files(folder / "run"))


def test_pages_are_numbered_in_the_order_of_names(invprob, folder):
    tifffile.imwrite("many.tif", np.full((11, 8, 8), 0.5, np.float32), photometric="minisblack")
    invprob(f"solve many.tif many.tif {NOISE} --page all -o clean/")
    assert files(folder / "clean") == [f"many-{page:02}.tif" for page in range(11)]


def test_a_stack_gives_a_stack(invprob, folder, stack):
    done = invprob(f"solve stack.tif {NOISE} -s restart --page all -o clean.tif", code=1)
    assert "wrote clean.tif, 4 pages, of which those that failed are empty" in done.stdout
    assert done.stderr.splitlines()[-1] == "1 of 4 failed: stack.tif page 2"
    clean = tifffile.imread("clean.tif")
    assert clean.shape == stack.shape and clean.dtype == np.float32
    assert np.isnan(clean[2]).all() and not np.isnan(clean[[0, 1, 3]]).any()
    invprob(f"solve stack.tif {NOISE} -s restart --page 3 -o one.tif")
    assert torch.equal(read_image("one.tif"), read_image("clean.tif", page=3))
    line = f"solve stack.tif {NOISE} --page all -o rounded.tif --bits 8"
    invprob(line, code=1)
    assert (tifffile.imread("rounded.tif")[2] == 0).all()
    assert "exists already" in invprob(line, code=2).stderr
    assert "is the input" in invprob(line.replace("rounded", "stack"), code=2).stderr


def test_pages_that_are_no_stack(invprob, folder):
    with tifffile.TiffWriter("odd.tif") as file:
        for size in (4, 5):
            file.write(np.full((size, 4), 0.5, np.float32), photometric="minisblack")
    failed = invprob(f"solve odd.tif {NOISE} --page all -o clean.tif", code=2)
    assert "odd.tif has pages of shapes (4, 4, 1), (5, 4, 1); name a folder" in failed.stderr
    invprob(f"solve odd.tif {NOISE} --page all -o clean/")
    assert files(folder / "clean") == ["odd-0.tif", "odd-1.tif"]


def test_a_stack_of_which_nothing_is_left(invprob, folder):
    tifffile.imwrite("nan.tif", np.full((2, 4, 4), np.nan, np.float32), photometric="minisblack")
    failed = invprob(f"solve nan.tif {NOISE} --page all -o clean.tif", code=1)
    assert "2 of 2 failed" in failed.stderr and not (folder / "clean.tif").exists()


def test_a_full_disk_does_not_cost_a_stack(invprob, folder, monkeypatch):
    pages = np.full((2, 4, 4), 0.5, np.float32)
    tifffile.imwrite("stack.tif", pages, photometric="minisblack")
    (folder / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder / "temporary"))
    from invprob import formats

    write = formats.write

    def full(file, path, pixels, /, *, like, unit):
        if path.parent == type(path)():
            raise OSError(28, "No space left on device")
        write(file, path, pixels, like=like, unit=unit)

    monkeypatch.setattr("invprob.formats.write", full)
    failed = invprob(f"solve stack.tif {NOISE} --page all -o clean.tif", code=1)
    assert "clean.tif can't be written: No space left on device; the result is kept" in (
        failed.stderr
    )
    (kept,) = files(folder / "temporary")
    np.testing.assert_allclose(tifffile.imread(folder / "temporary" / kept), pages, atol=1e-6)


def test_a_full_disk_ends_a_folder(invprob, folder, noisy, parts, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device", "clean")

    (folder / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder / "temporary"))
    monkeypatch.setattr("invprob.formats.write", full)
    failed = invprob(f"solve noisy {NOISE} -o clean/", code=1)
    assert "No space left on device" in failed.stderr
    assert " failed: " not in failed.stderr  # of no image: the others were not solved


@pytest.mark.parametrize(
    ("output", "left"), [("clean/", "leaves those that exist alone"), ("clean.tif", "nothing is")]
)
def test_interrupted(invprob, folder, parts, monkeypatch, output, left):
    tifffile.imwrite("s.tif", np.full((3, 4, 4), 0.5, np.float32), photometric="minisblack")
    solver = parts.solvers["pnp"]
    step, count = solver.step, iter(range(9))

    def interrupted(self, *arguments):
        if next(count) == 1:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(solver, "step", interrupted)
    stopped = invprob(f"solve s.tif {NOISE} --page all -s pnp -o {output}", code=130)
    assert "stopped: interrupted at image 2 of 3; " in stopped.stderr and left in stopped.stderr
    assert (folder / "clean" / "s-0.tif").exists() == (output == "clean/")
    assert not (folder / "clean.tif").exists()


def test_where_nobody_reads_on_no_image_has_failed(invprob, folder, noisy, monkeypatch):
    """As in `invprob solve ... | head`."""

    def closed(text, err=False):
        if not err:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("typer.echo", closed)
    assert "failed" not in invprob(f"solve noisy {NOISE} -s pnp -o clean/", code=1).stderr
    assert files(folder / "clean") == ["a.tif"]


def test_out_of_memory_is_of_one_image(invprob, folder, noisy, parts, monkeypatch):
    solver = parts.solvers["pnp"]
    init, count = solver.init, iter(range(9))

    def full(self, *arguments):
        if next(count) == 1:
            raise MemoryError("no room")
        return init(self, *arguments)

    monkeypatch.setattr(solver, "init", full)
    failed = invprob(f"solve noisy {NOISE} -s pnp -o clean/", code=1)
    assert "2/3 noisy/b.png failed: MemoryError: no room" in failed.stderr
    assert files(folder / "clean") == ["a.tif", "c.png"]


def test_what_exists_is_said_before_its_noise_is_looked_for(invprob, folder, noisy, monkeypatch):
    from invprob.cli import many, one

    def sought(*_):
        raise AssertionError("the noise was looked for")

    (folder / "clean").mkdir()
    for name in ("a.tif", "b.png"):
        shutil.copy(noisy / name, folder / "clean" / name)
    monkeypatch.setattr(many, "with_noise", sought)
    monkeypatch.setattr(one, "with_noise", sought)
    for typed, code in (
        ("noisy/b.png -o clean/b.png", 2),
        ("noisy/a.tif noisy/b.png -o clean/", 1),
    ):
        assert "exists already" in invprob(f"solve {typed}", code=code).stderr
