"""What `invprob solve` refuses, and that it leaves other files alone."""

from __future__ import annotations

import pytest
import torch
from listing import files
from typer.testing import CliRunner

from invprob.cli.app import app
from invprob.images import read_image, write_image


def test_a_checkpoint_writes_over_no_file_unasked(invprob, folder):
    line = "solve gray.png -l gaussian:sigma=0.1 -s restart -A mask:file=mask.png"
    invprob(f"{line} --checkpoint run.ckpt -o x.png")
    before = {name: (folder / name).read_bytes() for name in files(folder)}
    for name, message in (
        ("gray.png", "gray.png exists and is no checkpoint; keep the run in another file"),
        ("mask.png", "is no checkpoint"),
        ("out.tif", "out.tif is where the result goes"),
        (".", "can't be written: it is a folder"),
        ("gone/run.ckpt", "gone is no folder"),
    ):
        failed = invprob(f"{line} --force --checkpoint {name} -o out.tif", code=2)
        assert message in failed.stderr and "ran all" not in failed.output
    failed = invprob(f"{line} --seed 1 --checkpoint run.ckpt -o out.tif", code=2)
    assert "run.ckpt exists already; type --resume run.ckpt to go on from it" in failed.stderr
    assert {name: (folder / name).read_bytes() for name in files(folder)} == before
    invprob(f"{line} --resume run.ckpt --checkpoint run.ckpt -o out.tif")
    assert (folder / "run.ckpt").read_bytes() == before["run.ckpt"]
    invprob(f"{line} --seed 1 --checkpoint run.ckpt --force -o out.tif")
    assert (folder / "run.ckpt").read_bytes() != before["run.ckpt"]


def test_samples_of_another_run_are_pointed_out(invprob, folder):
    line = "solve gray.png -l gaussian:sigma=0.1 -s restart --force"
    assert invprob(f"{line} --samples 4 -o run/").stderr == ""
    said = invprob(f"{line} --samples 2 -o run/").stderr
    assert "warning: left from another run: run/sample-2.png and 1 more; this one has 2" in said
    assert invprob(f"{line} --samples 2 -o x.png").stderr == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gone.png -l gaussian:sigma=0.1 -o o.png", "there is no file gone.png"),
        ("gray.png -l gaussian:sigma=25 -o o.png", "type sigma=25/255 (= 0.098)"),
        ("gray.png -l gaussian:sigma=inf -o o.png", "sigma=inf: it must be finite"),
        ("gray.png -l gaussian:sigmas=1 -o o.png", "did you mean 'sigma'? It takes gaussian:"),
        ("gray.png -l gaussian -o o.png", "needs sigma; type gaussian:sigma=<a number>"),
        ("gray.png -l gausian:sigma=1 -o o.png", "did you mean 'gaussian'"),
        ("gray.png -l gaussian:sigma=0.1 -s pmp -o o.png", "did you mean 'pnp'"),
        ("gray.png -l gaussian:sigma=0.1 -o o.svg", "names no known format"),
        ("gray.png -l gaussian:sigma=0.1 -o o.jpg --bits 16", "written in 8 bits"),
        ("gray.png -l gaussian:sigma=0.1 -o gray.png", "is the input"),
        ("gray.png -l gaussian:sigma=0.1 -o ./gray.png --force", "is the input"),
        ("gray.png -l gaussian:sigma=0.1 -o mask.png", "type --force to write over it"),
        ("gray.png -l everything:count=1 -s pnp -o o.png", "Once cannot solve this problem"),
        ("gray.png -l gaussian:sigma=0.1 -s pnp --samples 2 -o o.png", "is deterministic"),
        ("gray.png -l gaussian:sigma=0.1 -A mask:file=colour.png -o o.png", "a mask is white"),
    ],
)
def test_mistakes_end_in_one_message_and_no_file(invprob, folder, line, message):
    before = files(folder)
    failed = invprob(f"solve {line}", code=2)
    assert message in failed.stderr
    assert failed.stderr.startswith("error: ")
    assert "Traceback" not in failed.output
    assert files(folder) == before


def test_the_command_line_is_told_what_it_can_type(invprob, folder):
    import numpy as np
    import tifffile

    tifffile.imwrite("raw.tif", np.full((4, 4), 7, np.int32))
    failed = invprob("solve raw.tif -l gaussian:sigma=0.1 -o o.png", code=2)
    assert failed.stderr.splitlines()[1].startswith("on the command line: --white 7 for")
    tifffile.imwrite("stack.tif", np.zeros((3, 4, 4), np.uint8), photometric="minisblack")
    failed = invprob("solve stack.tif -l gaussian:sigma=0.1 -o o.png", code=2)
    assert "on the command line: --page 0, and so on to --page 2" in failed.stderr
    line = "solve gray.png -l gaussian:sigma=0.1 -s pnp --samples 2 -o o.png"
    assert "\non the command line: -s restart\n" in invprob(line, code=2).stderr
    tifffile.imwrite("nan.tif", np.array([[0, np.nan]], np.float32))
    failed = invprob("solve nan.tif -l gaussian:sigma=0.1 -o o.png", code=2)
    assert "on the command line: -A mask:file=mask.png" in failed.stderr
    tifffile.imwrite("bright.tif", np.array([[0, 900]], np.float32))
    failed = invprob("simulate bright.tif -l gaussian:sigma=0.1 -o o.png", code=2)
    assert "on the command line: --white 900\n" in failed.stderr
    tifffile.imwrite("bright.tif", np.array([[-1 / 7, 900 / 7]], np.float32))
    failed = invprob("simulate bright.tif -l gaussian:sigma=0.1 -o o.png", code=2)
    advice = failed.stderr.rpartition("on the command line: ")[2].strip()
    assert advice == "--black -0.142857 --white 128.571"
    invprob(f"simulate bright.tif -l gaussian:sigma=0.1 {advice} -o o.png")
    failed = invprob("solve gray.png -l poisson:peak=30 -o p.png", code=2)
    assert "on the command line: --white N -l poisson:peak=N for raw counts" in failed.stderr


