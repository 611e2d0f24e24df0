"""`invprob solve`, as people type it."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from listing import files

from invprob.images import read_image, write_image
from invprob.operators.blur import CircularBlur


@pytest.mark.parametrize("name", ["colour.png", "gray.png"])
def test_solve_writes_the_estimate(invprob, folder, name):
    done = invprob(f"solve {name} -l gaussian:sigma=0.1 -o out.png --bits 16")
    x, y = read_image("out.png"), read_image(name)
    smooth = torch.nn.functional.avg_pool2d(y, 3, 1, 1, count_include_pad=False)
    torch.testing.assert_close(x, smooth, atol=1 / 65535, rtol=0)
    assert "Once, because the prior denoises" in done.stdout
    assert "Once() ran its only step" in done.stdout
    assert "wrote out.png" in done.stdout


def test_samples_beside_the_estimate(invprob, folder):
    before = set(files(folder))
    invprob("solve gray.png -l gaussian:sigma=0.1 --samples 3 --seed 5 -o out.tif")
    assert set(files(folder)) - before == {
        "out.tif",
        "out-std.tif",
        "out-panel.png",
        *(f"out-sample-{i}.tif" for i in range(3)),
    }
    samples = torch.stack([read_image(f"out-sample-{i}.tif") for i in range(3)])
    torch.testing.assert_close(read_image("out.tif"), samples.mean(0))
    torch.testing.assert_close(read_image("out-std.tif"), samples.std(0))
    assert float(samples.std(0).min()) > 0
    assert read_image("out-panel.png").shape[1] == 3


def test_a_folder(invprob, folder):
    invprob("solve gray.png -l gaussian:sigma=0.1 --samples 2 -o run/first/")
    names = ["mean.png", "panel.png", "sample-0.png", "sample-1.png", "std.tif"]
    assert files(folder / "run") == [f"first/{name}" for name in names]
    invprob("solve gray.png -l gaussian:sigma=0.1 -o run")
    assert "estimate.png" in files(folder / "run")


@pytest.mark.parametrize(
    ("name", "dtype", "options", "end"),
    [
        ("y.tif", np.float32, "", "tif"),
        ("y.tif", np.float32, "--bits 32", "tif"),
        ("y.npy", np.float32, "", "npy"),
        ("y.npy", np.float32, "--bits 16", "tif"),
        ("y.tif", np.uint16, "", "tif"),
        ("y.tif", np.uint8, "", "png"),
        ("y.tif", np.uint8, "--bits 32", "tif"),
        ("gray.png", None, "--bits 32", "tif"),
        ("gray.png", None, "--bits 16", "png"),
    ],
)
def test_a_folder_has_files_that_hold_the_numbers(invprob, folder, name, dtype, options, end):
    if dtype is not None:
        y = np.arange(120).reshape(12, 10)
        y = (y / 40 - 1).astype(dtype) if dtype is np.float32 else y.astype(dtype)
        (np.save if name == "y.npy" else tifffile.imwrite)(name, y)
    invprob(f"solve {name} -l gaussian:sigma=0.1 {options} -s pnp -o run/")
    assert files(folder / "run") == [f"estimate.{end}"]
    if dtype is np.float32 and "16" not in options:
        x = read_image(f"run/estimate.{end}")
        assert float(x.min()) < 0 and float(x.max()) > 1


def test_a_file_that_is_missing_or_damaged_names_no_format(invprob, folder):
    (folder / "torn.npy").write_bytes(b"nonsense")
    for name, said in (("gone.tif", "there is no file gone.tif"), ("torn.npy", "can't be read")):
        failed = invprob(f"solve {name} -l gaussian:sigma=0.1 -o run/", code=2)
        assert said in failed.stderr and not (folder / "run").exists()


def test_a_sample_does_not_depend_on_how_many(invprob, folder):
    invprob("solve gray.png -l gaussian:sigma=0.1 --samples 2 --seed 3 -o few.tif")
    invprob("solve gray.png -l gaussian:sigma=0.1 --samples 4 --seed 3 -o many.tif")
    assert torch.equal(read_image("few-sample-1.tif"), read_image("many-sample-1.tif"))


def test_operators(invprob, folder):
    invprob("solve gray.png -l gaussian:sigma=0.1 -A mask:file=mask.png -o a.png")
    invprob("solve gray.png -l gaussian:sigma=0.1 -A circular-blur:kernel=uniform3 -o b.png")
    assert {"a.png", "b.png"} <= set(files(folder))


@pytest.mark.parametrize("noise", ["gaussian:sigma=0.1", "poisson:peak=255"])
def test_the_share_of_the_pixels_that_a_mask_leaves(invprob, folder, noise):
    line = f"solve gray.png -l {noise} -s restart"
    done = invprob(f"{line} -A mask:file=mask.png -o a.png")
    assert "mask: 66.7% of the pixels are measured, those that are white in it" in done.stdout
    assert done.stderr == ""
    write_image("inverted.png", (torch.arange(120).reshape(12, 10) % 10 == 0).float())
    done = invprob(f"{line} -A mask:file=inverted.png -o b.png")
    assert "warning: the mask is white in 10.0% of the pixels" in done.stderr
    assert "invert the mask" in done.stderr
    assert "mask:" not in invprob(f"{line} -o c.png").stdout


def test_a_measured_kernel(invprob, folder):
    import numpy as np

    psf = np.outer([1, 2, 1], [1, 5, 3]).astype(np.uint16)
    np.save("psf.npy", psf)
    line = "simulate gray.png -l gaussian:sigma=0.000001 -A circular-blur"
    done = invprob(f"{line}:file=psf.npy -o y.tif")
    assert "CircularBlur(kernel=3x3)" in done.stdout
    blur = CircularBlur(torch.from_numpy(psf / psf.sum()))
    torch.testing.assert_close(
        read_image("y.tif"), blur.forward(read_image("gray.png")), atol=1e-5, rtol=0
    )
    invprob("solve y.tif -l gaussian:sigma=0.1 -A circular-blur:file=psf.npy -o x.png")
    said = invprob(f"{line}:kernel=psf.npy -o z.tif", code=2).stderr
    assert "no kernel is called 'psf.npy'" in said
    assert "on the command line: circular-blur:file=psf.tif for a kernel in a file" in said
    for options in ("", ":kernel=uniform3,file=psf.npy"):
        said = invprob(f"{line}{options} -o z.tif", code=2).stderr
        assert "a blur has one kernel; give its name, kernel=uniform5" in said


def test_an_operator_before_photon_counts(invprob, folder):
    line = "gray.png -l poisson:peak=30 -A circular-blur:kernel=uniform3 -o counts.tif"
    done = invprob(f"simulate {line}")
    assert "Observed(noise=Poisson(peak=30.0), operator=CircularBlur" in done.stdout
    invprob("solve counts.tif -l poisson:peak=30 -A circular-blur:kernel=uniform3 -o x.png")
    assert read_image("x.png").shape == read_image("gray.png").shape


def test_one_page_of_many(invprob, folder):
    import tifffile

    stack = torch.rand(3, 6, 5).numpy()
    tifffile.imwrite("stack.tif", stack, photometric="minisblack")
    failed = invprob("solve stack.tif -l gaussian:sigma=0.1 -o out.png", code=2)
    assert "has 3 pages" in failed.stderr
    invprob("solve stack.tif --page 1 -l gaussian:sigma=0.1 -o out.png")
    assert read_image("out.png").shape == (1, 1, 6, 5)


def test_resumed_is_what_was_never_interrupted(invprob, folder, parts, monkeypatch):
    line = "solve gray.png -l gaussian:sigma=0.1 -s restart:calls=9 --samples 2"
    invprob(f"{line} -o whole.tif")
    sampler = parts.solvers["restart"]
    step, count = sampler.step, iter(range(99))

    def interrupted(self, problem, state, streams, /):
        if next(count) == 5:
            raise KeyboardInterrupt
        return step(self, problem, state, streams)

    monkeypatch.setattr(sampler, "step", interrupted)
    stopped = invprob(f"{line} --checkpoint run.ckpt --every 100 -o part.tif", code=130)
    assert "interrupted after step 5 of 9" in stopped.stderr
    assert "type the same command with --resume run.ckpt" in stopped.stderr
    assert not (folder / "part.tif").exists()
    monkeypatch.setattr(sampler, "step", step)
    invprob(f"{line} --resume run.ckpt -o part.tif")
    assert torch.equal(read_image("part.tif"), read_image("whole.tif"))
    other = invprob(f"{line} --seed 1 --resume run.ckpt -o other.tif", code=1)
    assert "is of another run: its seed is 0" in other.stderr


def test_interrupted_with_nothing_saved(invprob, folder, parts, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(parts.solvers["pnp"], "step", interrupted)
    stopped = invprob("solve gray.png -l gaussian:sigma=0.1 -o out.png", code=130)
    assert "interrupted after step 0 of 1; nothing was saved; --checkpoint" in stopped.stderr


def test_raw_numbers_come_back_in_their_unit(invprob, folder):
    import numpy as np
    import tifffile

    x = read_image("gray.png")[0, 0].double().numpy()
    counts = np.random.default_rng(0).poisson(200 * x).astype(np.int32)
    tifffile.imwrite("counts.tif", 50 + counts)
    line = "solve counts.tif --black 50 --white 250 -l poisson:peak=200"
    invprob(f"{line} -o clean.tif")
    clean = tifffile.imread("clean.tif")
    assert clean.dtype == np.float32
    assert float(clean.mean()) == pytest.approx(50 + 200 * x.mean(), rel=0.05)
    invprob(f"{line} -o rounded.tif --bits 16")
    rounded = tifffile.imread("rounded.tif")
    assert rounded.dtype == np.uint16
    np.testing.assert_allclose(rounded, clean, atol=0.5 + 1e-4)
    invprob(f"{line} -o array.npy")
    np.testing.assert_array_equal(np.load("array.npy"), clean)
    invprob(f"{line} -o picture.png")
    torch.testing.assert_close(
        read_image("picture.png")[0, 0],
        torch.from_numpy((clean - 50) / 200).clamp(0, 1),
        atol=0.5 / 255 + 1e-6,
        rtol=0,
    )
    invprob(f"{line} --samples 3 -o run/")
    samples = np.stack([tifffile.imread(f"run/sample-{i}.tif") for i in range(3)])
    np.testing.assert_allclose(
        tifffile.imread("run/std.tif"), samples.std(0, ddof=1), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("samples", [1, 2])
def test_what_a_depth_does_not_hold_is_said(invprob, folder, samples):
    y = torch.linspace(-1, 1, 120).reshape(12, 10)
    write_image("y.tif", y)
    line = f"solve y.tif -l gaussian:sigma=0.5 -s restart --samples {samples} --force"
    said = invprob(f"{line} --bits 16 -o o.tif").stderr
    assert said.startswith("warning: 50.0% of the values were outside [0, 1] and are clipped")
    assert "o.tif without --bits keeps them" in said
    assert "picture.tif keeps them" in invprob(f"{line} --bits 8 -o picture.png").stderr
    assert invprob(f"{line} -o o.tif").stderr == ""
    assert invprob(f"{line} -o picture.png").stderr == ""
    raw = f"{line} --black 1000 --white 2000 --bits 16 -o raw.tif"
    write_image("y.tif", y, black=1000, white=2000)
    assert invprob(raw).stderr == ""


def test_an_image_that_is_all_too_dark_is_pointed_out(invprob, folder):
    import numpy as np
    import tifffile

    tifffile.imwrite("dim.tif", np.array([[3000, 3068], [100, 0]], np.uint16))
    line = "solve dim.tif -l gaussian:sigma=0.1 --force -o o.png"
    assert "max(y) = 0.0468: is white really 65535 in dim.tif?" in (said := invprob(line).stderr)
    assert "--white 3068" in said
    assert invprob(f"{line} --white 3068").stderr == ""
    assert invprob("solve gray.png -l gaussian:sigma=0.1 -o p.png").stderr == ""


def test_a_result_that_does_not_explain_the_data(invprob, folder):
    write_image("noise.tif", (torch.arange(120).reshape(12, 10) % 2).float())
    said = invprob("solve noise.tif -l gaussian:sigma=0.05 -o o.png").stdout
    assert "this result does not explain the data: they are too far from it" in said
