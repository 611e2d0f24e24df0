"""Behind a blur of photographs files have the size of what was measured, and it is said."""

from __future__ import annotations

import numpy as np
import tifffile
import torch
from listing import files
from torch.nn.functional import avg_pool2d

from invprob.images import read_image, write_image
from invprob.operators.blur import CircularBlur
from invprob.operators.valid_blur import Blur

LINE = "-l gaussian:sigma=0.1 -A blur:kernel=uniform3"
SAID = "written: the 12x10 pixels in the field of view, of 14x12"


def smooth(y):
    """What the solver of the tests makes of y: the adjoint, smoothed, in the field of view."""
    blur = Blur.named("uniform3")
    return blur.crop(avg_pool2d(blur.adjoint(y), 3, 1, 1, count_include_pad=False))


def test_an_estimate_lies_on_its_measurement(invprob, folder):
    done = invprob(f"solve colour.png {LINE} -o out.tif")
    torch.testing.assert_close(read_image("out.tif"), smooth(read_image("colour.png")))
    assert SAID in done.stdout and "(3, 14, 12)" in done.stdout and "misfit" in done.stdout


def test_all_files_of_samples(invprob, folder):
    done = invprob(f"solve gray.png {LINE} --samples 2 -o run/")
    assert files(folder / "run") == [
        "mean.png",
        "panel.png",
        "sample-0.png",
        "sample-1.png",
        "std.tif",
    ]
    for name in ("mean.png", "sample-1.png", "std.tif"):
        assert read_image(folder / "run" / name).shape == (1, 1, 12, 10)
    assert SAID in done.stdout


def test_many_images_and_pages(invprob, folder):
    done = invprob(f"solve gray.png colour.png {LINE} -o out/")
    assert done.stdout.count(SAID) == 1
    for name in ("gray.png", "colour.png"):
        torch.testing.assert_close(
            read_image(folder / "out" / name), smooth(read_image(name)), atol=0.5 / 255, rtol=0
        )
    pages = np.full((3, 12, 10), 0.5, np.float32)
    tifffile.imwrite("stack.tif", pages, photometric="minisblack")
    invprob(f"solve stack.tif --page all {LINE} -o out.tif")
    assert tifffile.imread("out.tif").shape == (3, 12, 10)


def test_a_simulation_is_smaller_and_says_so(invprob, folder):
    done = invprob("simulate gray.png -l gaussian:sigma=0.000001 -A blur:kernel=uniform3 -o y.tif")
    assert "y.tif has the 10x8 pixels in the field of view, of 12x10" in done.stdout
    blurred = Blur.named("uniform3").forward(read_image("gray.png"))
    torch.testing.assert_close(read_image("y.tif"), blurred, atol=1e-4, rtol=0)
    plain = invprob(
        "simulate gray.png -l gaussian:sigma=0.1 -A circular-blur:kernel=uniform3 -o z.tif"
    )
    assert "field of view" not in plain.stdout


def test_a_photograph_that_is_said_to_wrap_around_is_warned_of(invprob, folder):
    photo = torch.linspace(0.2, 0.8, 140)[:, None] * torch.linspace(0.5, 1, 150)
    line = "-l gaussian:sigma=0.01 -A circular-blur:kernel=uniform5 -o out/ --force"
    for name in ("a.png", "b.png"):
        write_image(name, Blur.named("uniform5").forward(photo[None, None]))
        write_image(f"wrapped-{name}", CircularBlur.named("uniform5").forward(photo[None, None]))
    done = invprob(f"solve a.png b.png {line}")
    assert done.stderr.count("take Blur(kernel) (-A blur:...)") == 1
    done = invprob(f"solve wrapped-a.png wrapped-b.png {line}")
    assert done.stderr == ""