def test_an_output_without_a_name_is_refused(invprob, folder):
    before = files(folder)
    failed = invprob("solve gray.png -l gaussian:sigma=0.1 --output=", code=2)
    assert "it is empty; name an image" in failed.stderr
    failed = invprob("solve gray.png -l gaussian:sigma=0.1 -o .PNG", code=2)
    assert "it is an ending" in failed.stderr
    assert files(folder) == before


def test_a_measurement_without_a_name_is_not_the_current_folder(invprob, folder):
    before = files(folder)
    for command in (
        "solve <> -l gaussian:sigma=0.1 -o all/",
        "train denoiser <> -o w.safetensors",
    ):
        typed = ["" if word == "<>" else word for word in command.split()]
        failed = CliRunner().invoke(app, typed)
        assert failed.exit_code == 2 and "it is empty; name a file" in failed.stderr
    failed = invprob("solve gray.png -l gaussian:sigma=0.1 -A mask:file= -o o.png", code=2)
    assert "operator mask: file=: it must be a file" in failed.stderr
    assert files(folder) == before


def test_force(invprob, folder):
    before = (folder / "mask.png").read_bytes()
    invprob("solve gray.png -l gaussian:sigma=0.1 -o mask.png --force")
    assert (folder / "mask.png").read_bytes() != before


@pytest.mark.parametrize("output", ["gray.png/t.png", f"{'x' * 300}.png", "mask.png/run/"])
def test_an_output_that_can_not_be_written_is_known_before_the_run(invprob, folder, output):
    before = files(folder)
    failed = invprob(f"solve gray.png -l gaussian:sigma=0.1 -o {output}", code=2)
    assert (
        f"error: {output.rstrip('/')}" in failed.stderr and "can't be written: " in failed.stderr
    )
    assert "ran all" not in failed.output and files(folder) == before
    assert ("is no folder" in failed.stderr) == ("png/" in output)


def test_a_folder_of_somebody_else(invprob, folder, monkeypatch):
    def refused(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.touch", refused)
    failed = invprob("solve gray.png -l gaussian:sigma=0.1 -o t.png", code=2)
    assert failed.stderr.startswith("error: t.png can't be written: Permission denied; name")
    failed = invprob("simulate gray.png -l gaussian:sigma=0.1 -o t.tif", code=2)
    assert failed.stderr.startswith("error: t.tif can't be written: Permission denied; name")


@pytest.mark.parametrize("samples", [1, 2])
def test_a_full_disk_does_not_cost_the_result(invprob, folder, monkeypatch, samples):
    from invprob import formats

    write, temporary = formats.write, folder / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def full(file, path, pixels, /, *, like, unit):
        if path.suffix != ".npy":
            raise OSError(28, "No space left on device")
        write(file, path, pixels, like=like, unit=unit)

    monkeypatch.setattr("invprob.formats.write", full)
    line = f"solve gray.png -l gaussian:sigma=0.1 --samples {samples} -s restart --white 200"
    said = invprob(f"{line} -o t.tif", code=1).stderr
    assert "error: t.tif can't be written: No space left on device; the result is kept in " in said
    assert str(temporary) in said and not (folder / "t.tif").exists()
    kept = files(temporary)
    assert [name.rpartition("/")[2] for name in kept] == [
        *(f"t-sample-{i}.npy" for i in range(samples if samples > 1 else 0)),
        "t.npy",
    ]
    assert read_image(temporary / kept[-1], white=200).shape == (1, 1, 12, 10)
    monkeypatch.setattr("tempfile.tempdir", str(folder / "gone"))
    said = invprob(f"{line} -o t.tif", code=1).stderr
    assert "t.tif can't be written: No space" in said and "nor can a copy in the temp" in said


def test_whole_numbers_hold_no_image_whose_white_is_one(invprob, folder):
    write_image(folder / "f.tif", 0.3 + 0.4 * torch.rand(1, 12, 10))
    typed = "solve f.tif --white 1 -l gaussian:sigma=0.1"
    told = invprob(f"{typed} --bits 16 -o x.tif", code=2).stderr
    assert "hardly any from black, 0, to white, 1: leave --bits 16 out" in told
    assert not (folder / "x.tif").exists()
    invprob(f"{typed} -o x.tif")
